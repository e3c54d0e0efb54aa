"""One refresh, however many processes and threads find the token at its end."""

import socket
from collections.abc import Iterator

import pytest

from tests import servers
from tests.processes import Process, Product
from tests.servicenow_auth.sockets import Server, answer, serving

pytestmark = [pytest.mark.real_http, pytest.mark.postgres]
SHELL = ("shell", "--no-imports", "--command")
SCRIPT = "from tests.servicenow_auth import caller; print(caller.{})"
NEW = b'{"access_token": "new", "refresh_token": "rotated", "expires_in": 1800}'


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, migrated: str
) -> Iterator[Product]:
    with servers.postgres_database(postgres_url, template=migrated) as database_url:
        folder = tmp_path_factory.mktemp("product")
        product = Product(folder=folder, database_url=database_url)
        product.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        yield product
        product.stop()


@pytest.fixture
def instance(product: Product) -> Iterator[Server]:
    """An instance that takes the new token only, and half a second to give it."""

    def behave(server: Server, sock: socket.socket) -> None:
        while request := server.read(sock):
            if request.startswith(b"POST /oauth_token.do"):
                server.stopping.wait(0.5)
                sock.sendall(answer(NEW))
            elif b"Authorization: Bearer new" in request:
                sock.sendall(answer(b'{"result": []}'))
            else:
                sock.sendall(answer(b"{}", status="401 Unauthorized"))

    with serving(behave) as server:
        product.env["SERVICENOW_EXTRA_ORIGINS"] = server.url
        yield server


def run(product: Product, call: str) -> str:
    return product.manage(*SHELL, SCRIPT.format(call)).strip()


def start(product: Product, call: str) -> Process:
    name = f"caller-{len(product.processes)}"
    return product.start(name, "django", *SHELL, SCRIPT.format(call))


def token_calls(instance: Server) -> int:
    return sum(b"/oauth_token.do" in request for request in instance.requests)


def succeeded(process: Process) -> int:
    assert process.popen.wait(60) == 0, process.log
    return int(process.log)


@pytest.mark.parametrize("left", [-60, 1500], ids=["ended", "revoked"])
def test_fifty_calls_of_two_processes_bring_one_token(left, product, instance):
    pk = run(product, f"prepare({instance.url!r}, left={left})")
    callers = [start(product, f"call({pk!r}, threads=25)") for _ in range(2)]
    assert [succeeded(caller) for caller in callers] == [25, 25]
    assert token_calls(instance) == 1


def test_a_process_that_dies_with_the_new_token_leaves_no_dead_end(product, instance):
    pk = run(product, f"prepare({instance.url!r}, left=-60)")
    dying = start(product, f"call({pk!r}, threads=1)")
    dying.wait_until(lambda: token_calls(instance) == 1)
    dying.kill()
    assert run(product, f"end_lease({pk!r})") == "1"
    assert run(product, f"call({pk!r}, threads=25)") == "25"
    assert token_calls(instance) == 2
