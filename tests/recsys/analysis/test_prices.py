"""Price against conversion."""

import numpy as np
import pandas as pd
import pytest

from recsys.analysis import prices

CATALOG = pd.DataFrame({
    "item_id": list("abcdefg"), "category": ["Hats"] * 5 + ["Shoes", ""],
    "price": [10.0, 20.0, 30.0, 40.0, 60.0, 5.0, 5.0],
})  # fmt: skip


def pairs(**bought):
    """Four pairs of each item, so many of them bought."""
    return pd.DataFrame([
        {"user_id": f"u{n}", "item_id": item, "viewed": True, "carted": n < count,
         "bought": n < count}
        for item, count in bought.items() for n in range(4)
    ])  # fmt: skip


def test_a_price_is_compared_with_its_categorys_median():
    found = prices.relative_prices(CATALOG)
    assert found[["a", "c", "e"]].tolist() == pytest.approx([1 / 3, 1, 2])
    assert np.isnan(found["f"])  # one pair of shoes says nothing of what shoes cost
    assert np.isnan(found["g"])  # no category


def test_conversion_by_relative_price():
    found = prices.measure(pairs(a=4, c=2, e=1, f=4), CATALOG, least=4)
    rates = {band["name"]: band["conversion"]["rate"] for band in found["bands"]}
    assert rates["under 50%"] == 1.0
    assert rates["90% – 110%"] == 0.5
    assert rates["150% and more"] == 0.25
    assert rates["50% – 75%"] is None
    assert (found["items"], found["rank_correlation"]) == (3, pytest.approx(-1.0))


def test_items_with_few_pairs_are_not_correlated():
    found = prices.measure(pairs(a=4, c=2, e=1), CATALOG, least=5)
    assert (found["items"], found["rank_correlation"]) == (0, None)


def test_ties_take_their_mean_rank():
    one, other = pd.Series([1, 2, 2, 3]), pd.Series([1, 2, 3, 4])
    # ranks 1, 2.5, 2.5, 4 against 1 to 4: 4.5 / sqrt(4.5 x 5)
    assert prices.rank_correlation(one, other) == pytest.approx(4.5 / np.sqrt(22.5))
    assert prices.rank_correlation(pd.Series([1, 1, 1]), pd.Series([1, 2, 3])) is None
