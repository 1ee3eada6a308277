"""How words are judged, by hand."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from words import found_share, own_recall, split_of, tf_idf_scores


def test_items_are_split_70_15_15_by_their_ids():
    splits = [split_of(str(number)) for number in range(4000)]
    shares = [splits.count(name) / 4000 for name in ("train", "validation", "test")]
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.02)


def test_a_rare_word_tells_more_than_a_frequent_one():
    scores = tf_idf_scores(["red shoe"], ["red dress", "blue shoe"], ["red"] * 3 + ["shoe"])
    assert scores[0, 1] > scores[0, 0] > 0
    assert tf_idf_scores(["nothing known"], ["red"], ["red"]).tolist() == [[0.0]]


def test_equal_scores_share_the_places_that_are_left():
    # row 0: its own is best; row 1: three are equal and two places; row 2: its own is last
    scores = np.array([[3.0, 1, 2], [1, 1, 1], [2, 1, 0]])
    assert own_recall(scores, k=2) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_a_query_is_answered_by_any_right_item_among_the_first():
    scores = np.array([[3.0, 2, 1], [3, 2, 1]])
    right = np.array([[False, True, False], [False, False, True]])
    assert found_share(scores, right, k=2) == 0.5
