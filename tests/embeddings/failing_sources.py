"""Failures of web servers and storage: those that pass, and those that stay, with their reasons."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.embeddings.photo_server import Answer, Handler

SILENCE = 1.5  # seconds that a stalled answer takes


def _cut(handler: Handler, data: bytes) -> None:
    handler.begin(len(data))
    handler.wfile.write(data[: len(data) // 2])
    handler.hang_up()


def _stall(handler: Handler, data: bytes) -> None:
    handler.begin(len(data))
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()
    time.sleep(SILENCE)
    handler.hang_up()


# what a request may meet that the next one does not
PASSING: dict[str, Callable[[Handler, bytes], None]] = {
    "drops the connection": lambda handler, data: handler.hang_up(),
    "resets the connection": lambda handler, data: handler.hang_up(rudely=True),
    "answers 503": lambda handler, data: handler.status(503),
    "answers 429": lambda handler, data: handler.status(429, Retry_After="0"),
    "sends half of the bytes": _cut,
    "sends more than it says": lambda handler, data: handler.send(data, length=len(data) - 7),
    "stalls in the middle": _stall,
}

# what every request for a photo meets, and the reason that it is to be listed with
STAYING: dict[str, tuple[Answer, str]] = {
    "is not there": (lambda handler: handler.status(404), "missing"),
    "is gone": (lambda handler: handler.status(410), "missing"),
    "is not for us": (lambda handler: handler.status(403), "forbidden"),
    "is behind a broken server": (lambda handler: handler.status(502), "server_error"),
    "is behind a loop": (lambda handler: handler.status(302, Location=handler.path), "redirected"),
    "is behind a file": (lambda handler: handler.status(302, Location="file:///x"), "redirected"),
    "is dropped always": (lambda handler: handler.hang_up(), "unreachable"),
    "is cut always": (lambda handler: _cut(handler, bytes(1000)), "incomplete"),
    "is empty": (lambda handler: handler.status(200), "empty"),
}


class Failures:
    """Lets a share of requests fail, each way in turn, and counts them.

    Attributes:
        share: of the requests that fail, 0 to 1; may be changed while servers run.
        met: how often each failure was met.
    """

    def __init__(self, share: float, seed: int = 0) -> None:
        self.share = share
        self.met: Counter[str] = Counter()
        self.requests = 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def web(self, data: bytes) -> Answer:
        """An answer for the HTTP server: honest but for the share."""

        def answer(handler: Handler) -> None:
            way = self._way(list(PASSING))
            if way:
                PASSING[way](handler, data)
            else:
                handler.honest(data)

        return answer

    def storage(self, method: str, path: str) -> int | None:
        """The status of a failure of the S3 server, or None."""
        way = self._way(["storage answers 500", "storage answers 503"])
        return int(way.split()[-1]) if way else None

    def _way(self, ways: list[str]) -> str:
        with self._lock:
            self.requests += 1
            if self._random.random() >= self.share:
                return ""
            way = ways[sum(self.met[name] for name in ways) % len(ways)]
            self.met[way] += 1
            return way
