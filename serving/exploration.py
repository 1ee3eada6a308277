"""Exploration: a share of places goes to new items, drawn so that each one's chance is known.

A new item has no history to be recommended by; unless it is shown, it never gets one. With
`serving.explore_share` above 0, each place of a recommendation list is given, with that
probability, to a new item instead of the ranking's own. Which one is drawn by Thompson sampling
(Thompson, Biometrika 1933): as often as it would be the best if every click rate were drawn from
what is known of it. Items whose upper confidence bound is below the shop's click rate are known
to be worse and drop out.

The chances are counted first and drawn from then, so the logged propensity is exact. Places draw
from parts of the new items that do not overlap: one place's draw says nothing of another's, and
each place's propensity holds by itself (recsys/off_policy.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recsys.rates import rate

POOL = 64  # new items that one answer draws from: more would each be shown too seldom
DRAWS = 1000  # of click rates, that the chances are counted over
LEAST_SHARE = 0.1  # of the draws that go to all alike: no chance is so small that weights explode
PRIOR_SHOWN = 20.0  # impressions that the shop's click rate counts as, before an item has its own


@dataclass(frozen=True)
class Slot:
    """One place of an answer, as the log keeps it.

    Attributes:
        row: the item that is shown.
        explored: whether it is there to be tried.
        propensity: the probability with which this place showed this item.
        chance: that of the item among those the place could explore; 0 where it did not.
        choices: how many items the place could explore; 0: it always shows the ranking's.
    """

    row: int
    explored: bool = False
    propensity: float = 1.0
    chance: float = 0.0
    choices: int = 0


Trials = Mapping[str, tuple[int, int]]
"""Item id -> how often it was shown, and how often it was clicked."""


class Exploration:
    """Puts new items into lists.

    Args:
        item_ids: of the bundle, in row order.
        new: bool [num_items], the items that are tried.
        share: of the places, 0 to 1.
        rng: what is drawn by.
    """

    def __init__(
        self, item_ids: list[str], new: np.ndarray, share: float,
        rng: np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        self.share = share
        self._item_ids = item_ids
        self._new = np.flatnonzero(new)
        self._rng = rng or np.random.default_rng()
        self._lock = threading.Lock()  # numpy's generators are not safe in several threads
        self._rows, self._chances = self._new, np.full(len(self._new), 1 / max(1, len(self._new)))
        self._known: tuple[Trials, float] = ({}, 0.0)
        if self.is_on:
            self.learn(*self._known)

    def over(self, item_ids: list[str], new: np.ndarray) -> Exploration:
        """The same over other items, with what is known of those that stay."""
        other = Exploration(item_ids, new, self.share, self._rng)
        if other.is_on:
            other.learn(*self._known)
        return other

    @property
    def is_on(self) -> bool:
        """Whether any list is ever changed."""
        return self.share > 0 and len(self._new) > 0

    def learn(self, trials: Trials, shop_rate: float) -> None:
        """Takes what became of items that were shown.

        Args:
            trials: of any items; only new ones are looked at.
            shop_rate: clicks per item shown, of all answers.
        """
        self._known = (trials, shop_rate)
        tried = [trials.get(self._item_ids[row], (0, 0)) for row in self._new]
        shown = np.array([pair[0] for pair in tried], np.float64)
        clicks = np.minimum(np.array([pair[1] for pair in tried], np.float64), shown)
        hopeful = np.array([_may_be_good(n, c, shop_rate) for n, c in zip(shown, clicks,
                            strict=True)], bool)  # fmt: skip
        rows, shown, clicks = self._new[hopeful], shown[hopeful], clicks[hopeful]
        with self._lock:
            chances = best_chances(shown, clicks, shop_rate, self._rng)
            self._rows, self._chances = rows, chances

    def placed(self, ranked: list[int], allowed: Callable[[np.ndarray], np.ndarray]) -> list[Slot]:
        """The places of one answer, some given to new items.

        Args:
            ranked: rows of the page, best first.
            allowed: rows -> bool, those that this answer may hold.
        """
        if not self.is_on or not ranked:
            return [Slot(row) for row in ranked]
        with self._lock:
            rows, chances = self._rows, self._chances
            order = self._rng.permutation(len(rows))
        free = allowed(rows) & ~np.isin(rows, ranked)
        order = order[free[order]]
        if len(order) > POOL:  # those likeliest to be the best, ties in random order
            order = order[np.argsort(-chances[order], kind="stable")[:POOL]]
            with self._lock:
                order = self._rng.permutation(order)
        parts = [order[place :: len(ranked)] for place in range(len(ranked))]
        return [self._slot(row, rows[part], chances[part])
                for row, part in zip(ranked, parts, strict=True)]  # fmt: skip

    def _slot(self, row: int, rows: np.ndarray, weights: np.ndarray) -> Slot:
        if len(rows) == 0:
            return Slot(row)
        chances = with_floor(weights)
        with self._lock:
            explores = self._rng.random() < self.share
            chosen = int(self._rng.choice(len(rows), p=chances)) if explores else -1
        if not explores:
            return Slot(row, False, 1 - self.share, 0.0, len(rows))
        chance = float(chances[chosen])
        return Slot(int(rows[chosen]), True, self.share * chance, chance, len(rows))


def best_chances(
    shown: np.ndarray, clicks: np.ndarray, shop_rate: float, rng: np.random.Generator
) -> np.ndarray:
    """How likely each item is the one with the highest click rate: float64 [num_items], sum 1.

    Click rates are Beta distributed: the item's own clicks, and PRIOR_SHOWN impressions of the
    shop's click rate (a half of a click and of a pass where nothing is known at all).
    """
    if len(shown) == 0:
        return np.zeros(0)
    rate_before = min(max(shop_rate, 0.0), 1.0)
    alpha = 0.5 + PRIOR_SHOWN * rate_before + clicks
    beta = 0.5 + PRIOR_SHOWN * (1 - rate_before) + shown - clicks
    won = np.zeros(len(shown))
    # some draws at a time: a catalog may have many new items
    step = max(1, min(DRAWS, 1_000_000 // len(shown)))
    for start in range(0, DRAWS, step):
        draws = rng.beta(alpha, beta, (min(step, DRAWS - start), len(shown)))
        won += np.bincount(draws.argmax(axis=1), minlength=len(shown))
    return won / won.sum()


def with_floor(weights: np.ndarray) -> np.ndarray:
    """Weights as chances that sum to 1, LEAST_SHARE of them dealt to all alike."""
    count, total = len(weights), float(weights.sum())
    own = weights / total if total > 0 else np.full(count, 1 / count)
    chances = (1 - LEAST_SHARE) * own + LEAST_SHARE / count
    return chances / chances.sum()


def _may_be_good(shown: float, clicks: float, shop_rate: float) -> bool:
    high = rate(clicks, shown)["high"]
    return high is None or high >= shop_rate
