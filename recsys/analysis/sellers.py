"""What sells, what does not, where each is going, and what that says about stock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from recsys import columns
from recsys.analysis.sessions import SECONDS_PER_DAY

CHANCE = 0.05
RISING, FALLING, STEADY = "rising", "falling", "steady"


def definition(sold: str, days: float) -> str:
    """What hot, slow and the trends are, with the window that was set."""
    return (
        f"Sold means events of kind “{sold}”. Recent are the last {days:g} days up to the last "
        f"event of the log (analysis.trend_days), before are the {days:g} days before those. "
        "An item is rising or falling where recent sales and those before differ by more than "
        "chance would have it (exact binomial test of one half, two-sided, 5%), else steady. Hot "
        "sellers have most recent sales. Slow sellers are available, known since before the "
        "recent window, and have fewest recent sales for the attention they get: most other recent "
        "events per sale, one sale added to each. The log holds no stock levels, so a hint says "
        "what to look at, not what to order."
    )


def windows(events: pd.DataFrame, catalog: pd.DataFrame, sold: str, days: float) -> pd.DataFrame:
    """By item id: sales `recent` and `before`, `views` (recent, any kind but sold), `since`.

    `since` is the time from which an item is known: created_at, or its first event where that
    is missing; nan where neither is known.
    """
    end = events[columns.TIMESTAMP].max()
    age = (end - events[columns.TIMESTAMP]) / SECONDS_PER_DAY
    is_sold = events[columns.EVENT] == sold
    recent, before = age < days, (age >= days) & (age < 2 * days)
    item = events[columns.ITEM_ID]
    table = pd.DataFrame(index=pd.Index(catalog[columns.ITEM_ID], name=columns.ITEM_ID))
    for name, chosen in (("recent", is_sold & recent), ("before", is_sold & before),
                         ("views", ~is_sold & recent)):  # fmt: skip
        table[name] = item[chosen].value_counts().reindex(table.index, fill_value=0)
    created = catalog.set_index(columns.ITEM_ID)[columns.CREATED_AT]
    first = events.groupby(columns.ITEM_ID)[columns.TIMESTAMP].min()
    table["since"] = created.fillna(first.reindex(table.index))
    table["available"] = catalog.set_index(columns.ITEM_ID)[columns.AVAILABLE]
    return table


def per_week(events: pd.DataFrame, item_id: str, sold: str, weeks: int = 8) -> list[int]:
    """An item's sales in each of the last weeks up to the log's end, oldest first."""
    own = events[(events[columns.ITEM_ID] == item_id) & (events[columns.EVENT] == sold)]
    age = (events[columns.TIMESTAMP].max() - own[columns.TIMESTAMP]) / (7 * SECONDS_PER_DAY)
    counts = np.bincount(age[age < weeks].astype(int), minlength=weeks)
    return [int(n) for n in counts[::-1]]


def trend(recent: int, before: int) -> str:
    """Whether sales rise or fall: of n sales, half would be recent if nothing changed.

    Five against none are still chance: 2 / 2^5 = 0.0625.
    """
    count = recent + before
    if not count or binomtest(recent, count, 0.5).pvalue >= CHANCE:
        return STEADY
    return RISING if recent > before else FALLING


def hot(table: pd.DataFrame, days: float, most: int = 15) -> list[dict[str, Any]]:
    """The items with most recent sales, with their trend and what it says about stock."""
    chosen = table[table["recent"] > 0].sort_values(
        ["recent", "before"], ascending=False, kind="stable"
    )
    return [_seller(str(item_id), row, _hot_hint(row, days))
            for item_id, row in chosen.head(most).iterrows()]  # fmt: skip


def slow(table: pd.DataFrame, end: float, days: float, most: int = 15) -> list[dict[str, Any]]:
    """Available items of some age that sell least for the attention they get.

    Args:
        table: of `windows`.
        end: the time of the last event.
        days: the length of a window.
    """
    old = ~(table["since"] > end - days * SECONDS_PER_DAY)  # nan counts as old
    chosen = table[table["available"] & old]
    idle = chosen["views"] / (chosen["recent"] + 1)
    order = pd.DataFrame({"idle": -idle, "recent": chosen["recent"]}).sort_values(
        ["idle", "recent"], kind="stable"
    )
    return [_seller(str(item_id), table.loc[item_id], _slow_hint(table.loc[item_id]))
            for item_id in order.index[:most]]  # fmt: skip


def unseen(table: pd.DataFrame, end: float, days: float) -> int:
    """How many available items of some age had neither a view nor a sale recently."""
    old = ~(table["since"] > end - days * SECONDS_PER_DAY)
    return int((table["available"] & old & (table["views"] == 0) & (table["recent"] == 0)).sum())


def _seller(item_id: str, row: pd.Series, hint: str) -> dict[str, Any]:
    recent, before = int(row["recent"]), int(row["before"])
    return {
        "item_id": item_id, "recent": recent, "before": before, "views": int(row["views"]),
        "available": bool(row["available"]), "trend": trend(recent, before),
        "change": recent / before - 1 if before else None, "hint": hint,
    }  # fmt: skip


def _hot_hint(row: pd.Series, days: float) -> str:
    pace = row["recent"] / days * 7
    if not row["available"]:
        return "sold out while in demand: bring it back"
    way = trend(int(row["recent"]), int(row["before"]))
    if way == RISING:
        return f"stock for more than {int(np.ceil(pace))} a week: demand rises"
    if way == FALLING:
        return f"past its peak: no more than {int(np.ceil(pace))} a week"
    return f"about {max(1, round(pace))} a week"


def _slow_hint(row: pd.Series) -> str:
    if row["recent"] == 0 and row["views"] == 0:
        return "neither seen nor sold: show it or clear it"
    if row["recent"] == 0:
        return "seen, not sold: look at price and photo, order no more"
    return "seen much, sold little: look at price and photo"
