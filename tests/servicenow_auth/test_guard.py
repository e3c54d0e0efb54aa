"""The guard: no address that somebody typed leads into our own network."""

import socket
from collections.abc import Iterator

import pytest

from servicenow_auth.exceptions import NotSent
from servicenow_auth.transport import Session
from tests.servicenow_auth.sockets import Server, answer, answering, call, serving

pytestmark = pytest.mark.real_http


@pytest.fixture
def canary() -> Iterator[Server]:
    with serving(answering(answer(b"{}"))) as server:
        yield server
    assert server.connections == 0


HOSTILE = [
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "http://localhost:{port}/",
    "https://LOCALHOST.:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[::7f00:1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[64:ff9b:1::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fec0::1]:{port}/",
    "https://[fc00::1]:{port}/",
    "https://[ff02::1]:{port}/",
    "https://[5f00::1]:{port}/",
    "https://[2001:db8::1]:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://127.255.255.254:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1:{port}/",
    "https://192.0.0.1:{port}/",
    "https://198.18.0.1:{port}/",
    "https://224.0.0.1:{port}/",
    "https://240.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "https://someone@127.0.0.1:{port}/",
    "https://example.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@example.com/",
    "https://127.0.0.1:{port}\\@example.com/",
    "https://\uff11\uff12\uff17.0.0.1:{port}/",
    "https://\u2460\u2461\u2466.0.0.1:{port}/",
    "https://127\u30020\u30020\u30021:{port}/",
    "https://127.0.0.1:{port}:80/",
    "https://:{port}/",
    "https:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "unix:///var/run/docker.sock",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_the_guard_lets_nothing_reach_our_own_network(url, canary):
    with pytest.raises(NotSent):
        call(url.format(port=canary.port), trusted=False)


def test_a_refusal_by_the_guard_does_not_tell_the_address(monkeypatch):
    resolve_to(monkeypatch, "10.1.2.3")
    with pytest.raises(NotSent) as refused:
        call("https://example.service-now.com", trusted=False)
    assert refused.value.detail == "Not sent: the host is not at a public address."


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Answer the name look-ups in turn, the last address again and again."""
    left = list(addresses)

    def look_up(host: str, port: int, *_: object, **__: object) -> list[object]:
        literal = host.replace(".", "").isdigit()
        address = host if literal else left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_a_name_that_turns_private_is_called_where_it_was_checked(monkeypatch, canary):
    called: list[str] = []

    def refuse(sock: socket.socket, address: tuple[str, int]) -> None:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    resolve_to(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(NotSent):
        call(f"https://example.service-now.com:{canary.port}/", trusted=False)
    assert called == ["93.184.216.34"]


def test_a_checked_address_is_verified_by_its_name(monkeypatch, certificate):
    # The guard would rightly refuse the loopback that a test has to listen on.
    monkeypatch.setattr(
        "requests_hardened.ip_filter_adapter.filter_host", lambda *_, **__: "127.0.0.1"
    )
    with (
        serving(answering(answer(b"{}")), tls=certificate.context) as server,
        Session(ca=certificate.ca) as session,
    ):
        host = f"example.service-now.com:{server.port}"
        call(f"https://{host}/", trusted=False, session=session)
        assert f"Host: {host}\r\n".encode() in server.requests[0]
        with pytest.raises(NotSent, match="TLS"):
            call(
                f"https://other.service-now.com:{server.port}/",
                trusted=False,
                session=session,
            )
    assert len(server.requests) == 1
