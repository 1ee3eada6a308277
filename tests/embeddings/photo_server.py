"""A real HTTP server that misbehaves as it is told: stalls, drops, redirects, lies."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PhotoServer(ThreadingHTTPServer):
    """Answers each path as `answers` says; counts requests and connections.

    An answer is bytes, sent honestly with an ETag, or a function of the request's handler.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, bytes | Answer] = {}
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}  # of the last request for each path
        self.connections = 0
        self.lock = threading.Lock()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def process_request(self, request, client_address) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are what is tested."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PhotoServer

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.asked[self.path] += 1
            server.headers[self.path] = dict(self.headers)
        answer = server.answers.get(self.path, b"")
        if callable(answer):
            answer(self)
        elif answer:
            self.honest(answer)
        else:
            self.status(404)

    @property
    def count(self) -> int:
        """The how-manieth request for this path it is, from 1."""
        return self.server.asked[self.path]

    def honest(self, data: bytes) -> None:
        etag = f'"{hash(data)}"'
        if self.headers.get("If-None-Match") == etag:
            self.status(304, ETag=etag)
        else:
            self.send(data, ETag=etag)

    def send(self, data: bytes, status: int = 200, length: int | None = None, **named: str) -> None:
        """Sends all of `data`, and says that it has `length` bytes."""
        self.send_response(status)
        said = {"Content-Length": str(len(data) if length is None else length)}
        for name, value in (said | named).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def status(self, status: int, **named: str) -> None:
        self.send(b"", status, **named)

    def begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()

    def hang_up(self, rudely: bool = False) -> None:
        """Ends the connection, rudely with a reset."""
        self.close_connection = True
        if rudely:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def drip(self, data: bytes, seconds: float) -> None:
        """A byte every now and then, until the client hangs up."""
        with contextlib.suppress(OSError):
            for byte in data:
                self.connection.sendall(bytes([byte]))
                time.sleep(seconds)

    def log_message(self, *args) -> None:
        """Says nothing."""


@contextlib.contextmanager
def photo_server() -> Iterator[PhotoServer]:
    """A server on a free port, until the block ends."""
    server = PhotoServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


Answer = Callable[[Handler], None]
