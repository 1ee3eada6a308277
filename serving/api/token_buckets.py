"""How often a key may ask: a bucket of tokens each, filled at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10_000  # buckets kept; the one that was asked for longest ago goes first


class TokenBuckets:
    """One bucket per name; each request takes a token.

    Args:
        rate: tokens per second; 0 lets everything through.
        burst: what a bucket holds when full.
        clock: seconds that only go forward.

    Example:
        >>> buckets = TokenBuckets(rate=2.0, burst=1, clock=lambda: 0.0)
        >>> buckets.take("a"), buckets.take("a")
        (0.0, 0.5)
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def take(self, name: str) -> float:
        """Takes a token; returns 0, or the seconds until there is one."""
        if not self._rate:
            return 0.0
        now = self._clock()
        tokens, since = self._buckets.pop(name, (float(self._burst), now))
        tokens = min(self._burst, tokens + max(0.0, now - since) * self._rate)
        enough = tokens >= 1.0
        self._buckets[name] = (tokens - 1.0 if enough else tokens, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (1.0 - tokens) / self._rate
