"""Audiences of two tastes."""

import numpy as np
import pandas as pd
import pytest

from recsys.analysis import audiences
from recsys.analysis.funnel import pairs_of
from recsys.analysis.taste import ItemVectors, by_category, tastes_of

CATALOG = pd.DataFrame({
    "item_id": ["h1", "h2", "h3", "s1", "s2", "s3"], "category": ["Hats"] * 3 + ["Shoes"] * 3,
    "price": [10.0, 20.0, 30.0, 100.0, 200.0, 300.0],
})  # fmt: skip


def log():
    """Six look at every hat and buy h1, three look at every pair of shoes, all look at h3."""
    rows = [(f"h{n}", item, "view") for n in range(6) for item in ("h1", "h2", "h3")]
    rows += [(f"h{n}", "h1", "purchase") for n in range(6)]
    rows += [(f"s{n}", item, "view") for n in range(3) for item in ("s1", "s2", "s3", "h3")]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event"])


def measured(**settings):
    items = ItemVectors("category", by_category(CATALOG))
    tastes = tastes_of(log(), CATALOG, items, {})
    return audiences.measure(log(), CATALOG, pairs_of(log()), items, tastes, **settings)


def test_two_tastes_are_two_audiences():
    found = measured(num_audiences=2)
    hats, shoes = found["audiences"]
    assert (hats["shoppers"], shoes["shoppers"], found["shoppers"]) == (6, 3, 9)
    assert hats["categories"][0] == {"name": "Hats", "share": 1.0,
                                     "overall": pytest.approx(21 / 30)}  # fmt: skip
    assert (hats["price_median"], shoes["price_median"]) == (20.0, 150.0)
    assert (hats["funnel"]["bought"], shoes["funnel"]["bought"]) == (6, 0)


def test_typical_is_what_others_touch_less():
    hats, shoes = measured(num_audiences=2)["audiences"]
    # h1: 6 of 6 against 6 of 9, shrunk (6 + 2/3) / 7 / (2/3) = 1.43; h3: all touch it
    assert [item["item_id"] for item in hats["items"]] == ["h1", "h2", "h3"]
    assert hats["items"][0]["lift"] == pytest.approx((6 + 2 / 3) / 7 / (2 / 3))
    assert hats["items"][2]["lift"] == pytest.approx(1.0)
    assert [item["item_id"] for item in shoes["items"]] == ["s1", "s2", "s3", "h3"]


def test_too_few_shoppers_are_no_audience():
    items = ItemVectors("category", by_category(CATALOG))
    few = log()[lambda frame: frame["user_id"] == "h0"]
    found = audiences.measure(
        few, CATALOG, pairs_of(few), items, tastes_of(few, CATALOG, items, {})
    )
    assert found["audiences"] == []


def test_the_number_is_chosen_where_none_is_set():
    found = measured()
    assert found["chosen"]
    assert sum(each["shoppers"] for each in found["audiences"]) == 9
    assert np.isfinite(found["silhouette"])
