import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from servicenow_auth.exceptions import Ambiguous, NotSent, TooLate
from servicenow_auth.transport import Answer, Session, send
from tests.servicenow_auth.conftest import Certificate
from tests.servicenow_auth.sockets import Server, answer, answering, serving

pytestmark = pytest.mark.real_http


def call(url: str, *, deadline: float = 5.0, **options: object) -> Answer:
    given = {"headers": {}, "deadline": deadline, "trusted": True, **options}
    return send("POST", url, body=b"{}", **given)  # type: ignore[arg-type] # a test's brevity


@pytest.fixture
def clock() -> Iterator[None]:
    """Fail a test whose call outlived its deadline of half a second."""
    began = time.monotonic()
    yield
    assert 0.4 < time.monotonic() - began < 1.5


def drip_tls_handshake(server: Server, sock: socket.socket) -> None:
    server.drip(sock, b"\x16\x03\x03\x40\x00" + b"\x02" * 200)


def drip_headers(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    server.drip(sock, b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 200)


def drip_body(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    server.drip(sock, b"a" * 200)


def drip_body_without_length(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}")
    server.drip(sock, b" " * 200)


def say_nothing(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    server.stopping.wait(5)


DRIPPING = [drip_headers, drip_body, drip_body_without_length, say_nothing]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("behave", DRIPPING)
def test_a_call_ends_at_its_deadline(behave):
    with serving(behave) as server, pytest.raises(Ambiguous, match="in time"):
        call(server.url, deadline=0.5)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("behave", DRIPPING)
def test_a_call_ends_at_its_deadline_under_tls(behave, certificate: Certificate):
    with (
        serving(behave, tls=certificate.context) as server,
        Session(ca=certificate.ca) as session,
        pytest.raises(Ambiguous, match="in time"),
    ):
        call(server.url, deadline=0.5, session=session)


@pytest.mark.usefixtures("clock")
def test_a_reused_connection_ends_at_its_deadline_too():
    def behave(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(answer(b"{}"))
        drip_headers(server, sock)

    with serving(behave) as server, Session() as session:
        call(server.url, session=session)
        with pytest.raises(Ambiguous, match="in time"):
            call(server.url, deadline=0.5, session=session)
        assert server.connections == 1


@pytest.mark.usefixtures("clock")
def test_a_tls_handshake_that_drips_ends_at_the_deadline_and_nothing_was_sent():
    with (
        serving(drip_tls_handshake) as server,
        pytest.raises(NotSent, match="in time"),
    ):
        call(server.url.replace("http:", "https:"), deadline=0.5)


def test_an_answer_comes_back_whole():
    headers = "X-RateLimit-Reset: 7\r\n"
    reply = answer(b"no JSON", status="418 I'm a teapot", headers=headers)
    with serving(answering(reply)) as server:
        result = call(f"{server.url}/path?a=b", headers={"X-Mine": "1"})
    assert (result.status, result.body) == (418, b"no JSON")
    assert result.headers["x-ratelimit-reset"] == "7"
    assert b"POST /path?a=b HTTP/1.1\r\n" in server.requests[0]
    assert b"X-Mine: 1\r\n" in server.requests[0]


def test_more_than_a_megabyte_is_not_read():
    with (
        serving(answering(answer(b"a" * 5_000_000))) as server,
        pytest.raises(Ambiguous, match="larger than 1 MB"),
    ):
        call(server.url)


def test_a_gzip_bomb_stays_packed():
    bomb = gzip.compress(b"\0" * 50_000_000)
    reply = answer(bomb, headers="Content-Encoding: gzip\r\n")
    with serving(answering(reply)) as server:
        assert call(server.url).body == bomb
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]


def test_a_redirect_is_an_answer_like_another():
    with serving(answering(answer(b"{}"))) as target:
        reply = answer(b"", status="307 Go", headers=f"Location: {target.url}\r\n")
        with serving(answering(reply)) as server:
            assert call(server.url).status == 307
        assert target.connections == 0


def test_no_cookie_is_ever_sent():
    reply = answer(b"{}", headers="Set-Cookie: JSESSIONID=1; Path=/\r\n")
    with serving(answering(reply)) as server, Session() as session:
        call(server.url, session=session)
        call(server.url, session=session)
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_the_environment_is_not_asked(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    with serving(answering(answer(b"{}"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with serving(answering(answer(b"{}"))) as server:
            call(server.url)
        assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()


def test_a_session_keeps_its_connection():
    with serving(answering(answer(b"{}"))) as server, Session() as session:
        for _ in range(3):
            call(server.url, session=session)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_an_idle_connection_is_not_used_again():
    with serving(answering(answer(b"{}"))) as server, Session(idle=0.05) as session:
        call(server.url, session=session)
        time.sleep(0.1)
        call(server.url, session=session)
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used_again():
    def behave(server: Server, sock: socket.socket) -> None:
        server.read(sock)
        sock.sendall(answer(b"{}"))

    with serving(behave) as server, Session() as session:
        call(server.url, session=session)
        time.sleep(0.1)
        call(server.url, session=session)
    assert server.connections == 2


def test_nothing_is_sent_after_its_time():
    with (
        serving(answering(answer(b"{}"))) as server,
        pytest.raises(TooLate),
    ):
        call(server.url, send_before=time.monotonic() - 1)
    assert server.connections == 0


def test_the_time_to_send_is_looked_at_again_after_connecting(monkeypatch):
    look_up = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        time.sleep(0.3)
        return look_up(*args, **kwargs)  # type: ignore[arg-type] # passed on as they are

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with (
        serving(answering(answer(b"{}"))) as server,
        pytest.raises(TooLate),
    ):
        call(server.url, send_before=time.monotonic() + 0.2)
    assert server.connections == 1
    assert server.requests == []


def reset(server: Server, sock: socket.socket) -> None:
    server.read(sock)


def break_body(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def break_chunks(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{")


def endless_headers(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while not server.stopping.is_set():
        sock.sendall(b"X-A: " + b"a" * 60_000 + b"\r\n")


@pytest.mark.parametrize("behave", [reset, break_body, break_chunks, endless_headers])
def test_what_breaks_after_the_request_is_ambiguous(behave):
    with serving(behave) as server, pytest.raises(Ambiguous):
        call(server.url)
    assert len(server.requests) == 1


def test_a_refused_connection_sent_nothing():
    with serving(reset) as server:
        url = server.url
    with pytest.raises(NotSent, match="refused the connection"):
        call(url)


def test_an_unknown_name_sent_nothing():
    with pytest.raises(NotSent, match="host name is unknown"):
        call("https://nowhere.invalid")


def test_a_certificate_of_nobody_we_trust_is_refused(certificate):
    with (
        serving(answering(answer(b"{}")), tls=certificate.context) as server,
        pytest.raises(NotSent, match="TLS"),
    ):
        call(server.url)
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(certificate):
    with (
        serving(answering(answer(b"{}")), tls=certificate.context) as server,
        Session(ca=certificate.ca) as session,
        pytest.raises(NotSent, match="TLS"),
    ):
        call(server.url.replace("localhost", "127.0.0.1"), session=session)
    assert server.requests == []


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
