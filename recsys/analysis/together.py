"""What is bought together, and how much more often than chance would have it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from recsys import columns
from recsys.rates import Z

LARGEST_BASKET = 200  # larger ones are resellers and crawlers, and cost the square of their size
ORDER, SHOPPER = "order", "shopper"


def definition(basket: str, sold: str, support: int) -> str:
    """What a basket, support and lift are."""
    what = (
        f"all that one shopper has events of kind “{sold}” for in one session"
        if basket == ORDER
        else f"all that one shopper has events of kind “{sold}” for, ever: sessions alone hold too "
        "few pairs"
    )
    return (
        f"A basket is {what}; those of more than {LARGEST_BASKET} items are left out. The support "
        f"of a pair is the number of baskets that hold both, at least {support} "
        "(analysis.min_support). Its lift is that number over the one expected if the two were "
        "bought independently: support × baskets / (baskets with one × baskets with the other). "
        "Pairs are ordered by the lower end of the lift's 95% interval, which takes the support "
        "for a Poisson count. Confidence is the share of the first item's baskets that hold the "
        "second."
    )


def measure(
    events: pd.DataFrame, session: pd.Series, sold: str, support: int, most: int = 15
) -> dict[str, Any]:
    """Pairs of items with most lift, from orders; from all that a shopper bought if none are.

    Returns:
        `basket` (order or shopper), `baskets`, `baskets_with_pairs`, `left_out`, `pairs`.
    """
    chosen = events[events[columns.EVENT] == sold]
    found = _pairs(chosen, session.loc[chosen.index], support, most)
    if found["pairs"]:
        return {"basket": ORDER, **found}
    return {"basket": SHOPPER, **_pairs(chosen, chosen[columns.USER_ID], support, most)}


def _pairs(chosen: pd.DataFrame, basket: pd.Series, support: int, most: int) -> dict[str, Any]:
    lines = pd.DataFrame({"basket": basket, "item": chosen[columns.ITEM_ID]}).drop_duplicates()
    sizes = lines.groupby("basket")["item"].transform("size")
    left_out = lines.loc[sizes > LARGEST_BASKET, "basket"].nunique()
    lines, sizes = lines[sizes <= LARGEST_BASKET], sizes[sizes <= LARGEST_BASKET]
    baskets = lines["basket"].nunique()
    counts = lines["item"].value_counts()
    summary = {"baskets": int(baskets), "left_out": int(left_out),
               "baskets_with_pairs": int(lines.loc[sizes > 1, "basket"].nunique())}  # fmt: skip
    # a pair has at most the support of the rarer item
    often = lines[lines["item"].map(counts) >= support]
    rows, _ = pd.factorize(often["basket"])
    places, names = pd.factorize(often["item"], sort=True)
    if not len(names):
        return {**summary, "pairs": []}
    ones = np.ones(len(rows), np.int32)
    table = sparse.csr_matrix((ones, (rows, places)))
    both = sparse.triu(table.T @ table, k=1).tocoo()
    own = counts.reindex(names).to_numpy(dtype=np.float64)
    enough = both.data >= support
    one, other, n = both.row[enough], both.col[enough], both.data[enough]
    lift = n * baskets / (own[one] * own[other])
    order = np.lexsort((other, one, -lift * np.exp(-Z / np.sqrt(n))))[:most]
    pairs = [
        _pair(str(names[one[i]]), str(names[other[i]]), int(n[i]), int(own[one[i]]),
              int(own[other[i]]), baskets)
        for i in order
    ]  # fmt: skip
    return {**summary, "pairs": pairs}


def _pair(
    one: str, other: str, both: int, of_one: int, of_other: int, baskets: int
) -> dict[str, Any]:  # fmt: skip
    lift = both * baskets / (of_one * of_other)
    margin = math.exp(Z / math.sqrt(both))
    return {
        "one": one, "other": other, "support": both, "baskets_one": of_one,
        "baskets_other": of_other, "lift": lift, "lift_low": lift / margin,
        "lift_high": lift * margin, "confidence": both / of_one,
    }  # fmt: skip
