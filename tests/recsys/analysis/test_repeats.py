"""Who comes back in the hand-computed shop."""

import pytest

from recsys.analysis.repeats import measure
from recsys.analysis.sessions import number_sessions
from tests.recsys.analysis.hand_shop import hand_events

EVENTS = hand_events()
SESSION = number_sessions(EVENTS, 30)


def test_figures_of_coming_back():
    found = measure(EVENTS, SESSION, "purchase")
    assert (found["returning"]["part"], found["returning"]["whole"]) == (2, 4)  # a and b
    assert (found["repeat_buyers"]["part"], found["repeat_buyers"]["whole"]) == (1, 2)  # a of a, d
    assert (found["bought_again"]["part"], found["bought_again"]["whole"]) == (1, 4)  # a's lamp
    assert found["orders"] == 3
    assert found["items_per_order"] == pytest.approx((2 + 1 + 2) / 3)
    assert found["days_between_median"] == pytest.approx((2885 - 3) / 1440)
    assert found["orders_per_buyer"] == [1, 1, 0, 0, 0]


def test_a_log_without_sales_has_no_orders():
    found = measure(EVENTS, SESSION, "rating")
    assert found["orders"] == 0
    assert found["items_per_order"] is None
    assert found["repeat_buyers"]["rate"] is None
