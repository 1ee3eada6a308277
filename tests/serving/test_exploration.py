"""New items in lists, with the chance that is logged."""

import numpy as np
import pytest

from serving.exploration import (
    LEAST_SHARE,
    PRIOR_SHOWN,
    Exploration,
    Slot,
    best_chances,
    with_floor,
)

IDS = [str(row) for row in range(10)]
NEW = np.arange(10) >= 6
ALL = lambda rows: np.ones(len(rows), bool)  # noqa: E731


def make(share, new=NEW, seed=0):
    return Exploration(IDS, new, share, np.random.default_rng(seed))


def test_off_leaves_a_list_as_it_is():
    assert make(0.0).placed([3, 1], ALL) == [Slot(3), Slot(1)]
    assert make(0.5, new=np.zeros(10, bool)).placed([3], ALL) == [Slot(3)]


def test_new_items_take_their_share_of_places_and_no_item_comes_twice():
    policy = make(0.3)
    answers = [policy.placed([0, 1, 2], ALL) for _ in range(3000)]
    explored = [slot.explored for answer in answers for slot in answer]
    assert np.mean(explored) == pytest.approx(0.3, abs=0.03)
    for answer in answers:
        assert len({slot.row for slot in answer}) == 3
        assert all(slot.explored == (slot.row >= 6) for slot in answer)


def test_propensities_are_the_chances_that_things_were_shown_by():
    policy = make(0.5)
    policy.learn({"6": (50, 20), "7": (50, 18), "8": (50, 15)}, 0.2)
    first = [policy.placed([0], ALL)[0] for _ in range(8000)]
    for row in (0, 6, 7, 8, 9):
        own = [round(slot.propensity, 12) for slot in first if slot.row == row]
        assert len(set(own)) == 1
        assert len(own) / 8000 == pytest.approx(own[0], abs=0.02)


def test_a_place_that_has_nothing_to_try_shows_the_rankings_own():
    nothing = make(1.0).placed([0, 1], lambda rows: np.zeros(len(rows), bool))
    assert nothing == [Slot(0), Slot(1)]
    # one new item for two places: one of them can try it
    one = make(1.0, new=np.arange(10) == 9).placed([0, 1], ALL)
    assert sorted(slot.propensity for slot in one) == [1.0, 1.0]
    assert sorted(slot.choices for slot in one) == [0, 1]


def test_what_is_ranked_already_is_not_tried():
    for _ in range(50):
        rows = [slot.row for slot in make(1.0).placed([9, 8, 0], ALL)]
        assert set(rows) <= {6, 7, 8, 9, 0} and len(set(rows)) == 3


def test_an_item_that_is_known_to_be_worse_is_tried_no_more():
    policy = make(1.0)
    # 0 of 200: at most 1.9% by Wilson's interval, and the shop has 10%; 0 of 5 may still be good
    policy.learn({"6": (200, 0), "7": (5, 0)}, 0.1)
    rows = {slot.row for _ in range(300) for slot in policy.placed([0], ALL)}
    assert rows == {7, 8, 9}


def test_better_items_are_likelier_to_be_the_best():
    rng = np.random.default_rng(0)
    chances = best_chances(np.array([100.0, 100.0, 0.0]), np.array([30.0, 10.0, 0.0]), 0.1, rng)
    assert chances.sum() == pytest.approx(1)
    assert chances[0] > 0.8
    assert chances[1] < 0.1
    assert best_chances(np.zeros(0), np.zeros(0), 0.1, rng).shape == (0,)


def test_who_was_never_shown_counts_as_the_shops_mean():
    rng = np.random.default_rng(0)
    unknown = best_chances(np.array([0.0, 1e6]), np.array([0.0, 1e5]), 0.1, rng)
    # Beta(2.5, 18.5) is above 0.1 in 56 of 100 draws
    assert PRIOR_SHOWN == 20
    assert unknown[0] == pytest.approx(0.56, abs=0.05)


def test_no_chance_is_tiny():
    chances = with_floor(np.array([1.0, 0.0, 0.0, 0.0]))
    assert chances == pytest.approx([1 - LEAST_SHARE * 0.75, *[LEAST_SHARE / 4] * 3])
    assert with_floor(np.zeros(2)) == pytest.approx([0.5, 0.5])
