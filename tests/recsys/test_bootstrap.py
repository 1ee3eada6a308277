"""Resamples: the same draws as the plain bootstrap, and pairs that stay together."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.bootstrap import Resamples
from recsys.metrics import bootstrap_interval

USERS = np.array([7, 7, 2, 9])
WEIGHTS = np.array([0.5, 0.5, 1.0, 1.0])
VALUES = np.array([1.0, 0.0, 0.25, 1.0])


def test_every_resample_draws_as_many_shoppers_as_there_are():
    drawn = Resamples.of(USERS, 50, seed=0)
    assert drawn.counts.shape == (50, 3)
    assert (drawn.counts.sum(axis=1) == 3).all()


def test_the_interval_is_that_of_the_plain_bootstrap():
    found = Resamples.of(USERS, 200, seed=3).interval(VALUES, WEIGHTS)
    plain = bootstrap_interval(VALUES, WEIGHTS, USERS, num_resamples=200, seed=3)
    # (0.5 * 1 + 0.5 * 0 + 1 * 0.25 + 1 * 1) / 3
    assert found["mean"] == pytest.approx(1.75 / 3)
    assert [found["mean"], found["low"], found["high"]] == pytest.approx(list(plain))


def test_a_segment_counts_its_own_cases_alone():
    drawn = Resamples.of(USERS, 200, seed=0)
    found = drawn.interval(VALUES, WEIGHTS, np.array([True, True, False, False]))
    assert found == pytest.approx({"mean": 0.5, "low": 0.5, "high": 0.5})


def test_values_that_are_no_number_are_left_out():
    found = Resamples.of(USERS, 50, seed=0).interval(np.array([np.nan, 1, 1, 1]), WEIGHTS)
    assert found == {"mean": 1.0, "low": 1.0, "high": 1.0}
    nothing = Resamples.of(USERS, 50, seed=0).interval(np.full(4, np.nan), WEIGHTS)
    assert np.isnan(nothing["mean"])


def test_a_constant_gain_is_certain_however_hard_the_cases():
    users = np.arange(100)
    hard = np.random.default_rng(0).random(100)
    found = Resamples.of(users, 1000, seed=0).difference(hard + 0.01, hard, np.ones(100))
    assert [found["mean"], found["low"], found["high"]] == pytest.approx([0.01] * 3)
    assert found["p"] == pytest.approx(0.002)  # 2 / 1000 resamples


def test_no_gain_is_no_evidence():
    found = Resamples.of(USERS, 50, seed=0).difference(VALUES, VALUES, WEIGHTS)
    assert (found["mean"], found["p"]) == (0.0, 1.0)
