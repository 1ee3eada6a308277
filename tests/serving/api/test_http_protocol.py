"""What is not HTTP is answered with a problem."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from serving.api.app import create_app
from serving.api.http_protocol import HttpProtocol
from serving.service import Service


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    settings = uvicorn.Config(create_app(service), log_level="critical", http=HttpProtocol)
    server = uvicorn.Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("sent", [
    b"hello\r\n\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0",
])  # fmt: skip
def test_what_is_no_request_gets_a_problem(port: int, sent: bytes):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["mend"].startswith("Keep addresses under 65536 bytes")
