"""Estimates of a policy from another one's log."""

import numpy as np
import pytest

from recsys.off_policy import estimate


def test_by_hand():
    # four answers of one slot; the target shows what was shown half as likely, twice, never, alike
    found = estimate(np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.4, 0.2, 0.5, 0.5]),
                     np.array([0.2, 0.4, 0.0, 0.5]), np.arange(4))  # fmt: skip
    assert found.ips.value == pytest.approx((0.5 + 2 + 0 + 0) / 4)
    assert found.snips.value == pytest.approx(2.5 / 3.5)
    assert found.effective == pytest.approx(3.5**2 / (0.25 + 4 + 1))
    assert (found.mean_weight, found.max_weight) == (0.875, 2.0)
    # residuals -.125, 1.375, -.625, -.625: sqrt(4 / 3 x 2.6875) / 4 = 0.4732
    assert found.ips.high - found.ips.value == pytest.approx(1.959964 * 0.4732, abs=1e-3)


def test_the_logged_policy_is_its_own_mean():
    rewards, chance = np.array([1.0, 0, 0, 1]), np.array([0.1, 0.9, 0.5, 0.7])
    found = estimate(rewards, chance, chance, np.array([0, 0, 1, 1]))
    assert found.ips.value == found.snips.value == 0.5
    assert (found.effective, found.answers) == (4, 2)


def test_slots_of_one_answer_are_drawn_together():
    rewards = np.tile([1.0, 0.0], 50)
    ones = np.ones(100)
    apart = estimate(rewards, ones, ones, np.arange(100)).ips
    together = estimate(np.repeat([1.0, 0.0], 50), ones, ones, np.repeat(np.arange(20), 5)).ips
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_a_constant_shifts_the_self_normalized_estimate_alone_by_itself():
    rng = np.random.default_rng(0)
    rewards, logged = rng.random(50), rng.uniform(0.1, 1, 50)
    target = rng.uniform(0, 1, 50)
    one = estimate(rewards, logged, target, np.arange(50))
    other = estimate(rewards + 5, logged, target, np.arange(50))
    assert other.snips.value - one.snips.value == pytest.approx(5)
    assert other.ips.value - one.ips.value == pytest.approx(5 * one.mean_weight)


def test_a_policy_that_never_shows_what_was_shown_cannot_be_judged():
    found = estimate(np.ones(3), np.full(3, 0.5), np.zeros(3), np.arange(3))
    assert np.isnan(found.snips.value)
    assert found.effective == 0


@pytest.mark.parametrize(("logged", "target"), [([0.0], [0.5]), ([1.1], [0.5]), ([0.5], [1.5])])
def test_impossible_propensities_are_refused(logged, target):
    with pytest.raises(ValueError, match="must be in"):
        estimate(np.ones(1), np.array(logged), np.array(target), np.zeros(1, int))
