import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from servicenow_auth.exceptions import Ambiguous, NotSent, TooLate
from servicenow_auth.transport import Session
from tests.servicenow_auth.conftest import Certificate
from tests.servicenow_auth.sockets import Server, answer, answering, call, serving

pytestmark = pytest.mark.real_http


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
