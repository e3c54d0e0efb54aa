import pytest

from tests.chaos.histories import history
from tests.chaos.plan import SYSTEMS
from tests.chaos.records import Record


@pytest.fixture(params=SYSTEMS)
def whole(request: pytest.FixtureRequest) -> Record:
    """All was said, seen and told; then the agent ended it."""
    return history(request.param)
