from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.instance import Browser, Instance, running_instance
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="module")
def sandbox_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A fresh sandbox instance, a process of its own, for the tests of one module."""
    with running_instance(tmp_path_factory.mktemp("instance")) as (instance, _):
        yield instance


@pytest.fixture
def tmp_instance(tmp_path: Path) -> Iterator[Instance]:
    """A fresh sandbox instance for one test alone."""
    with running_instance(tmp_path) as (instance, _):
        yield instance


@pytest.fixture
def browser(sandbox_instance: Instance) -> Iterator[Browser]:
    browser = Browser(sandbox_instance)
    yield browser
    browser.session.close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The far end of the callbacks: keeps each request that a rule makes."""
    receiver = Receiver()
    yield receiver
    receiver.close()
