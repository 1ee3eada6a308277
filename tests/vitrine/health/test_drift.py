"""Drift of vectors by numbers to redo by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vitrine.health.drift import (
    centroid_shift,
    histograms,
    population_stability,
    similarity_to,
)


def test_the_shift_is_in_standard_deviations_of_the_old():
    old = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float32)  # mean 0, each at distance 1
    assert centroid_shift(old, old) == 0.0
    # the mean moves by (0.5, 0): half of the distance that an item usually has
    assert centroid_shift(old, old + np.array([0.5, 0], np.float32)) == pytest.approx(0.5)
    # one of four items moves by 2: the mean moves by 0.5 too
    moved = old.copy()
    moved[1] = [1, 0]
    assert centroid_shift(old, moved) == pytest.approx(0.5)


def test_items_that_only_change_places_move_no_mean():
    old = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    assert centroid_shift(old, old[::-1]) == pytest.approx(0.0, abs=1e-7)


def test_no_items_and_items_that_are_all_alike_have_a_shift_too():
    assert centroid_shift(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)) == 0.0
    same = np.ones((3, 2), np.float32)
    assert centroid_shift(same, same) == 0.0
    assert centroid_shift(same, -same) > 1000


def test_stability_is_the_sum_over_bands_of_difference_times_log_ratio():
    old, new = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 3.0, 3.0, 4.0])
    # two bands, parted at 2.5; counts 2 and 2 become 0 and 4, with a half each for the logarithm
    p, q = (2.5 / 5, 2.5 / 5), (0.5 / 5, 4.5 / 5)
    by_hand = (q[0] - p[0]) * math.log(q[0] / p[0]) + (q[1] - p[1]) * math.log(q[1] / p[1])
    assert population_stability(old, new, num_bands=2) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.8789, abs=1e-4)
    assert population_stability(old, old, num_bands=2) == 0.0


def test_two_samples_of_one_distribution_are_stable_and_a_moved_one_is_not():
    rng = np.random.default_rng(0)
    old, new = rng.normal(0.6, 0.1, 5000), rng.normal(0.6, 0.1, 5000)
    assert population_stability(old, new) < 0.02
    # half a standard deviation: (q - p) ln(q / p) of two normals is 0.5 ** 2 = 0.25
    assert population_stability(old, new + 0.05) == pytest.approx(0.25, abs=0.05)


def test_what_is_not_finite_or_not_there_is_left_out():
    values = np.array([1.0, 2.0, 3.0])
    assert population_stability(values, np.append(values, -np.inf)) == 0.0
    assert population_stability(values, np.array([])) == 0.0
    assert population_stability(np.ones(5), np.ones(5)) == 0.0  # a single band
    assert histograms(values, np.array([-np.inf])) == {}


def test_similarity_to_a_center_is_the_cosine():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    found = similarity_to(np.array([0.0, 5.0], np.float32), vectors)
    assert found == pytest.approx([0.0, 1.0, 0.8])


def test_histograms_share_their_bins():
    found = histograms(np.array([0.0, 0.1, 1.0]), np.array([0.9, 1.0, 1.0]), num_bins=2)
    assert found == {"edges": [0.0, 0.5, 1.0], "old": [2, 1], "new": [0, 3]}
