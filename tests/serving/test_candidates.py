"""Pages are full where they can be: against exact filtered search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.candidates import (
    Allowed,
    Candidates,
    Fetched,
    Limits,
    best_candidates,
    can_score,
    dot_scores,
    fetch_size,
    is_narrow,
    joined,
)
from serving.facets import Mask

LIMITS = Limits(overfetch=3, exact_below=0.02, exact_rows=20)
QUERY = np.ones(1, np.float32)


def all_of(count: int, left_out: list[int] | None = None) -> Allowed:
    return Allowed(Mask.of(np.ones(count, bool)), left_out)


def test_allowed_joins_a_mask_and_what_is_left_out():
    allowed = Allowed(Mask.of(np.array([True, False, True, True])), [3, 3, 1])
    assert (allowed.count, allowed.rows().tolist()) == (2, [0, 2])
    assert allowed.of(np.array([3, 2, -1, 1])).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("allowed", "size"),
    [
        (1000, 10),  # nothing is forbidden: no more than wanted
        (900, 30),  # threefold, which is more than 10 x 1.5 x 1000 / 900
        (100, 150),  # 10 x 1.5 x 1000 / 100
        (15, 1000),  # less than 2%: everything
    ],
)
def test_more_is_fetched_the_less_is_allowed(allowed: int, size: int):
    assert fetch_size(10, 1000, allowed, LIMITS) == size


@pytest.mark.parametrize(
    ("allowed", "narrow"), [(1000, False), (300, False), (21, False), (20, True), (19, True)]
)
def test_little_is_scored_rather_than_searched_around(allowed: int, narrow: bool):
    assert is_narrow(allowed, 1000, LIMITS) == narrow


def test_a_small_catalog_is_not_narrow_for_lacking_an_item():
    assert not is_narrow(11, 12, LIMITS)


@given(
    num_items=st.integers(1, 400), share=st.floats(0, 1), wanted=st.integers(1, 60),
    seed=st.integers(0, 9), worst=st.booleans(), with_vectors=st.booleans(),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_candidates_are_what_exact_filtered_search_gives(
    num_items, share, wanted, seed, worst, with_vectors
):
    random = np.random.default_rng(seed)
    order = random.permutation(num_items)
    # the worst case: what is allowed comes last
    mask = np.zeros(num_items, bool)
    count = int(share * num_items)
    mask[order[num_items - count :] if worst else random.permutation(num_items)[:count]] = True
    vectors = np.zeros((num_items, 1), np.float32)
    vectors[order, 0] = -np.arange(num_items)

    def fetch(size: int, exactly: bool) -> Fetched:
        return Fetched(-np.arange(size, dtype=np.float32), order[:size], QUERY)

    found = best_candidates(
        fetch, Allowed(Mask.of(mask)), wanted, LIMITS, vectors if with_vectors else None
    )
    expected = order[mask[order]][:wanted]
    assert found.rows.tolist() == expected.tolist()
    assert found.scores.tolist() == vectors[expected, 0].tolist()
    assert found.complete == (wanted >= count)


def test_under_a_narrow_filter_one_call_is_enough():
    asked = []
    vectors = np.arange(1000, dtype=np.float32)[:, np.newaxis]

    def fetch(size: int, exactly: bool) -> Fetched:
        asked.append((size, exactly))
        return Fetched(np.zeros(size, np.float32), np.arange(size), QUERY)

    mask = np.zeros(1000, bool)
    mask[[500, 700, 600]] = True
    found = best_candidates(fetch, Allowed(Mask.of(mask)), 2, LIMITS, vectors)
    assert (found.rows.tolist(), found.scores.tolist()) == ([700, 600], [700.0, 600.0])
    assert asked == [(6, False)]


def test_what_the_index_adds_to_a_score_is_kept():
    # the index knows that item 1 follows the history: 5 where the dot product says 1
    def fetch(size: int, exactly: bool) -> Fetched:
        return Fetched(np.array([5.0, 2.0], np.float32), np.array([1, 2]), QUERY)

    vectors = np.arange(1000, dtype=np.float32)[:, np.newaxis]
    mask = np.zeros(1000, bool)
    mask[[1, 2, 3]] = True
    found = best_candidates(fetch, Allowed(Mask.of(mask)), 3, LIMITS, vectors)
    assert list(zip(found.rows.tolist(), found.scores.tolist(), strict=True)) == [
        (1, 5.0), (3, 3.0), (2, 2.0),
    ]  # fmt: skip


def test_an_approximate_engine_that_runs_short_is_followed_by_an_exact_one():
    asked = []

    def fetch(size: int, exactly: bool) -> Fetched:
        asked.append((size, exactly))
        rows = np.arange(size) if exactly else np.where(np.arange(size) < 3, np.arange(size), -1)
        return Fetched(np.zeros(size, np.float32), rows)

    assert best_candidates(fetch, all_of(20), 5, LIMITS).rows.tolist() == [0, 1, 2, 3, 4]
    assert asked == [(5, False), (20, True)]


def test_an_engine_that_knows_nothing_is_asked_once():
    asked = []

    def fetch(size: int, exactly: bool) -> Fetched:
        asked.append(size)
        return Fetched(np.full(size, -np.inf), np.full(size, -1), np.zeros(1, np.float32))

    vectors = np.ones((99, 1), np.float32)
    found = best_candidates(fetch, all_of(99), 5, LIMITS, vectors)
    assert (len(found.rows), found.complete, asked) == (0, True, [5])


def test_nothing_is_asked_when_nothing_is_allowed():
    def fetch(size: int, exactly: bool) -> Fetched:
        raise AssertionError

    assert len(best_candidates(fetch, Allowed(Mask.of(np.zeros(5, bool))), 3, LIMITS).rows) == 0


def test_items_that_fetch_leaves_out_itself_cost_nothing():
    asked = []

    def fetch(size: int, exactly: bool) -> Fetched:
        asked.append(size)
        return Fetched(np.zeros(size, np.float32), np.arange(2, 2 + size))

    best_candidates(fetch, all_of(100, [0, 1]), 10, LIMITS)
    assert asked == [10]


def test_only_a_query_and_vectors_make_scores():
    assert can_score(QUERY, QUERY)
    assert not can_score(np.zeros(3), QUERY)
    assert not can_score(None, QUERY)
    assert not can_score(QUERY, None)


def test_dot_scores_are_the_same_picked_out_or_not():
    vectors = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    query = np.array([1, 2, 3], np.float32)
    few, many = np.array([7]), np.arange(49, -1, -1)
    np.testing.assert_allclose(dot_scores(query, few, vectors), vectors[few] @ query, rtol=1e-5)
    np.testing.assert_allclose(dot_scores(query, many, vectors), vectors[many] @ query, rtol=1e-5)


def test_joined_rows_find_their_place_by_score():
    vectors = np.array([[9.0], [4.0], [7.0]], np.float32)
    best = Candidates(np.array([8.0, 4.0], np.float32), np.array([0, 1]), QUERY, False)
    found = joined(best, np.array([1, 2]), vectors)
    assert found.rows.tolist() == [0, 2, 1]
    assert found.scores.tolist() == [8.0, 7.0, 4.0]
    assert joined(best, np.array([2]), None) is best
