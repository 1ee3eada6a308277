"""Shares of counts with their intervals."""

from __future__ import annotations

import math
from typing import Any

Z = 1.959964  # the normal distribution's 97.5% point: intervals of 95%


def rate(part: float, whole: float) -> dict[str, Any]:
    """A share with its 95% interval: counts alone cannot say how sure it is.

    Wilson's score interval (JASA 1927): sound for few cases and for shares of 0 and 1.

    Returns:
        `part`, `whole`, `rate`, `low`, `high`; the last three None where `whole` is 0.
    """
    if whole <= 0:
        return {"part": part, "whole": whole, "rate": None, "low": None, "high": None}
    share = part / whole
    spread = 1 + Z**2 / whole
    middle = (share + Z**2 / (2 * whole)) / spread
    half = Z * math.sqrt(share * (1 - share) / whole + Z**2 / (4 * whole**2)) / spread
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    # rounding must not push the share out of its own interval
    return {"part": part, "whole": whole, "rate": share, "low": min(low, share),
            "high": max(high, share)}  # fmt: skip
