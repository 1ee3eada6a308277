"""Resampled shoppers, drawn once and used for many means: of segments, and of two models' pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

CHUNK = 100  # resamples multiplied at once: 100 x 20,000 shoppers are 16 MB


@dataclass(frozen=True)
class Resamples:
    """How often each group of cases stands in each resample (Efron, 1979).

    Cases of one shopper are no independent evidence, so shoppers are drawn, not cases.

    Attributes:
        group: int [num_cases] the group of each case.
        counts: uint16 [num_resamples, num_groups].
    """

    group: NDArray[np.integer]
    counts: NDArray[np.uint16]

    @classmethod
    def of(cls, groups: NDArray[np.integer], num_resamples: int, seed: int) -> Resamples:
        """Draws as many groups as there are, with replacement, `num_resamples` times.

        Args:
            groups: [num_cases] any whole numbers, such as the shopper of each case.
        """
        group = np.unique(groups, return_inverse=True)[1]
        size = int(group.max()) + 1 if len(group) else 0
        rng = np.random.default_rng(seed)
        counts = np.zeros((num_resamples, size), np.uint16)
        for place in range(num_resamples):
            counts[place] = np.bincount(rng.integers(0, size, size), minlength=size)
        return cls(group, counts)

    def means(self, values: Floats, weights: Floats, chosen: NDArray[np.bool_]) -> Floats:
        """The weighted mean of the chosen cases' values in each resample, [num_resamples].

        nan where a resample holds none of the chosen cases.
        """
        size = self.counts.shape[1]
        weights = np.where(chosen, weights, 0.0)
        both = np.stack([
            np.bincount(self.group, np.where(chosen, weights * values, 0.0), size),
            np.bincount(self.group, weights, size),
        ], axis=1)  # fmt: skip
        summed = np.concatenate([self.counts[start : start + CHUNK] @ both
                                 for start in range(0, len(self.counts), CHUNK)])  # fmt: skip
        return summed[:, 0] / np.where(summed[:, 1] > 0, summed[:, 1], np.nan)

    def interval(
        self, values: Floats, weights: Floats, chosen: NDArray[np.bool_] | None = None,
        *, level: float = 0.95,
    ) -> dict[str, float]:  # fmt: skip
        """Mean, low and high of the chosen cases; cases whose value is nan are left out."""
        chosen = np.isfinite(values) if chosen is None else chosen & np.isfinite(values)
        if not chosen.any():
            return dict.fromkeys(("mean", "low", "high"), float("nan"))
        means = self.means(values, weights, chosen)
        low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2])
        mean = float(np.average(values[chosen], weights=weights[chosen]))
        return {"mean": mean, "low": float(low), "high": float(high)}

    def difference(self, first: Floats, second: Floats, weights: Floats) -> dict[str, float]:
        """How much more `first` is than `second` on the same cases, with interval and p-value.

        Both are resampled together, so what makes a case hard for both cancels (the paired
        bootstrap; Sakai, SIGIR 2006). The p-value is twice the smaller share of resamples on
        either side of 0, and at least 2 / num_resamples: more cannot be said.

        Returns:
            mean, low, high, p.
        """
        found = self.interval(first - second, weights)
        means = self.means(first - second, weights, np.ones(len(first), bool))
        side = min((means <= 0).mean(), (means >= 0).mean())
        return {**found, "p": float(min(1.0, max(2 * side, 2 / len(means))))}
