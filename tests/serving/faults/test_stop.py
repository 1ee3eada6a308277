"""SIGTERM while requests are in hand: each that was let in gets a whole answer."""

from __future__ import annotations

import json
import signal
import socket
import time

import pytest

from tests.serving.faults.site import Site, stored

pytestmark = pytest.mark.slow


def half_sent(site: Site, number: int) -> tuple[socket.socket, bytes]:
    """A connection on which half of an event's request was sent, and the other half."""
    event = {"user_id": "stopped", "event": "view", "event_id": f"stop{number}",
             "item_id": site.bundle.items["item_id"].iloc[0]}  # fmt: skip
    body = json.dumps({"events": [event]}).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=30)
    connection.sendall(head.encode() + body[:10])
    return connection, body[10:]


def answered(connection: socket.socket) -> str:
    """The first line of an answer."""
    received = b""
    with connection:
        while part := connection.recv(65536):
            received += part
    return received.partition(b"\r\n")[0].decode()


def test_a_stop_finishes_what_was_accepted(site: Site):
    assert site.process is not None
    accepted = [half_sent(site, number) for number in range(6)]
    time.sleep(1.0)
    site.process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    assert site.process.poll() is None  # it waits for them
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.port), timeout=5)
    for connection, rest in accepted:
        connection.sendall(rest)
    assert [answered(connection) for connection, _ in accepted] == ["HTTP/1.1 200 OK"] * 6
    assert site.process.wait(30) == 0
    kept = stored(f"sqlite:///{site.workdir.store}")
    assert {f"stop{number}": kept[f"stop{number}"] for number in range(6)} == {
        f"stop{number}": 1 for number in range(6)
    }
    assert "Traceback" not in site.log
