"""Measures of lists, redone by hand."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.beyond_accuracy import (
    gini,
    intra_list_diversity,
    mean_kinds,
    miscalibration,
    novelty,
)

# item 0 is a dress, 1 a shoe, 2 half of each, of 3 nothing is known
KINDS = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.0, 0.0]])


def test_novelty_is_the_mean_surprise_in_bits():
    # 4 shoppers: half had item 0 -> 1 bit, one of four had item 1 -> 2 bits; nobody had item 2,
    # which counts as one -> 2 bits
    found = novelty(np.array([[0, 1], [2, -1]]), np.array([2, 1, 0]), 4)
    assert found == pytest.approx([1.5, 2.0])


def test_an_empty_list_has_no_novelty():
    assert np.isnan(novelty(np.array([[-1, -1]]), np.array([1]), 1)).all()


def test_diversity_is_one_minus_the_mean_cosine_of_pairs():
    lists = np.array([[0, 0, -1], [0, 1, -1], [0, 1, 2], [0, 3, -1]])
    found = intra_list_diversity(lists, KINDS)
    # dress and dress: 0; dress and shoe: 1; with the half one, cosines 0, 0.7071 and 0.7071
    assert found[:3] == pytest.approx([0.0, 1.0, 1 - 2 * 0.5**0.5 / 3])
    assert np.isnan(found[3])  # one known item makes no pair


def test_gini_of_equal_shares_is_zero_and_of_one_item_nearly_one():
    assert gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0.0)
    # one of four takes all: (2 * 4 - 4 - 1) * 3 / (4 * 3)
    assert gini(np.array([[0], [0], [0]]), 4) == pytest.approx(3 / 4)
    # shown 1 and 3 times: (-1 * 1 + 1 * 3) / (2 * 4)
    assert gini(np.array([[0, 1], [1, 1]]), 2) == pytest.approx(0.25)
    assert np.isnan(gini(np.array([[-1]]), 2))


def test_a_list_with_the_history_s_shares_is_calibrated():
    wanted = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
    lists = np.array([[0, 1], [1, 1], [0, 0], [0, 1]])
    found = miscalibration(lists, wanted, KINDS)
    assert found[0] == pytest.approx(0.0)
    # dresses wanted, shoes given: q' of dresses is 0.01 -> ln(1 / 0.01)
    assert found[1] == pytest.approx(np.log(100))
    # both wanted, dresses given: q' = 0.995 and 0.005
    assert found[2] == pytest.approx(0.5 * np.log(0.5 / 0.995) + 0.5 * np.log(0.5 / 0.005))
    assert np.isnan(found[3])  # a history of which nothing is known


def test_the_kinds_of_a_history_are_its_items_mean():
    # case 0 had a dress, a dress and half of each; case 1 something unknown
    found = mean_kinds(np.array([0, 0, 0, 1]), np.array([0, 0, 2, 3]), 2, KINDS)
    assert found == pytest.approx(np.array([[2.5 / 3, 0.5 / 3], [0.0, 0.0]]))
