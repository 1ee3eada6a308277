"""What another policy would have earned, from answers that were logged with propensities.

The unit is a slot: one place of one answer. A logged slot showed its item with a known
probability given the context; weighting it by how much likelier another policy would have shown
it makes the log speak for that policy. Slots of one answer are drawn together, so intervals
count answers, not slots.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.rates import Z

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Estimate:
    """The value of a policy: mean reward of a slot.

    Attributes:
        value: the estimate; nan where there is nothing to estimate from.
        low, high: its 95% interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OffPolicy:
    """Both estimates, and how much of the log they rest on.

    Attributes:
        ips: inverse propensity, unbiased.
        snips: self-normalized, biased by little and steadier.
        effective: slots that would say as much under the policy itself (Kish's size).
        mean_weight: 1 up to chance where propensities are right.
        max_weight: the largest; far above 1 / 0.01 few slots decide.
    """

    ips: Estimate
    snips: Estimate
    slots: int
    answers: int
    effective: float
    mean_weight: float
    max_weight: float

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def estimate(
    rewards: Floats, logged: Floats, target: Floats, answers: NDArray[np.integer]
) -> OffPolicy:
    """Estimates a policy's mean reward of a slot from another policy's log.

    Args:
        rewards: [num_slots] what each logged slot earned.
        logged: [num_slots] the probability with which it showed its item, above 0.
        target: [num_slots] the probability with which the other policy would have.
        answers: [num_slots] which answer each slot is of.

    Raises:
        ValueError: a propensity is not in (0, 1], or a target's not in [0, 1].
    """
    if not ((logged > 0) & (logged <= 1)).all():
        raise ValueError("logged propensities must be in (0, 1]")
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("the policy's probabilities must be in [0, 1]")
    weights = target / logged
    _, groups = np.unique(answers, return_inverse=True)
    squares = float((weights**2).sum())
    return OffPolicy(
        ips=ips(rewards, weights, groups), snips=snips(rewards, weights, groups),
        slots=len(rewards), answers=int(groups.max(initial=-1)) + 1,
        effective=float(weights.sum()) ** 2 / squares if squares else 0.0,
        mean_weight=float(weights.mean()) if len(weights) else float("nan"),
        max_weight=float(weights.max(initial=0.0)),
    )  # fmt: skip


def ips(rewards: Floats, weights: Floats, groups: NDArray[np.integer]) -> Estimate:
    """Mean of reward times weight (Horvitz & Thompson, JASA 1952).

    Unbiased while every item that the policy might show has a chance to be logged.
    """
    return _ratio(rewards * weights, np.ones(len(rewards)), groups)


def snips(rewards: Floats, weights: Floats, groups: NDArray[np.integer]) -> Estimate:
    """Weighted mean of the rewards (Swaminathan & Joachims, NeurIPS 2015).

    It cannot leave the rewards' own range, and adding a constant to all rewards adds it to the
    estimate, which plain weighting does not promise.
    """
    return _ratio(rewards * weights, weights, groups)


def _ratio(tops: Floats, bottoms: Floats, groups: NDArray[np.integer]) -> Estimate:
    """Σ tops / Σ bottoms with the interval of a ratio of sums over groups (Cochran, 1977)."""
    total = float(bottoms.sum())
    if total <= 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    value = float(tops.sum()) / total
    residuals = np.bincount(groups, tops - value * bottoms)
    count = len(residuals)
    if count < 2:
        return Estimate(value, float("nan"), float("nan"))
    error = float(np.sqrt(count / (count - 1) * (residuals**2).sum())) / total
    return Estimate(value, value - Z * error, value + Z * error)
