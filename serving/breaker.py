"""A circuit breaker: what does not answer is left alone for a while, then tried by one call.

Closed, calls go through; after some failures in a row it opens, and calls fail at once instead of
each waiting its time out; half open, one call tries, and its outcome closes or opens it again
(Nygard, Release It!, 2007).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from recsys.errors import UnavailableError

State = Literal["closed", "open", "half-open"]


class CircuitBreaker:
    """Guards calls of one thing that can be down or slow; safe to use from several threads.

    Args:
        failures: in a row, until it opens.
        seconds: that it stays open.
        where: what is guarded, for errors.
        clock: seconds that only go forward.

    Example:
        >>> breaker = CircuitBreaker(failures=5, seconds=2.0, where="127.0.0.1:8500")
        >>> with breaker.call():
        ...     pass
        >>> breaker.state
        'closed'
    """

    def __init__(
        self, failures: int, seconds: float, where: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._most, self._seconds, self._where, self._clock = failures, seconds, where, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def state(self) -> State:
        """What the next call would meet."""
        with self._lock:
            if self._opened_at is None:
                return "closed"
            rested = self._clock() - self._opened_at >= self._seconds
            return "half-open" if rested and not self._trying else "open"

    @contextmanager
    def call(self) -> Iterator[None]:
        """Lets one call through; an UnavailableError in it is a failure, all else an answer.

        Raises:
            UnavailableError: it is open; nothing was called.
        """
        tries = self._enter()
        failed: bool | None = None  # unless the call was broken off, which says nothing
        try:
            yield
            failed = False
        except UnavailableError:
            failed = True
            raise
        except Exception:
            failed = False
            raise
        finally:
            self._leave(failed, tries)

    def _enter(self) -> bool:
        """Whether the call is the one that tries."""
        with self._lock:
            if self._opened_at is None:
                return False
            wait = self._opened_at + self._seconds - self._clock()
            if wait > 0 or self._trying:
                raise UnavailableError(
                    f"it did not answer {self._most} times in a row, and is left alone for a "
                    "moment.", where=self._where, mend="It is tried again by itself.",
                )  # fmt: skip
            self._trying = True
            return True

    def _leave(self, failed: bool | None, tries: bool) -> None:
        with self._lock:
            if tries:
                self._trying = False
            if failed is None:
                return
            if failed:
                self._failures += 1
                if tries or (self._failures >= self._most and self._opened_at is None):
                    self._opened_at = self._clock()
            elif tries or self._opened_at is None:  # not a late answer to an early call
                self._failures, self._opened_at = 0, None
