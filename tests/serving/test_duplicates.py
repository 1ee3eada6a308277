"""Near-duplicates by group, or by vectors that nearly coincide."""

from __future__ import annotations

import numpy as np

from serving.duplicates import WINDOW, duplicates


def test_of_a_group_the_best_one_stays():
    groups = np.array([7, -1, 7, -1, 8])
    rows = np.array([2, 1, 0, 3, 4])
    assert duplicates(rows, groups, None).tolist() == [False, False, True, False, False]


def test_without_groups_vectors_that_coincide_are_one_photo():
    vectors = np.array([[1, 0], [0, 1], [0.9999, 0.0141], [0, 0], [0, 0]], np.float32)
    rows = np.arange(5)
    assert duplicates(rows, None, vectors).tolist() == [False, False, True, False, False]
    assert not duplicates(rows, None, vectors, min_cosine=0.99999).any()


def test_what_repeats_a_repetition_only_is_a_photo_of_its_own():
    # 0, 5 and 10 degrees: the last one is like the second, which is not shown
    angles = np.radians([0, 5, 10])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    assert duplicates(np.arange(3), None, vectors, 0.995).tolist() == [False, True, False]


def test_far_apart_in_a_ranking_nothing_is_compared():
    vectors = np.zeros((WINDOW + 2, 2), np.float32)
    vectors[[0, -1], 0] = 1.0
    assert not duplicates(np.arange(len(vectors)), None, vectors).any()


def test_where_nothing_is_known_nothing_repeats():
    assert not duplicates(np.arange(3), None, None).any()
