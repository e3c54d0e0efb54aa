"""What a run consists of: how long, on what, and how hard."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

CONNECT_SUPPORT = "connect_support"
AGENT_CHAT = "agent_chat"
SYSTEMS = (CONNECT_SUPPORT, AGENT_CHAT)
# In percent of all calls of the integration user: 25 together.
CALL_FAULTS = {
    "fault_latency": 2,
    "fault_429": 1,
    "fault_429_bare": 1,
    "fault_202_dropped": 2,
    "fault_500_before": 1,
    "fault_500_after": 2,
    "fault_502_before": 1,
    "fault_502_after": 2,
    "fault_silence_before": 1,
    "fault_silence_after": 2,
    "fault_hang_up_before": 1,
    "fault_hang_up_after": 2,
    "fault_hibernation": 1,
    "fault_truncated": 2,
    "fault_revoked_token": 1,
    "fault_hidden_own": 1,
    "fault_hidden_others": 1,
    "fault_hidden_all": 1,
}
# In percent of all callbacks.
CALLBACK_FAULTS = {
    "fault_callback_dropped": 5,
    "fault_callback_duplicated": 5,
    "fault_callback_reordered": 5,
    "fault_callback_late": 5,
    "fault_callback_broken": 5,
}


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The product's own waits for this run, in seconds."""

    deadline: float
    settle: float
    lease: float
    poll: float = 2.0
    # A call that is applied when we have given it up, and while it may still be.
    late: float

    @property
    def limit(self) -> float:
        """Return after how long no call may be applied any more."""
        return self.deadline + self.settle

    @property
    def environment(self) -> dict[str, str]:
        return {
            "REQUEST_DEADLINE": str(self.deadline),
            "SETTLE_TIME": str(self.settle),
            "LANE_LEASE": str(self.lease),
            "POLL_INTERVAL": str(self.poll),
        }


# With the late call still to come when an outcome is looked up for the first time.
FULL = Timing(deadline=2, settle=8, lease=12, late=8)
SHORT = Timing(deadline=2, settle=4, lease=12, late=4)
# So late that whoever looks too early has looked twice.
LATE = Timing(deadline=2, settle=12, lease=12, late=12)


@dataclass(frozen=True, kw_only=True)
class Plan:
    seed: int
    setup: str = "postgres"
    systems: tuple[str, ...] = (CONNECT_SUPPORT,)
    # How long users and agents are disturbed; then they finish in peace.
    seconds: float = 75.0
    # How many calls and callbacks are struck at least, and how many workers are
    # killed: a slow machine takes longer.
    strikes: int = 100
    kills: int = 20
    # How long it may take until all is delivered then.
    patience: float = 180.0
    handoffs: int = 24
    messages: int = 14
    replies: int = 10
    web_down: float = 30.0
    # How often the servers crash, each in its way.
    crashes: int = 2
    timing: Timing = FULL
    without: str = ""
    nemesis: bool = True
    faults: Mapping[str, int] = field(
        default_factory=lambda: CALL_FAULTS | CALLBACK_FAULTS
    )

    @property
    def switches(self) -> dict[str, int]:
        """Return where the sandbox's switches stand during the storm."""
        milliseconds = int(self.timing.late * 1000)
        return {
            "fault_seed": self.seed,
            "fault_latency_ms": milliseconds,
            "fault_429_seconds": 1,
            "fault_silence_seconds": int(self.timing.deadline) + 1,
            "fault_revoked_token_seconds": 5,
            "fault_callback_late_seconds": 3,
            **self.faults,
        }

    @property
    def calm(self) -> dict[str, int]:
        return dict.fromkeys(self.faults, 0)


def quick(plan: Plan) -> Plan:
    """Return a plan that shows much of the same in half a minute."""
    return replace(
        plan,
        seconds=6.0,
        strikes=10,
        kills=3,
        patience=90.0,
        handoffs=4,
        messages=6,
        replies=3,
        web_down=2.0,
        crashes=1,
        timing=SHORT,
        # One of these has the whole connection rest for half a minute.
        faults={**plan.faults, "fault_429_bare": 0},
    )


# What strikes where a rule is taken away: as little else as possible.
_AGAINST = {
    "read_back": {"fault_502_after": 15, "fault_hang_up_after": 15},
    "settle": {"fault_latency": 30},
}
ABLATIONS = tuple(_AGAINST)


def ablation(plan: Plan) -> Plan:
    """Return a plan by which it shows that a rule is missing."""
    timing = LATE if plan.without == "settle" else SHORT
    return replace(
        plan,
        seconds=5.0,
        strikes=8,
        patience=timing.limit + 3,
        handoffs=12,
        messages=3,
        replies=1,
        timing=timing,
        nemesis=False,
        faults=_AGAINST[plan.without],
    )
