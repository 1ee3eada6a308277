"""A moment at which long work stops by itself, between two parts that are whole.

The command that has only so much time sets it; what works part by part asks after each one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from recsys.errors import OutOfTimeError

_ENDS: ContextVar[float] = ContextVar("vitrine_deadline", default=float("inf"))


@contextlib.contextmanager
def deadline(minutes: float) -> Iterator[None]:
    """Within it, `stop_if_late` raises once so many minutes are over; 0 minutes are no end."""
    token = _ENDS.set(time.monotonic() + 60 * minutes if minutes else float("inf"))
    try:
        yield
    finally:
        _ENDS.reset(token)


def stop_if_late(done: str) -> None:
    """Called where stopping loses nothing.

    Args:
        done: what is kept of the work so far, for the error.

    Raises:
        OutOfTimeError: the time is over.
    """
    if time.monotonic() >= _ENDS.get():
        raise OutOfTimeError(
            f"the time given is over; {done}.", mend="Run the same command again: it goes on here."
        )
