"""Pages stay full through all rules, and pages after each other hold everything once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.arrangement import LOOKAHEAD, Arrangement, Pool, arrange
from serving.items import Items
from tests.serving.api.circle import circle_items, circle_vector

COUNT = 30
BRANDS = ["Acme", "Acme", "Acme", "Bolt", "Cork"]


def some_items() -> Items:
    table = circle_items(COUNT)
    table["brand"] = [BRANDS[i % len(BRANDS)] for i in range(COUNT)]
    return Items(table, {})


ITEMS = some_items()


def pool(count: int = COUNT, complete: bool = True, **more: object) -> Pool:
    """Items 0, 1, 2 … in this order, with scores that fall by one."""
    rows = np.arange(count)
    vectors = np.array([circle_vector(row / COUNT) for row in rows])
    return Pool(-rows.astype(np.float32), rows, complete, **{"vectors": vectors, **more})


def rows_of(found) -> list[int]:
    return [row for row, _ in found]


def test_a_cap_lets_others_come_forward_and_what_waits_comes_next():
    wanted = Arrangement(max_per_brand=1)
    assert rows_of(arrange(pool(), 0, 3, wanted, ITEMS)) == [0, 3, 4]
    assert rows_of(arrange(pool(), 3, 3, wanted, ITEMS)) == [1, 8, 9]


def test_a_cap_gives_way_when_nothing_else_is_left():
    found = arrange(pool(3), 0, 3, Arrangement(max_per_brand=1), ITEMS)
    assert rows_of(found) == [0, 1, 2]


def test_duplicates_come_last_of_all():
    groups = np.full(COUNT, -1)
    groups[[0, 1, 2]] = 5
    found = arrange(pool(5, groups=groups), 0, 5, Arrangement(collapse=True), ITEMS)
    assert rows_of(found) == [0, 3, 4, 1, 2]


def test_pins_stand_where_they_are_put_and_only_there():
    found = arrange(pool(6, pins={0: 4, 3: 2, 40: 5}), 0, 6, Arrangement(), ITEMS)
    assert rows_of(found) == [4, 0, 1, 2, 3, 5]  # place 40 is not reached: at the end


def test_a_pin_from_outside_the_pool_takes_the_score_before_it():
    found = arrange(pool(6, pins={1: 20}), 0, 3, Arrangement(), ITEMS)
    assert found == [(0, 0.0), (20, 0.0), (1, -1.0)]


def test_diversity_reaches_for_what_looks_different():
    found = arrange(pool(), 0, 2, Arrangement(diversity=0.9), ITEMS)
    # of the 30 on the circle all from 90 to 270 degrees are unlike 0: the best of them is 8
    assert rows_of(found) == [0, 8]


def test_a_pool_that_ends_too_soon_says_nothing():
    assert arrange(pool(COUNT, complete=False), 0, 3, Arrangement(max_per_brand=1), ITEMS) is None
    assert arrange(pool(5), 0, 9, Arrangement(), ITEMS) is not None


@given(
    k=st.integers(1, 9), diversity=st.sampled_from([0.0, 0.5, 1.0]),
    cap=st.integers(0, 2), collapse=st.booleans(), count=st.integers(0, COUNT),
    pins=st.dictionaries(st.integers(0, 12), st.integers(0, COUNT - 1), max_size=3),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_pages_after_each_other_hold_everything_once(k, diversity, cap, collapse, count, pins):
    place_of = {row: at for at, row in pins.items() if row < count}  # an item is pinned once
    given_pool = pool(
        count, groups=np.arange(COUNT) // 3, pins={at: row for row, at in place_of.items()}
    )
    wanted = Arrangement(diversity=diversity, max_per_brand=cap, max_per_category=cap,
                         collapse=collapse)  # fmt: skip
    found: list[int] = []
    for offset in range(0, COUNT + k, k):
        page = rows_of(arrange(given_pool, offset, k, wanted, ITEMS))
        assert len(page) == max(0, min(k, count - offset))  # full wherever it can be
        found += page
    assert sorted(found) == list(range(count))


def test_a_larger_pool_gives_the_same_page():
    many = 4 * LOOKAHEAD
    items = Items(circle_items(many), {})
    random = np.random.default_rng(0)
    vectors = random.normal(size=(many, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = -np.arange(many, dtype=np.float32)
    wanted = Arrangement(diversity=0.7, max_per_category=3, collapse=True)
    small, large = (
        Pool(scores[:size], np.arange(size), False, vectors=vectors[:size])
        for size in (2 * LOOKAHEAD, many)
    )
    assert arrange(small, 10, 10, wanted, items) == arrange(large, 10, 10, wanted, items)


@pytest.mark.parametrize(
    "wanted",
    [Arrangement(diversity=0.1), Arrangement(max_per_brand=1), Arrangement(collapse=True)],
)
def test_only_the_default_is_plain(wanted: Arrangement):
    assert Arrangement().is_plain
    assert not wanted.is_plain
