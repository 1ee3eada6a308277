"""The funnel of the hand-computed shop."""

import pandas as pd
import pytest

from recsys.analysis import funnel
from tests.recsys.analysis.hand_shop import hand_catalog, hand_events

PAIRS = funnel.pairs_of(hand_events())


def counts(measured):
    return measured["viewed"], measured["carted"], measured["bought"]


def test_a_later_step_counts_as_every_step_before_it():
    # lamp and chair of a and of d are bought, boot of b is carted; lamp of b and boot of c viewed
    found = funnel.measure(PAIRS)
    assert counts(found) == (7, 5, 4)
    assert found["shoppers"] == 4
    assert found["view_to_cart"]["rate"] == pytest.approx(5 / 7)
    assert found["cart_to_purchase"]["rate"] == pytest.approx(4 / 5)
    assert found["view_to_purchase"]["rate"] == pytest.approx(4 / 7)


def test_by_category_the_most_viewed_comes_first():
    rows = funnel.by_category(PAIRS, hand_catalog())
    assert [(row["name"], *counts(row)) for row in rows] == [("Home", 5, 4, 4), ("Shoes", 2, 1, 0)]


def test_small_categories_share_a_row():
    rows = funnel.by_category(PAIRS, hand_catalog(), most=1)
    assert [(row["name"], *counts(row)) for row in rows] == [(funnel.OTHER, 7, 5, 4)]


def test_price_bands_hold_equally_many_items():
    rows = funnel.by_price(PAIRS, hand_catalog(), num_bands=2)
    assert [(row["low"], row["high"], row["items"], *counts(row)) for row in rows] == [
        (10, 20, 2, 5, 4, 4), (30, 40, 2, 2, 1, 0),
    ]  # fmt: skip


def test_items_of_one_price_are_one_band():
    catalog = hand_catalog().assign(price=5.0)
    assert [row["items"] for row in funnel.by_price(PAIRS, catalog, 5)] == [5]


def test_without_prices_there_are_no_bands():
    catalog = hand_catalog().assign(price=float("nan"))
    assert funnel.by_price(PAIRS, catalog, 5) == []


def test_other_kinds_of_event_are_no_step():
    events = hand_events().assign(event="like")
    assert counts(funnel.measure(funnel.pairs_of(events))) == (0, 0, 0)
    assert isinstance(funnel.pairs_of(events), pd.DataFrame)
