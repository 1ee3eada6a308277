"""The whole report of the hand-computed shop."""

import json

import pytest

from recsys.analysis.analysis import analyze, sold_kind
from recsys.analysis.taste import ItemVectors, by_category
from recsys.config import AnalysisConfig
from recsys.errors import DataError
from tests.recsys.analysis.hand_shop import hand_catalog, hand_events

SECTIONS = ("activity", "funnel", "sessions", "repeats", "sellers", "prices", "audiences",
            "together")  # fmt: skip


def analyzed(events, **settings):
    items = ItemVectors("category", by_category(hand_catalog()))
    return analyze(events, hand_catalog(), items, AnalysisConfig(**settings), {})


def test_every_section_says_what_its_figures_are():
    report = analyzed(hand_events())
    assert all(len(report[name]["definition"]) > 40 for name in SECTIONS)


def test_figures_are_those_of_the_parts_and_settings_reach_them():
    report = analyzed(hand_events(), min_support=2, trend_days=1, price_bands=2)
    assert report["catalog"] == {"items": 5, "events": 13, "sold": "purchase", "shoppers": 4}
    assert report["funnel"]["all"]["bought"] == 4
    assert len(report["funnel"]["by_price"]) == 2
    assert report["sellers"]["recent"] == 1
    assert report["together"]["pairs"][0]["support"] == 2
    assert analyzed(hand_events(), session_gap_minutes=31)["sessions"]["sessions"] == 5


def test_json_can_hold_it_and_only_shown_items_are_named():
    report = analyzed(hand_events())
    json.dumps(report, allow_nan=False)
    # boot is withdrawn, hat is new, so neither is among the sellers
    assert set(report["items"]) == {"lamp", "chair", "sock"}
    assert report["items"]["lamp"]["title"] == "Lamp"


def test_what_is_sold_is_the_most_committed_kind_there_is():
    assert sold_kind(hand_events()) == "purchase"
    assert sold_kind(hand_events().assign(event="rating")) == "rating"
    assert sold_kind(hand_events().assign(event="wave")) == "wave"


def test_no_events_are_refused():
    with pytest.raises(DataError, match="no events"):
        analyzed(hand_events().iloc[:0])
