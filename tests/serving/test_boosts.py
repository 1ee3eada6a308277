"""Boosts are in cosine, whatever the length of the query."""

from __future__ import annotations

import numpy as np
import pytest

from serving.boosts import Boost, boosted
from serving.filters import parse_filter
from serving.items import Items
from tests.serving.api.circle import circle_items

ITEMS = Items(circle_items(4), {})
RED = parse_filter({"attr_color": "red"}, ITEMS)  # items 1 and 3


def test_a_boost_adds_its_share_of_the_querys_length():
    scores, rows = np.array([5.0, 4.0, 3.0], np.float32), np.array([0, 1, 3])
    found = boosted(scores, rows, (Boost(RED, 0.5),), ITEMS, np.array([0, 4.0]))
    assert found.tolist() == [5.0, 4.0 + 0.5 * 4, 3.0 + 0.5 * 4]
    assert scores.tolist() == [5.0, 4.0, 3.0]


def test_boosts_add_up_and_may_lower():
    boosts = (Boost(RED, 0.5), Boost(parse_filter({"item_id": "1"}, ITEMS), -0.75))
    found = boosted(np.zeros(2, np.float32), np.array([1, 3]), boosts, ITEMS, None)
    assert found == pytest.approx([-0.25, 0.5])
