"""How much an item is touched, and whether more or less than before, as known at any moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.sequences import Sequences

DAY = 86_400
WINDOW = 30 * DAY  # the trend compares the last window with the one before


@dataclass(frozen=True)
class PopularityClock:
    """All events by item and time.

    Attributes:
        offsets: int64 [num_items + 1]; item i owns times offsets[i] to offsets[i + 1].
        times: float64 [num_events], ascending within each item.
    """

    offsets: NDArray[np.int64]
    times: NDArray[np.float64]

    @classmethod
    def of(cls, sequences: Sequences, num_items: int) -> PopularityClock:
        """Sorts the events that may be learned from."""
        order = np.lexsort((sequences.times, sequences.rows))
        counts = np.bincount(sequences.rows, minlength=num_items)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(offsets, sequences.times[order])

    def features(
        self, rows: NDArray[np.integer], now: NDArray[np.float64]
    ) -> NDArray[np.float32]:  # fmt: skip
        """What was known of items just before a moment.

        Args:
            rows: [num_cases, n] item rows.
            now: [num_cases] epoch seconds; events from then on count for nothing.

        Returns:
            float32 [num_cases, n, 2]: log(1 + events before), and the trend, the log of how
            many times as many events the last 30 days had as the 30 days before, with one
            event more in each.
        """
        moment = np.broadcast_to(now[:, None], rows.shape)
        ever, month, months = (
            self._before(rows, moment - back) for back in (0.0, WINDOW, 2 * WINDOW)
        )
        trend = np.log1p(ever - month) - np.log1p(month - months)
        return np.stack([np.log1p(ever), trend], axis=-1).astype(np.float32)

    def _before(
        self, rows: NDArray[np.integer], moment: NDArray[np.float64]
    ) -> NDArray[np.float64]:  # fmt: skip
        """How many events of each item lie before a moment: bisection, all at once."""
        low, high = self.offsets[rows], self.offsets[rows + 1]
        first = low
        if not len(self.times):
            return np.zeros(rows.shape)
        while (low < high).any():
            middle = (low + high) // 2
            earlier = (low < high) & (self.times[np.minimum(middle, len(self.times) - 1)] < moment)
            low, high = (
                np.where(earlier, middle + 1, low),
                np.where(earlier | (low >= high), high, middle),
            )
        return (low - first).astype(np.float64)
