"""Events over time, by kind."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recsys import columns

MOST_DAYS = 120  # longer logs are counted by week, and by month beyond as many weeks
MOST_KINDS = 6
DEFINITION = (
    "Events of each {unit} (UTC) by kind, the six most frequent kinds; the first and the last "
    "{unit} may be partial."
)


def over_time(events: pd.DataFrame) -> dict[str, Any]:
    """`unit` (day, week or month), `starts` as dates, and one list of counts per kind."""
    moments = pd.to_datetime(events[columns.TIMESTAMP], unit="s", utc=True).dt.tz_localize(None)
    days = (moments.max() - moments.min()).days + 1
    unit, code = ("day", "D") if days <= MOST_DAYS else \
        ("week", "W") if days <= 7 * MOST_DAYS else ("month", "M")  # fmt: skip
    periods = moments.dt.to_period(code)
    table = pd.crosstab(periods, events[columns.EVENT])
    kinds = table.sum().sort_index().sort_values(ascending=False, kind="stable").index[:MOST_KINDS]
    every = pd.period_range(periods.min(), periods.max(), freq=code)
    table = table[kinds].reindex(every, fill_value=0)
    return {
        "definition": DEFINITION.format(unit=unit), "unit": unit,
        "starts": [period.start_time.strftime("%Y-%m-%d") for period in table.index],
        "counts": {str(kind): [int(n) for n in table[kind]] for kind in kinds},
    }  # fmt: skip
