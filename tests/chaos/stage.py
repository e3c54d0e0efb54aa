"""Everything of a run: the product's processes, its servers, the sandbox, the bots."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handoff.management.demo import agent_chat_side
from handoff.management.demo.place import Place
from handoff.management.demo.ports import Ports
from handoff.management.demo.product_side import BotDeveloper, Shown
from handoff.management.demo.servicenow_side import Administrator
from tests import servers
from tests.chaos.chatbot import Chatbot
from tests.chaos.plan import CONNECT_SUPPORT, SYSTEMS, Plan
from tests.chaos.postmaster import Postmaster
from tests.end_to_end.stage import add_connect_support
from tests.processes import PASSWORD, Process, Product
from tests.sandbox.instance import Instance, running_instance
from tests.servers import Server

WORKERS = 4
THREADS = 4


@dataclass
class Stage:
    product: Product
    instance: Instance
    chatbots: dict[str, Chatbot]
    postmaster: Postmaster
    # Where the set-up has them.
    postgres: Server | None = None
    redis: Server | None = None
    processes: dict[str, Process] = field(default_factory=dict)

    def start_web(self) -> None:
        self.processes["web"] = self.product.web()

    def start_beat(self) -> None:
        self.processes["beat"] = self.product.beat()

    def start_workers(self, *, without: str) -> None:
        options = ["--without", without] if without else []
        arguments = [str(WORKERS), str(self._ready), *options]
        self.processes["nursery"] = self.product.start(
            "workers", "tests.chaos.nursery", *arguments
        )

    def workers(self) -> list[int]:
        """Return the workers that are at work."""
        nursery = self.processes["nursery"].popen.pid
        children = Path(f"/proc/{nursery}/task/{nursery}/children").read_text()
        return [int(pid) for pid in children.split() if (self._ready / pid).exists()]

    @property
    def _ready(self) -> Path:
        return self.product.folder / "ready"


@contextmanager
def set_stage(plan: Plan) -> Iterator[Stage]:
    """Bring all of it up, with bots that are configured by form and consent."""
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = Path(enter(tempfile.TemporaryDirectory(prefix="handoff-chaos-")))
        embedded = plan.setup == "embedded"
        postgres = None if embedded else enter(servers.postgres_server())
        redis = None if embedded else enter(servers.redis_server())
        product = Product(
            folder=folder,
            database_url=postgres.url if postgres else f"sqlite:///{folder}/db.sqlite3",
            redis_url=redis.url if redis else "",
        )
        stack.callback(product.stop)
        (folder / "broker" / "control").mkdir(parents=True)
        for name in ("sandbox", "ready"):
            (folder / name).mkdir()
        instance, _ = enter(running_instance(folder / "sandbox"))
        stage = Stage(
            product=product,
            instance=instance,
            chatbots={s: enter(Chatbot(seed=plan.seed)) for s in SYSTEMS},
            postmaster=enter(Postmaster(product.url)),
            postgres=postgres,
            redis=redis,
        )
        place = _prepare(stage, plan, folder=folder)
        # They come up while the bots are configured.
        stage.start_beat()
        stage.start_workers(without=plan.without)
        stage.start_web()
        _configure(stage, plan, place=place)
        yield stage


def _prepare(stage: Stage, plan: Plan, *, folder: Path) -> Place:
    ports = [chatbot.port for chatbot in stage.chatbots.values()]
    place = Place(
        folder=folder,
        ports=Ports(stage.product.port, int(stage.instance.url.split(":")[-1]), *ports),
        keys={"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )
    stage.product.env |= plan.timing.environment | {
        "SERVICENOW_EXTRA_ORIGINS": stage.instance.url,
        "WEBHOOK_EXTRA_ORIGINS": ",".join(bot.url for bot in place.bots),
        "WORKER_CONCURRENCY": str(THREADS),
    }
    stage.product.prepare()
    return place


def _configure(stage: Stage, plan: Plan, *, place: Place) -> None:
    developer = BotDeveloper(place)
    administrator = Administrator(instance=stage.instance.url)
    with administrator.session:
        for system in plan.systems:
            developer.open_new_bot()
            if system == CONNECT_SUPPORT:
                shown = add_connect_support(developer, administrator)
            else:
                shown = _add_agent_chat(stage, developer, administrator)
            developer.enable()
            chatbot = stage.chatbots[system]
            chatbot.api_key, chatbot.secret = shown.api_key, shown.webhook_secret
            chatbot.api_url = f"{stage.product.url}/api/v1"


def _add_agent_chat(
    stage: Stage, developer: BotDeveloper, administrator: Administrator
) -> Shown:
    shown = developer.add_agent_chat(queue=agent_chat_side.QUEUE)
    agent_chat_side.install(
        administrator,
        callback_url=stage.postmaster.address(developer.callback_url()),
        callback_secret=shown.callback_secret,
    )
    return shown
