"""A shop whose click rates are known: recommendations with exploration, and who clicked."""

from __future__ import annotations

import numpy as np

from serving.exploration import Exploration, Slot
from serving.logged_slots import Slots

NUM_ITEMS, NUM_NEW, K = 60, 24, 6


class SimulatedShop:
    """Old items 0 to 35 in a fixed ranking that is best first, new items 36 to 59.

    A place's item is clicked with its own rate, whatever stands beside it.
    """

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        old = np.sort(rng.uniform(0.02, 0.2, NUM_ITEMS - NUM_NEW))[::-1]
        self.rates = np.concatenate([old, rng.uniform(0.0, 0.35, NUM_NEW)])
        self.item_ids = [str(row) for row in range(NUM_ITEMS)]
        self.new = np.arange(NUM_ITEMS) >= NUM_ITEMS - NUM_NEW

    def exploration(self, share: float, seed: int) -> Exploration:
        """A policy that knows of a few hundred impressions."""
        rng = np.random.default_rng(seed)
        made = Exploration(self.item_ids, self.new, share, rng)
        shown = np.where(self.new, 12, 0)
        clicks = np.random.default_rng(99).binomial(shown, self.rates)  # what every policy knows
        made.learn({item: (int(n), int(c)) for item, n, c in
                    zip(self.item_ids, shown, clicks, strict=True)}, 0.1)  # fmt: skip
        return made

    def answer(self, policy: Exploration, rng: np.random.Generator) -> list[Slot]:
        """One visitor's list: six of the twelve best, so that answers differ."""
        ranked = np.sort(rng.choice(12, K, replace=False)).tolist()
        return policy.placed(ranked, lambda rows: np.ones(len(rows), bool))

    def log(self, share: float, answers: int, seed: int) -> Slots:
        """What a policy's answers earn, as the store would tell it."""
        rng = np.random.default_rng(seed)
        policy = self.exploration(share, seed + 1)
        slots = [(slot, number) for number in range(answers) for slot in self.answer(policy, rng)]
        rewards = rng.random(len(slots)) < self.rates[[slot.row for slot, _ in slots]]
        return Slots(
            rewards.astype(float), np.array([slot.explored for slot, _ in slots]),
            np.array([slot.chance for slot, _ in slots]),
            np.array([slot.choices for slot, _ in slots]),
            np.full(len(slots), share), np.array([number for _, number in slots]),
        )  # fmt: skip

    def true_value(self, share: float, answers: int = 2000) -> float:
        """A policy's mean click rate of a place, by its items' true rates: no clicks are drawn."""
        rng = np.random.default_rng(7)
        policy = self.exploration(share, 8)
        return float(np.mean([self.rates[slot.row] for _ in range(answers)
                              for slot in self.answer(policy, rng)]))  # fmt: skip
