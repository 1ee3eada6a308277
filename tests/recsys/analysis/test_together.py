"""What is bought together."""

import math

import pandas as pd
import pytest

from recsys.analysis.sessions import number_sessions
from recsys.analysis.together import LARGEST_BASKET, definition, measure
from tests.recsys.analysis.hand_shop import hand_events

EVENTS = hand_events()


def test_lift_of_the_hand_computed_shop():
    found = measure(EVENTS, number_sessions(EVENTS, 30), "purchase", support=2)
    # baskets: a {lamp, chair}, a {lamp}, d {lamp, chair}; expected 3 x 2 / 3 = 2 together
    assert (found["basket"], found["baskets"], found["baskets_with_pairs"]) == ("order", 3, 2)
    [pair] = found["pairs"]
    assert (pair["one"], pair["other"], pair["support"]) == ("chair", "lamp", 2)
    assert (pair["lift"], pair["confidence"]) == (1.0, 1.0)
    assert pair["lift_high"] == pytest.approx(math.exp(1.959964 / math.sqrt(2)))


def log(*baskets):
    rows = [(number, f"u{number}", item, "purchase")
            for number, basket in enumerate(baskets) for item in basket]  # fmt: skip
    return pd.DataFrame(rows, columns=["session", "user_id", "item_id", "event"])


def test_pairs_are_ordered_by_what_is_sure_of_their_lift():
    events = log(*["ab"] * 9, *["cd"] * 2, *["e"] * 9)
    found = measure(events, events["session"], "purchase", support=2)["pairs"]
    # ab: 9 x 20 / 81 = 2.2, at least 1.16; cd: 2 x 20 / 4 = 10, at least 2.5
    assert [(pair["one"], pair["lift"]) for pair in found] == [
        ("c", 10.0), ("a", pytest.approx(20 / 9)),
    ]  # fmt: skip


def test_where_orders_hold_no_pair_all_that_a_shopper_bought_is_a_basket():
    events = log("a", "b", "a", "b").assign(user_id=["u", "u", "v", "v"])
    found = measure(events, events["session"], "purchase", support=2)
    assert (found["basket"], found["baskets"], found["pairs"][0]["support"]) == ("shopper", 2, 2)
    assert "in one session" not in definition("shopper", "purchase", 2).partition(";")[0]


def test_a_resellers_basket_is_left_out():
    events = log([f"i{n}" for n in range(LARGEST_BASKET + 1)], "ab", "ab")
    found = measure(events, events["session"], "purchase", support=2)
    assert (found["left_out"], found["baskets"], len(found["pairs"])) == (1, 2, 1)


def test_nothing_sold_gives_no_pairs():
    found = measure(EVENTS, number_sessions(EVENTS, 30), "rating", support=2)
    assert (found["baskets"], found["pairs"]) == (0, [])
