"""Looks through a shop's catalog, events and photos before anything is computed from them."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from recsys import columns
from recsys.catalog import read_catalog
from recsys.config import Config, DataConfig
from recsys.interactions import ReadInteractions, read_interactions
from recsys.prepare import summarize_catalog, summarize_interactions
from recsys.rejected import MENDS, Rejected, exceeded
from recsys.table import Table
from vitrine.check_figures import histogram, period, spread
from vitrine.check_photos import check_photos

NUM_EXAMPLES = 3
EARLY = 631_152_000  # 1990-01-01: before it a time is more likely misread than old
FUNNEL = ("view", "cart", "purchase")


def check(config: Config, out_html: Path | None = None) -> dict[str, Any]:
    """Reads everything as `prepare` and `embed` will, and reports instead of refusing.

    Args:
        out_html: where to write the report as a page with plots; None writes none.

    Returns:
        What JSON can hold: `ok` (would `prepare` accept it), `problems` (what to mend first),
        `catalog`, `events` (None without), `photos` (None without), `rejected` by reason.

    Raises:
        DataError: a table cannot be read at all, or a column is missing.
    """
    start = time.monotonic()
    lenient = config.data.model_copy(update={"max_bad_fraction": 1.0, "max_unknown_items": 1.0})
    catalog, rejected_items, table = read_catalog(lenient)
    found = read_interactions(lenient, catalog[columns.ITEM_ID])
    has_photos = bool((catalog[columns.IMAGE] != "").any())
    photos = (
        check_photos(catalog, config.photos, config.quality, config.sources) if has_photos else None
    )
    report: dict[str, Any] = {
        "catalog": _describe_catalog(catalog, table),
        "events": _describe_events(found, found.table) if found.table else None,
        "photos": photos,
        "rejected": [*_reasons(rejected_items), *_reasons(found.rejected)],
    }
    report["problems"] = _problems(report, config.data)
    report["ok"] = all(problem["level"] != "error" for problem in report["problems"])
    report["seconds"] = round(time.monotonic() - start, 1)
    if out_html is not None:
        from vitrine.check_report import write_html

        write_html(report, out_html)
    return report


def _describe_catalog(catalog: pd.DataFrame, table: Table) -> dict[str, Any]:
    text = [*columns.CATALOG_TEXT, *columns.attribute_columns(list(catalog.columns))]
    filled = {name: float((catalog[name] != "").mean()) for name in text}
    for name in (columns.PRICE, columns.CREATED_AT):
        filled[name] = float(catalog[name].notna().mean())
    categories = catalog[columns.CATEGORY].replace("", "(none)").value_counts()
    return {
        "location": table.location,
        "rows": table.num_rows,
        **summarize_catalog(catalog),
        "available": int(catalog[columns.AVAILABLE].sum()),
        "filled": filled,
        "price": spread(catalog[columns.PRICE]),
        "prices": histogram(catalog[columns.PRICE]),
        "created_at": period(catalog[columns.CREATED_AT]),
        "largest_categories": {str(name): int(n) for name, n in categories.head(20).items()},
    }


def _describe_events(found: ReadInteractions, table: Table) -> dict[str, Any]:
    events = found.frame
    per_user = events.groupby(columns.USER_ID).size()
    per_item = events.groupby(columns.ITEM_ID).size()
    return {
        "location": table.location,
        "rows": table.num_rows,
        **summarize_interactions(found),
        "dropped": asdict(found.dropped),
        "period": period(events[columns.TIMESTAMP]),
        "per_user": spread(per_user),
        "per_item": spread(per_item),
        "events_per_user": histogram(per_user),
        "funnel": _funnel(events),
        "per_day": _per_day(events),
    }


def _funnel(events: pd.DataFrame) -> list[dict[str, Any]]:
    """How many pairs of shopper and item each kind of event has; shares are of the first kind."""
    pairs = events.drop_duplicates([columns.USER_ID, columns.ITEM_ID, columns.EVENT])
    counts = pairs[columns.EVENT].value_counts()
    kinds = [kind for kind in FUNNEL if kind in counts]
    kinds += [str(kind) for kind in counts.index if kind not in FUNNEL]
    return [
        {"event": kind, "pairs": int(counts[kind]),
         "users": int(pairs.loc[pairs[columns.EVENT] == kind, columns.USER_ID].nunique()),
         "share_of_first": float(counts[kind] / counts[kinds[0]])}
        for kind in kinds[:12]
    ]  # fmt: skip


def _per_day(events: pd.DataFrame) -> dict[str, Any]:
    """Events of each day, by kind: `days` and one list of counts per kind."""
    if not len(events):
        return {"days": [], "counts": {}}
    days = pd.to_datetime(events[columns.TIMESTAMP], unit="s", utc=True).dt.floor("D")
    table = pd.crosstab(days, events[columns.EVENT])
    table = table[table.sum().sort_values(ascending=False).index[:6]]
    table = table.reindex(
        pd.date_range(table.index.min(), table.index.max(), freq="D"), fill_value=0
    )
    return {
        "days": [day.strftime("%Y-%m-%d") for day in table.index],
        "counts": {str(kind): [int(n) for n in table[kind]] for kind in table.columns},
    }


def _reasons(rejected: Rejected) -> list[dict[str, Any]]:
    frame = rejected.frame
    return [
        {
            "table": rejected.table, "reason": reason, "count": count, "mend": MENDS[reason],
            "examples": [
                {"row": int(row), "item_id": str(item_id), "detail": str(detail)}
                for row, item_id, detail in frame.loc[
                    frame[columns.REASON] == reason,
                    [columns.ROW, columns.ITEM_ID, columns.DETAIL],
                ].head(NUM_EXAMPLES).itertuples(index=False)
            ],
        }
        for reason, count in rejected.counts.items()
    ]  # fmt: skip


def _problems(report: dict[str, Any], data: DataConfig) -> list[dict[str, str]]:
    """What to mend, errors first: an error makes a step refuse, a warning costs quality."""
    errors, warnings = [], []
    for name in ("catalog", "events"):
        table = report[name]
        counts = {entry["reason"]: entry["count"] for entry in report["rejected"]
                  if entry["table"] == name}  # fmt: skip
        bad = sum(counts.values())
        if table and (setting := exceeded(counts, table["rows"], data)):
            errors.append(
                f"{bad:,} of {table['rows']:,} rows of the {name} are rejected, more than "
                f"data.{setting} = {getattr(data, setting):g} allows."
            )
        elif bad:
            warnings.append(f"{bad:,} of {table['rows']:,} rows of the {name} are rejected.")
    photos, events = report["photos"], report["events"]
    if photos is None:
        warnings.append("No item has a photo: nothing can be said of what products look like.")
    elif bad := photos["photos"] - photos["usable"]:
        text = f"{bad:,} of {photos['photos']:,} photos cannot be used."
        (errors if photos["usable"] == 0 else warnings).append(text)
    if not events or not events["events"]:
        warnings.append("There are no events: only similar items can be served.")
    elif events["last_event"] > time.time() + 86_400:
        warnings.append("Some events lie in the future: check the time zone and the clock.")
    elif events["first_event"] < EARLY:
        warnings.append("Some events lie before 1990: dates such as 20240101 read as seconds.")
    if report["catalog"]["filled"][columns.CATEGORY] < 0.5:
        warnings.append("Most items have no category: the tower learns from them what is alike.")
    return [{"level": "error", "text": text} for text in errors] + [
        {"level": "warning", "text": text} for text in warnings
    ]
