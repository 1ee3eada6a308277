"""One HTTP exchange that ends in time, whatever the server does, and notices surplus bytes.

A socket's time limit starts anew with every byte, so that a server that sends one now and then
is waited for without end. Here a watch shuts the socket down when the time is over. And bytes
behind the promised length are looked for before a connection is used again, or they would be
taken for the next photo's.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import urllib3

_NUM_HOSTS = 32  # whose connections are kept open
_CONNECTIONS_PER_HOST = 32  # kept open; host slots say how many there are


class Exchange:
    """What is to be known of the exchange under way in this thread."""

    def __init__(self) -> None:
        self.out_of_time = False
        self.surplus = False
        self._socket: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        """Takes the socket that is to be shut down when the time is over."""
        self._socket = sock

    def end(self) -> None:
        """Called by the clock: whoever reads from the socket stops."""
        self.out_of_time = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


_thread = threading.local()


@contextlib.contextmanager
def exchange(seconds: float) -> Iterator[Exchange]:
    """Shuts down what this thread asks for meanwhile when `seconds` are over."""
    current = _thread.exchange = Exchange()
    clock = threading.Timer(seconds, current.end)
    clock.daemon = True
    clock.start()
    try:
        yield current
    finally:
        clock.cancel()
        _thread.exchange = None


def open_url(url: str, **options: Any) -> urllib3.BaseHTTPResponse:
    """GETs a URL, through the proxy that the environment names; redirects are not followed."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme, "")
    if proxy and urllib.request.proxy_bypass(parts.hostname or ""):
        proxy = ""
    manager = _manager(proxy, os.getpid())
    return manager.request("GET", url, retries=False, redirect=False, preload_content=False,
                           **options)  # fmt: skip


class _Tail(io.BufferedReader):
    """A response's stream that looks, when it is closed, whether more has come."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, current: Exchange) -> None:
        super().__init__(raw)
        self._kept = (sock, current)

    def close(self) -> None:
        sock, current = self._kept
        if not self.closed and not current.out_of_time:
            with contextlib.suppress(OSError, ValueError):
                limit = sock.gettimeout()
                sock.settimeout(0)  # what is not here yet is not waited for
                try:
                    current.surplus = bool(self.peek(1))
                finally:
                    sock.settimeout(limit)
        super().close()


class _WatchedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        current: Exchange | None = getattr(_thread, "exchange", None)
        if current is not None:
            current.watch(sock)
            self.fp = _Tail(self.fp.detach(), sock, current)


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _WatchedResponse


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _WatchedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@functools.lru_cache(maxsize=8)
def _manager(proxy: str, process: int) -> urllib3.PoolManager:
    """Open connections belong to one process: a child must not use its parent's."""
    options: dict[str, Any] = {"num_pools": _NUM_HOSTS, "maxsize": _CONNECTIONS_PER_HOST}
    manager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
