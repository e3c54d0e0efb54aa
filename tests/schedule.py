"""Which tests stay together on one of pytest-xdist's workers."""

from xdist.scheduler import LoadFileScheduling

# All its files share one demo, which is long to start.
TOGETHER = "tests/browser/"


class KeepTogether(LoadFileScheduling):  # type: ignore[misc] # it ships no types
    """Gives a worker a file at a time, and what shares servers with it."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(TOGETHER):
            return TOGETHER
        return str(super()._split_scope(nodeid))
