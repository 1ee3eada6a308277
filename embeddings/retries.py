"""Trying again: exponential back-off with full jitter, within a total time.

The waits are drawn between nothing and a bound that doubles, so that many workers that failed
together do not come back together (Brooker 2015, "Exponential Backoff And Jitter").
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from recsys.config import SourcesConfig
from recsys.errors import PhotoError

Found = TypeVar("Found")


class TransientError(Exception):
    """A failure that another try may not meet.

    Args:
        error: what to say when no try is left.
        wait: seconds that the server asked to be left alone.
    """

    def __init__(self, error: PhotoError, wait: float = 0.0) -> None:
        self.error = error
        self.wait = wait
        super().__init__(error.line)


class Patience:
    """How long one photo may still take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, not below 0."""
        return max(0.0, self._end - time.monotonic())

    def excuse(self, seconds: float) -> None:
        """Gives back time that passed through no fault of the photo's."""
        self._end += seconds


def persist(
    attempt: Callable[[Patience], Found],
    settings: SourcesConfig,
    *,
    tries: int,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Calls `attempt` until it succeeds, for good or ill, or tries or time are used up.

    Args:
        attempt: takes what is left of the time; raises TransientError where it may be tried again.
        settings: how long to wait, and how long it may all take.
        tries: how often.
        sleep: waits.

    Raises:
        PhotoError: what the last try met.
    """
    patience = Patience(settings.total_seconds)
    for number in range(1, tries + 1):
        try:
            return attempt(patience)
        except TransientError as failure:
            wait = max(failure.wait, random.random() * _bound(number, settings))
            if number == tries or wait >= patience.left():
                raise _counted(failure.error, number) from failure
        sleep(wait)
    raise AssertionError("at least one try")


def _bound(number: int, settings: SourcesConfig) -> float:
    return min(settings.backoff_seconds * 2.0 ** (number - 1), settings.max_backoff_seconds)


def _counted(error: PhotoError, tries: int) -> PhotoError:
    what = error.what if tries == 1 else f"{error.what.rstrip('.')}, in {tries} tries."
    return PhotoError(what, reason=error.reason, where=error.where, mend=error.mend)
