"""One run: a storm, then calm until all is delivered, then the verdict."""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from tests.chaos.chatbot import FINAL, Chatbot, Event
from tests.chaos.conversations import Conversation, planned
from tests.chaos.day import Day
from tests.chaos.desk import Desk
from tests.chaos.nemesis import Nemesis
from tests.chaos.people import Agent, talk
from tests.chaos.plan import AGENT_CHAT, CONNECT_SUPPORT, Plan
from tests.chaos.records import UNSETTLED, held
from tests.chaos.stage import Stage, set_stage
from tests.chaos.verdict import Verdict, judge

PRODUCERS = 3
# Nothing is expected any more when nothing has moved for so long.
QUIET = 40.0
# A storm that does not strike often enough lasts so much longer, and no more.
LONGER = 120.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    verdict: Verdict
    nemesis: Counter[str]
    faults: Counter[str]
    refused_posts: int
    # Of the calls that the sandbox answered in its own time.
    slowest: float
    set_up: float
    calm: float
    total: float
    # What was to strike and did not: without it a run proves less than it says.
    missing: list[str]


def play(plan: Plan) -> Outcome:
    began = time.monotonic()
    with set_stage(plan) as stage:
        set_up = time.monotonic() - began
        run = Run(stage, plan)
        calm = run.play()
        faults = _faults(stage)
        return Outcome(
            verdict=run.verdict(),
            nemesis=run.nemesis.done,
            faults=faults,
            missing=[*run.nemesis.missing(), *missing_faults(plan, faults)],
            refused_posts=stage.postmaster.refused,
            slowest=_slowest(stage),
            set_up=set_up,
            calm=calm,
            total=time.monotonic() - began,
        )


class Run:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.stage = stage
        self.plan = plan
        self.conversations = planned(plan)
        self.nemesis = Nemesis(stage, plan)
        self.desks = [Desk(stage.instance, system=system) for system in plan.systems]
        self.chatbots = {name: stage.chatbots[name] for name in plan.systems}
        self.followed: dict[str, list[Event]] = {name: [] for name in plan.systems}
        self.day = Day(plan)

    def play(self) -> float:
        """Let it storm; return how long it takes then until all is calm."""
        self.stage.instance.switch(**self.plan.switches)
        with ThreadPoolExecutor(PRODUCERS + 2 * len(self.desks) + 1) as pool:
            try:
                others = self._let_in(pool)
                users = self._let_in_users(pool)
                self._storm(pool)
                self._calm_down()
                took = self._await(users)
            finally:
                self.day.end()
                for chatbot in self.chatbots.values():
                    chatbot.is_gone.set()
            for one in [*others, *users]:
                one.result()
        return took

    def verdict(self) -> Verdict:
        return judge(
            self.stage, self.conversations, desks=self.desks, followed=self.followed
        )

    def _let_in(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """Let agents and bots begin: they work until the day is done."""
        futures = []
        for number, screen in enumerate(self.desks):
            rng = Random(self.plan.seed + number)  # noqa: S311 - to be repeated
            agent = Agent(screen, self.conversations, day=self.day, rng=rng)
            futures.append(pool.submit(agent.work))
        for name, chatbot in self.chatbots.items():
            chatbot.is_moody = self.plan.nemesis
            futures.append(pool.submit(self._follow, chatbot, self.followed[name]))
        return futures

    def _let_in_users(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        """Let the users begin: they are done when they have said all."""
        plan = self.plan
        pause = 0.7 * plan.seconds * PRODUCERS / (plan.handoffs * (plan.messages + 1))
        return [
            pool.submit(
                talk,
                self.conversations[number::PRODUCERS],
                chatbots=self.chatbots,
                day=self.day,
                rng=Random(plan.seed + number),  # noqa: S311 - to be repeated
                pause=pause,
            )
            for number in range(PRODUCERS)
        ]

    def _storm(self, pool: ThreadPoolExecutor) -> None:
        if self.plan.nemesis:
            killer = pool.submit(self.nemesis.kill_workers, self.day.storm_is_over)
            self.nemesis.rage()
        else:
            time.sleep(self.plan.seconds)
        enough = time.monotonic() + LONGER
        while not self._has_struck() and time.monotonic() < enough:
            time.sleep(1)
        self.day.calm_down()
        if self.plan.nemesis:
            killer.result()

    def _has_struck(self) -> bool:
        faults = _faults(self.stage).total()
        return faults >= self.plan.strikes and not self.nemesis.missing_kills()

    def _follow(self, chatbot: Chatbot, followed: list[Event]) -> None:
        """Read the feed while it grows."""
        while not self.day.is_done.is_set():
            after = followed[-1]["feed_sequence"] if followed else 0
            page = chatbot.call("GET", f"events?after={after}&wait=2").json()
            followed += page["items"]

    def _calm_down(self) -> None:
        self.stage.instance.switch(**self.plan.calm)
        for chatbot in self.chatbots.values():
            chatbot.is_moody = False

    def _await(self, users: list[Future[None]]) -> float:
        """Wait until all is delivered, or nothing moves any more; return how long."""
        began = moved = time.monotonic()
        before: object = None
        while time.monotonic() < began + self.plan.patience:
            time.sleep(1)
            if all(user.done() for user in users) and self._is_all_told():
                break
            seen = self._seen()
            if seen != before:
                before, moved = seen, time.monotonic()
            if self.day.is_late and time.monotonic() > moved + QUIET:
                break
        return time.monotonic() - began

    def _seen(self) -> object:
        heard = [len(chatbot.told) for chatbot in self.chatbots.values()]
        return heard, [len(events) for events in self.followed.values()]

    def _is_all_told(self) -> bool:
        return (
            self.day.is_still
            and all(self._is_settled(one) for one in self.conversations)
            and all(
                len(chatbot.told) == len(self.followed[name])
                for name, chatbot in self.chatbots.items()
            )
            and not any(self._is_at_work(screen) for screen in self.desks)
        )

    def _is_at_work(self, screen: Desk) -> bool:
        """Tell whether somebody still talks to nobody: Agent Chat may hold an end."""
        chats = screen.chats() if screen.system == CONNECT_SUPPORT else []
        return any(chat.is_waiting or chat.is_open for chat in chats)

    def _is_settled(self, one: Conversation) -> bool:
        chatbot = self.chatbots[one.system]
        if not any(event["type"] in FINAL for event in chatbot.told_about(one.id)):
            return False
        rows = chatbot.pages(f"handoffs/{one.handoff_id}/messages")
        deliveries = [row["delivery"] for row in rows if row["role"] == "user"]
        if one.system == AGENT_CHAT:  # what may have arrived is held for good
            unknown = held(deliveries)
        else:
            unknown = [False] * len(deliveries)
        return not any(
            delivery in UNSETTLED and not is_held
            for delivery, is_held in zip(deliveries, unknown, strict=True)
        )


def missing_faults(plan: Plan, struck: Counter[str]) -> list[str]:
    """Tell of what kinds of faults there were none, or of all too few."""
    total = struck.total()
    few = [f"only {total} faults"] if total < plan.strikes else []
    kinds = {name.startswith("fault_callback") for name in plan.faults}
    missing = kinds - {name.startswith("fault_callback") for name in struck}
    names = {True: "faults of callbacks", False: "faults of calls"}
    return few + [f"no {names[kind]}" for kind in sorted(missing)]


def _faults(stage: Stage) -> Counter[str]:
    struck = stage.instance.call("GET", "/sandbox/api/faults").json()["faults"]
    return Counter({name: count for name, count in struck.items() if count})


def _slowest(stage: Stage) -> float:
    """Return the longest time that a call took which no fault held up."""
    calls = stage.instance.calls(fault="")["calls"]
    return max((call["milliseconds"] for call in calls), default=0) / 1000
