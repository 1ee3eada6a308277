"""Sessions: what one shopper does without a long break."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.analysis.funnel import CART, PURCHASE
from recsys.rates import rate

SECONDS_PER_DAY = 86_400.0
SIZES = ((1, "1"), (2, "2"), (3, "3–4"), (5, "5–9"), (10, "10–19"), (20, "20+"))


def definition(gap_minutes: float) -> str:
    """What a session is, with the gap that was set."""
    return (
        f"A session is a run of one shopper's events without a gap of more than {gap_minutes:g} "
        "minutes (analysis.session_gap_minutes). Its length is the time from its first to its "
        "last event. Sessions with a cart or a purchase are those that hold such an event; a "
        "session of one event is called single. Intervals are Wilson's, 95%."
    )


def number_sessions(events: pd.DataFrame, gap_minutes: float) -> pd.Series:
    """The session of each event: int64 numbers from 0, by shopper and then by time.

    Args:
        events: interactions in order of time, ties in the order of the log.
    """
    order = events.sort_values([columns.USER_ID, columns.TIMESTAMP], kind="stable")
    gap = order[columns.TIMESTAMP].diff() > gap_minutes * 60
    other = order[columns.USER_ID] != order[columns.USER_ID].shift()
    numbers = (gap | other).cumsum() - 1
    return numbers.reindex(events.index).astype(np.int64)


def measure(events: pd.DataFrame, session: pd.Series) -> dict[str, Any]:
    """Figures of all sessions.

    Returns:
        Counts, quantiles of events and minutes, shares with a cart and a purchase, the number
        of sessions by how many events they hold, and by hour of their first event (UTC).
    """
    if not len(events):
        return {"sessions": 0}
    sessions = _table(events, session)
    count = len(sessions)
    minutes = (sessions["last"] - sessions["first"]) / 60
    starts = ((sessions["first"] // 3600) % 24).astype(int)
    return {
        "sessions": count,
        "shoppers": int(events[columns.USER_ID].nunique()),
        "per_shopper": count / events[columns.USER_ID].nunique(),
        "events_median": float(sessions["events"].median()),
        "events_mean": float(sessions["events"].mean()),
        "minutes_median": float(minutes.median()),
        "minutes_90": float(minutes.quantile(0.9)),
        "with_cart": rate(int(sessions[CART].sum()), count),
        "with_purchase": rate(int(sessions[PURCHASE].sum()), count),
        "single": rate(int((sessions["events"] == 1).sum()), count),
        "by_size": _by_size(sessions["events"]),
        "by_hour": [int(n) for n in np.bincount(starts, minlength=24)],
    }


def _table(events: pd.DataFrame, session: pd.Series) -> pd.DataFrame:
    grouped = events.assign(
        session=session, **{kind: events[columns.EVENT] == kind for kind in (CART, PURCHASE)}
    ).groupby("session")
    return grouped.agg(
        first=(columns.TIMESTAMP, "min"), last=(columns.TIMESTAMP, "max"),
        events=(columns.EVENT, "size"), **{k: (k, "any") for k in (CART, PURCHASE)},
    )  # fmt: skip


def _by_size(sizes: pd.Series) -> list[dict[str, Any]]:
    edges = [*(least for least, _ in SIZES), np.inf]
    counts = np.histogram(sizes, edges)[0]
    return [{"events": name, "sessions": int(n)}
            for (_, name), n in zip(SIZES, counts, strict=True)]  # fmt: skip
