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
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import urllib3

_NUM_HOSTS = 32  # whose connections are kept open
_TICK = 0.05  # seconds; how late a time limit may be noticed
_CONNECTIONS_PER_HOST = 32  # kept open; host slots say how many there are


class Exchange:
    """What is to be known of the exchange under way in this thread."""

    def __init__(self) -> None:
        self.out_of_time = False
        self.surplus = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def watch(self, sock: socket.socket) -> None:
        """Takes the socket that is to be shut down when the time is over."""
        self._socket = sock

    def end(self) -> None:
        """Called by the clock: whoever reads from the socket stops."""
        with self._lock:
            self.out_of_time = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """From now on the socket is another exchange's."""
        with self._lock:
            self._socket = None


_thread = threading.local()


@contextlib.contextmanager
def exchange(seconds: float) -> Iterator[Exchange]:
    """Shuts down what this thread asks for meanwhile when `seconds` are over."""
    current = _thread.exchange = Exchange()
    clock = _clock(os.getpid())
    clock.add(current, time.monotonic() + seconds)
    try:
        yield current
    finally:
        current.leave()
        clock.remove(current)
        _thread.exchange = None


class _Clock:
    """Ends exchanges whose time is over: one thread per process, since each new one has to wait
    for a core while others decode.
    """

    def __init__(self) -> None:
        self._ends: dict[Exchange, float] = {}
        self._lock = threading.Lock()
        self._any = threading.Event()
        threading.Thread(target=self._tick, name="photo-clock", daemon=True).start()

    def add(self, current: Exchange, end: float) -> None:
        with self._lock:
            self._ends[current] = end
            self._any.set()

    def remove(self, current: Exchange) -> None:
        with self._lock:
            self._ends.pop(current, None)

    def _tick(self) -> None:
        while self._any.wait():
            time.sleep(_TICK)
            now = time.monotonic()
            with self._lock:
                late = [current for current, end in self._ends.items() if end <= now]
                for current in late:
                    del self._ends[current]
                if not self._ends:
                    self._any.clear()
            for current in late:
                current.end()


@functools.lru_cache(maxsize=1)
def _clock(process: int) -> _Clock:
    """A child process has none of its parent's threads."""
    return _Clock()


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
