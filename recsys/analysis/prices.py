"""Price against conversion: dearer things, and things dear for what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.rates import rate

EDGES = (0.5, 0.75, 0.9, 1.1, 1.25, 1.5)  # of an item's price over its category's median
DEFINITION = (
    "Conversion is bought / viewed pairs, as in the funnel. An item's relative price is its price "
    "divided by the median price of its category, so that dear shoes are not compared with cheap "
    "socks; categories of fewer than 5 priced items are left out. The rank correlation "
    "(Spearman's) is taken over items with at least {least} viewed pairs, between relative price "
    "and conversion: below 0 the dearer of a kind convert less."
)
LEAST_ITEMS = 5  # in a category, for its median to say something


def definition(least: int) -> str:
    """What the figures are, with the least number of pairs that was set."""
    return DEFINITION.format(least=least)


def relative_prices(catalog: pd.DataFrame) -> pd.Series:
    """Price over the category's median price by item id; nan where it is not defined."""
    priced = catalog.set_index(columns.ITEM_ID)
    price = priced[columns.PRICE].where(priced[columns.CATEGORY] != "")
    grouped = price.groupby(priced[columns.CATEGORY])
    median, count = grouped.transform("median"), grouped.transform("count")
    return (price / median.where((median > 0) & (count >= LEAST_ITEMS))).rename("relative")


def measure(pairs: pd.DataFrame, catalog: pd.DataFrame, least: int) -> dict[str, Any]:
    """Conversion by relative price, and the rank correlation of the two over items.

    Args:
        pairs: of the funnel.
        catalog: all items.
        least: viewed pairs that an item must have for the correlation.
    """
    relative = relative_prices(catalog)
    own = pairs[columns.ITEM_ID].map(relative)
    bands = []
    for low, high in zip((0.0, *EDGES), (*EDGES, np.inf), strict=True):
        inside = pairs[(own >= low) & (own < high)]
        bands.append({"low": low, "high": high if np.isfinite(high) else None,
                      "name": _name(low, high),
                      "conversion": rate(int(inside["bought"].sum()), len(inside))})  # fmt: skip
    items = pd.DataFrame(pairs.groupby(columns.ITEM_ID)["bought"].agg(["size", "mean"]))
    items = items[items["size"] >= least].join(relative).dropna()
    return {"bands": bands, "items": len(items), "least": least,
            "rank_correlation": rank_correlation(items["relative"], items["mean"])}  # fmt: skip


def rank_correlation(one: pd.Series, other: pd.Series) -> float | None:
    """Spearman's rho, ties at their mean rank; None where one of them does not vary."""
    if len(one) < 3 or one.nunique() < 2 or other.nunique() < 2:
        return None
    return float(np.corrcoef(one.rank(), other.rank())[0, 1])


def _name(low: float, high: float) -> str:
    if low == 0:
        return f"under {high:.0%}"
    return f"{low:.0%} – {high:.0%}" if np.isfinite(high) else f"{low:.0%} and more"
