"""Who comes back, and what is bought again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.analysis.sessions import SECONDS_PER_DAY
from recsys.rates import rate

DEFINITION = (
    "An order is all that one shopper buys in one session. Returning shoppers are those with two "
    "or more sessions, among all shoppers; repeat buyers those with two or more orders, among all "
    "who bought. Bought again are pairs of a shopper and an item in two or more orders, among all "
    "pairs that were bought. Days between orders are measured between the first purchases of one "
    "buyer's consecutive orders. Intervals are Wilson's, 95%."
)


def measure(events: pd.DataFrame, session: pd.Series, sold: str) -> dict[str, Any]:
    """Repeat figures.

    Args:
        events: interactions.
        session: the session of each.
        sold: the kind of event that counts as bought.
    """
    visits = session.groupby(events[columns.USER_ID]).nunique()
    bought = events[events[columns.EVENT] == sold]
    # an empty frame would grow to the length of a series that is assigned whole
    bought = bought.assign(order=session.loc[bought.index])
    orders = bought.groupby(columns.USER_ID)["order"].nunique()
    pairs = bought.groupby([columns.USER_ID, columns.ITEM_ID])["order"].nunique()
    days = _days_between(bought)
    return {
        "returning": rate(int((visits >= 2).sum()), len(visits)),
        "repeat_buyers": rate(int((orders >= 2).sum()), len(orders)),
        "bought_again": rate(int((pairs >= 2).sum()), len(pairs)),
        "orders": int(orders.sum()),
        "items_per_order": float(
            bought.groupby("order")[columns.ITEM_ID].nunique().mean()
        ) if len(bought) else None,
        "days_between_median": float(np.median(days)) if len(days) else None,
        "orders_per_buyer": [int((orders == n).sum()) for n in (1, 2, 3, 4)]
        + [int((orders >= 5).sum())],
    }  # fmt: skip


def _days_between(bought: pd.DataFrame) -> np.ndarray:
    """Days from each order to the same buyer's next one."""
    first = bought.groupby([columns.USER_ID, "order"], sort=True)[columns.TIMESTAMP].min()
    begins = first.reset_index().sort_values([columns.USER_ID, columns.TIMESTAMP])
    gaps = begins.groupby(columns.USER_ID)[columns.TIMESTAMP].diff().dropna()
    return gaps.to_numpy(dtype=np.float64) / SECONDS_PER_DAY
