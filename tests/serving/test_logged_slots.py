"""Policies judged from a log, against a simulated shop where the truth is known."""

import numpy as np
import pytest

from serving.logged_slots import Slots, compare_policies, read_slots
from serving.store import Event, Store
from serving.store_answers import GivenAnswer, ShownItem
from tests.serving.simulated_shop import SimulatedShop

SHOP = SimulatedShop()


def estimates(slots, shares=(0.0, 0.1, 0.6)):
    return {each["policy"]: each for each in compare_policies(slots, list(shares))}


def test_probabilities_by_hand():
    slots = Slots(*map(np.array, ([1.0, 0, 1], [False, True, False], [0, 0.25, 0], [8, 8, 0],
                                  [0.2, 0.2, 0.2], [0, 0, 0])))  # fmt: skip
    assert slots.logged == pytest.approx([0.8, 0.05, 1.0])
    assert slots.under(0.0) == pytest.approx([1.0, 0.0, 1.0])
    assert slots.under(0.4) == pytest.approx([0.6, 0.1, 1.0])
    assert slots.under(0.4, "uniform") == pytest.approx([0.6, 0.05, 1.0])


@pytest.fixture(scope="module")
def long_log():
    return SHOP.log(0.3, 2500, seed=1)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_a_long_log_tells_what_another_share_would_earn(long_log, share):
    found = estimates(long_log)
    name = "no exploration" if share == 0 else f"{share:.0%} explored, chosen as logged"
    truth = SHOP.true_value(share)
    for kind in ("ips", "snips"):
        error = (found[name][kind]["high"] - found[name][kind]["low"]) / 3.92
        assert abs(found[name][kind]["value"] - truth) < 3.5 * error
        assert error < 0.012
    assert found[name]["mean_weight"] == pytest.approx(1, abs=0.03)


def test_the_plain_mean_of_the_log_would_have_been_wrong():
    logged, none = SHOP.log(0.9, 2000, seed=5), SHOP.true_value(0.0)
    found = estimates(logged)["no exploration"]["snips"]
    assert abs(logged.rewards.mean() - none) > 0.03
    assert found["low"] < none < found["high"]


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    truth = SHOP.true_value(0.1)
    inside = {"ips": 0, "snips": 0}
    for seed in range(40):
        found = estimates(SHOP.log(0.3, 150, seed=10 + seed))["10% explored, chosen as logged"]
        for kind in inside:
            inside[kind] += found[kind]["low"] <= truth <= found[kind]["high"]
    # of 40 intervals of 95%, fewer than 34 by a chance of 1 in 300
    assert min(inside.values()) >= 34


def test_a_log_without_exploration_says_nothing_of_it():
    slots = SHOP.log(0.0, 50, seed=3)
    assert [each["policy"] for each in compare_policies(slots, [0.0, 0.2])] == [
        "as logged", "no exploration",
    ]  # fmt: skip


def test_answers_before_exploration_began_do_not_speak_of_it():
    before, after = SHOP.log(0.0, 400, seed=3), SHOP.log(0.3, 400, seed=4)
    both = Slots(*(np.concatenate([getattr(before, name), getattr(after, name)]) for name in
                   ("rewards", "explored", "chance", "choices", "share", "answers")))  # fmt: skip
    name = "60% explored, all alike"
    assert estimates(both)[name]["snips"] == estimates(after)[name]["snips"]


def test_slots_are_read_from_answers_and_the_events_that_name_them():
    store = Store("sqlite://")
    shown = (ShownItem("a", False, 0.0, 3), ShownItem("b", True, 0.5, 3), ShownItem("c"))
    store.add_answers([
        GivenAnswer("r1", 10.0, "recommend", "f", 1, shown, 0.2),
        GivenAnswer("r2", 11.0, "similar_items", "f", 1, (ShownItem("a"),)),
    ])  # fmt: skip
    store.add_events([Event("u", "b", "cart", 12.0, request_id="r1"),
                      Event("u", "a", "view", 12.0, request_id="r2")])  # fmt: skip
    clicks, bought = read_slots(store), read_slots(store, reward="purchase")
    assert clicks.rewards.tolist() == [0, 1, 0]
    assert clicks.logged == pytest.approx([0.8, 0.1, 1.0])
    assert bought.rewards.tolist() == [0, 0, 0]
    assert len(read_slots(store, since=20.0).rewards) == 0
    with pytest.raises(ValueError, match="unknown reward"):
        read_slots(store, reward="love")
    store.close()
