"""Groups of cases by history, item age, category and popularity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.segments import DAY, ItemFacts, item_kinds, popularity_deciles, segments
from recsys.sequences import make_sequences
from recsys.splits import Cases

CATALOG = pd.DataFrame({
    "item_id": list("abc"), "category": ["Home > Lamps", "Home > Chairs", ""],
    "created_at": [0.0, np.nan, np.nan], "attr_genre": ["x|y", "x", ""],
})  # fmt: skip


@pytest.fixture
def cases() -> Cases:
    """Shopper u had a, b, then c after 10 days; v had b, then a on day 8."""
    rows = [("u", "a", 0), ("u", "b", 1), ("u", "c", 10), ("v", "b", 1), ("v", "a", 8)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).assign(event="view")
    frame["timestamp"] = frame["timestamp"] * float(DAY)
    sequences = make_sequences(frame, list("abc"), {"view": 1.0})
    return Cases(sequences, np.array([2, 4]), np.ones(2))


def test_an_item_came_when_it_was_created_or_first_touched(cases):
    facts = ItemFacts.of(CATALOG, cases.sequences, "category")
    assert facts.born.tolist() == [0.0, 1.0 * DAY, 10.0 * DAY]
    assert facts.category == ["Home", "Home", ""]


def test_cases_by_every_dimension(cases):
    facts = ItemFacts.of(CATALOG, cases.sequences, "category")
    found = segments(cases, facts, np.array([5, 3, 0]))
    assert {name: {key: chosen.tolist() for key, chosen in parts.items()}
            for name, parts in found.items()} == {
        "history, events": {"1-4": [True, True]},
        # c is new on the day of its case; a came 8 days before
        "item age, days": {"0-6": [True, False], "7-29": [False, True]},
        "category": {"Home": [False, True]},
        # a and b are touched: a is the first half of the tenths, and c has no event
        "popularity decile": {"1": [False, True], "unseen": [True, False]},
    }  # fmt: skip


def test_deciles_hold_equally_many_touched_items():
    events = np.array([0, *range(1, 21)])
    deciles = popularity_deciles(events)
    assert deciles[0] == 0
    assert deciles[-2:].tolist() == [1, 1] and deciles[1:3].tolist() == [10, 10]
    assert np.bincount(deciles)[1:].tolist() == [2] * 10


def test_several_kinds_share_an_item():
    assert item_kinds(["x|y", "x", ""]).tolist() == [[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]]
