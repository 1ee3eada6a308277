"""A real local S3 server, moto's, in a thread; it fails as it is told."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import fsspec
import pytest

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>slow</Message></Error>"


class S3Server:
    """A bucket behind a real port.

    `fails`, where it is set, is asked before each request with its method and path; what it
    returns is the status of a failure, or None.
    """

    def __init__(self, port: int, asked: Counter[tuple[str, str]]) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.asked = asked
        self.fails: Callable[[str, str], int | None] | None = None

    def put(self, files: dict[str, bytes]) -> None:
        """Writes objects, such as `bucket/a.jpg`; makes their buckets."""
        filesystem = fsspec.filesystem("s3")
        for bucket in sorted({name.partition("/")[0] for name in files}):
            if not filesystem.exists(bucket):
                filesystem.mkdir(bucket)
        for name, data in files.items():
            filesystem.pipe_file(name, data)


@contextlib.contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """An empty server; clients of this process are led to it by the environment."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *args: Any) -> None:
            """Says nothing."""

    moto = DomainDispatcherApplication(create_backend_app)
    asked: Counter[tuple[str, str]] = Counter()

    def application(environment: dict[str, Any], start_response: Any) -> Any:
        method, path = environment["REQUEST_METHOD"], environment["PATH_INFO"]
        asked[method, path] += 1
        status = server.fails(method, path) if server.fails else None
        if status is None:
            return moto(environment, start_response)
        body = b"" if method == "HEAD" else SLOW_DOWN
        start_response(f"{status} Failing", [("Content-Length", str(len(body)))])
        return [body]

    listener = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    server = S3Server(listener.server_port, asked)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
