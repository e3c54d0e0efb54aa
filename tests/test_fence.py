"""What keeps the other tests honest."""

import socket

import pytest
import requests

from tests.fence import BeyondTheFence, refused


def test_a_request_without_a_prepared_answer_fails(http):
    with pytest.raises(requests.ConnectionError):
        requests.get("https://dev.service-now.com/", timeout=1)

    assert refused(http) == ["https://dev.service-now.com/"]
    http.calls.reset()


@pytest.mark.real_http
def test_a_socket_reaches_this_machine_only():
    with socket.socket() as wire, pytest.raises(BeyondTheFence):
        wire.connect(("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as door:
        socket.create_connection(door.getsockname()).close()
