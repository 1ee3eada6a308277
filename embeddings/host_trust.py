"""A host that fails again and again gets one try per photo: a dead one must not hold a run up.

Photos are never given up unasked, so that whatever can be reached is read; and one answer of
any kind brings the host's other tries back. Each process judges by what it met itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from recsys.config import SourcesConfig
from recsys.errors import PhotoError

_NO_ANSWER = ("timed_out", "unreachable")

_failures: dict[str, int] = {}  # in a row, by host


@contextlib.contextmanager
def watched(host: str, settings: SourcesConfig) -> Iterator[int]:
    """Yields how many tries a photo of this host gets, and learns from how it ends."""
    distrusted = _failures.get(host, 0) >= settings.distrust_after
    try:
        yield 1 if distrusted else settings.tries
    except PhotoError as error:
        _failures[host] = _failures.get(host, 0) + 1 if error.reason in _NO_ANSWER else 0
        raise
    _failures[host] = 0


def forget_hosts() -> None:
    """Trusts every host again."""
    _failures.clear()
