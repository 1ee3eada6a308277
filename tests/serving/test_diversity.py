"""Marginal relevance, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from serving.diversity import Diversity, scaled


def test_the_next_item_is_good_and_unlike_what_is_there():
    # 1 is like 0 (cosine 0.8), 2 is unlike; scores 1, 0.9, 0.5 of which 1 and 2 are left
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    scores = np.array([1.0, 0.9, 0.5])
    for strength, best in [(0.0, 1), (0.5, 1), (0.6, 2), (1.0, 2)]:
        # scaled: 1 and 0; marginal of 1: (1 - s) - 0.8 s, of 2: 0; they meet at s = 1 / 1.8
        diversity = Diversity(strength, vectors)
        diversity.put(0)
        assert diversity.best(np.array([1, 2]), scores) == best


def test_likeness_is_to_the_nearest_item_of_the_page():
    diversity = Diversity(1.0, np.eye(3, dtype=np.float32))
    diversity.put(0)
    diversity.put(1)
    assert diversity.best(np.array([0, 1, 2]), np.zeros(3)) == 2


def test_a_new_page_forgets():
    diversity = Diversity(0.9, np.eye(2, dtype=np.float32))
    diversity.put(0)
    diversity.start_page()
    assert diversity.best(np.array([0, 1]), np.array([2.0, 1.0])) == 0


def test_opposite_items_are_unlike_and_no_more():
    diversity = Diversity(1.0, np.array([[1, 0], [-1, 0], [0, 1]], np.float32))
    diversity.put(0)
    assert diversity.best(np.array([2, 1]), np.zeros(3)) == 2  # both are unlike: the first


def test_scores_are_brought_to_one():
    assert scaled(np.array([2.0, 6.0, 4.0])).tolist() == [0.0, 1.0, 0.5]
    assert scaled(np.array([3.0, 3.0])).tolist() == [1.0, 1.0]
    assert scaled(np.array([-2.0])) == pytest.approx([1.0])
