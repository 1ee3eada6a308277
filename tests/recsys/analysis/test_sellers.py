"""What sells in the hand-computed shop."""

import pytest

from recsys.analysis import sellers
from tests.recsys.analysis.hand_shop import hand_catalog, hand_events

EVENTS, CATALOG = hand_events(), hand_catalog()
TABLE = sellers.windows(EVENTS, CATALOG, "purchase", days=1)
END = 2885 * 60.0


def test_windows_reach_back_from_the_last_event():
    # the last day begins after minute 1445: a's second visit; d bought in the day before
    assert TABLE.loc["lamp", ["recent", "before", "views"]].tolist() == [1, 1, 1]
    assert TABLE.loc["chair", ["recent", "before", "views"]].tolist() == [0, 1, 0]
    assert TABLE.loc["sock", ["recent", "before", "views"]].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("recent", "before", "way"),
    [(6, 0, "rising"), (5, 0, "steady"), (0, 6, "falling"), (0, 0, "steady"), (60, 50, "steady")],
)
def test_a_trend_is_more_than_chance(recent, before, way):
    # six of six by chance: 2 / 2^6 = 0.031; five of five: 0.0625
    assert sellers.trend(recent, before) == way


def test_hot_sellers_have_recent_sales():
    found = sellers.hot(TABLE, days=1)
    assert [(row["item_id"], row["recent"], row["change"]) for row in found] == [("lamp", 1, 0.0)]
    assert found[0]["hint"] == "about 7 a week"


def test_a_withdrawn_hot_seller_is_asked_back():
    table = TABLE.assign(available=False)
    assert sellers.hot(table, days=1)[0]["hint"] == "sold out while in demand: bring it back"


def test_slow_sellers_are_available_and_of_some_age():
    found = sellers.slow(TABLE, END, days=1)
    # the boot is withdrawn, the hat is new; the lamp has a view for a sale, the others nothing
    assert [row["item_id"] for row in found] == ["lamp", "chair", "sock"]
    assert found[1]["hint"] == "neither seen nor sold: show it or clear it"
    assert sellers.unseen(TABLE, END, days=1) == 2


def test_weeks_end_at_the_last_event():
    assert sellers.per_week(EVENTS, "lamp", "purchase", weeks=3) == [0, 0, 3]
