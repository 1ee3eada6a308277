"""Looks through a shop's events: one report of figures, each with its definition."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recsys import columns
from recsys.analysis import audiences, funnel, prices, repeats, sellers, sessions, together
from recsys.analysis.activity import over_time
from recsys.analysis.taste import ItemVectors, tastes_of
from recsys.config import AnalysisConfig
from recsys.errors import DataError

SOLD = (funnel.PURCHASE, funnel.CART, "like", "rating", funnel.VIEW)


def analyze(
    events: pd.DataFrame, catalog: pd.DataFrame, items: ItemVectors, config: AnalysisConfig,
    weights: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    """Everything that the page shows, as JSON can hold it.

    Args:
        events: prepared interactions, in order of time.
        catalog: the prepared catalog.
        items: what tastes are made of.
        weights: of event kinds, for tastes.

    Raises:
        DataError: there are no events.
    """
    if not len(events):
        raise DataError("there are no events to analyze.", where="data.events",
                        mend="Give the catalog an event log.")  # fmt: skip
    sold = sold_kind(events)
    session = sessions.number_sessions(events, config.session_gap_minutes)
    pairs = funnel.pairs_of(events)
    report: dict[str, Any] = {
        "catalog": {"items": len(catalog), "events": len(events), "sold": sold,
                    "shoppers": int(events[columns.USER_ID].nunique())},
        "activity": over_time(events),
        "funnel": _funnel(pairs, catalog, config),
        "sessions": {"definition": sessions.definition(config.session_gap_minutes),
                     **sessions.measure(events, session)},
        "repeats": {"definition": repeats.DEFINITION, "sold": sold,
                    **repeats.measure(events, session, sold)},
        "sellers": _sellers(events, catalog, sold, config.trend_days),
        "prices": {"definition": prices.definition(config.min_viewed),
                   **prices.measure(pairs, catalog, config.min_viewed)},
        "audiences": _audiences(events, catalog, pairs, items, config, weights),
        "together": _together(events, session, sold, config.min_support),
    }  # fmt: skip
    return {**report, "items": _named(catalog, _mentioned(report))}


def sold_kind(events: pd.DataFrame) -> str:
    """What counts as sold: the most committed kind of event that the log has."""
    kinds = events[columns.EVENT].value_counts()
    return str(next((kind for kind in SOLD if kind in kinds), kinds.index[0]))


def _mentioned(report: dict[str, Any]) -> set[str]:
    """The items that a report names by their ids."""
    return {
        *(row["item_id"] for name in ("hot", "slow") for row in report["sellers"][name]),
        *(item["item_id"] for each in report["audiences"]["audiences"] for item in each["items"]),
        *(pair[name] for pair in report["together"]["pairs"] for name in ("one", "other")),
    }


def _funnel(pairs: pd.DataFrame, catalog: pd.DataFrame, config: AnalysisConfig) -> dict[str, Any]:
    return {
        "definition": funnel.DEFINITION, "bands_definition": funnel.BANDS_DEFINITION,
        "all": funnel.measure(pairs),
        "by_category": funnel.by_category(pairs, catalog),
        "by_price": funnel.by_price(pairs, catalog, config.price_bands),
    }  # fmt: skip


def _sellers(events: pd.DataFrame, catalog: pd.DataFrame, sold: str, days: float) -> dict[str, Any]:
    table = sellers.windows(events, catalog, sold, days)
    end = float(events[columns.TIMESTAMP].max())
    shown = {"hot": sellers.hot(table, days), "slow": sellers.slow(table, end, days)}
    for row in (row for rows in shown.values() for row in rows):
        row["weeks"] = sellers.per_week(events, row["item_id"], sold)
    return {
        "definition": sellers.definition(sold, days), "sold": sold, "days": days, **shown,
        "recent": int(table["recent"].sum()), "before": int(table["before"].sum()),
        "unseen": sellers.unseen(table, end, days),
    }  # fmt: skip


def _audiences(
    events: pd.DataFrame, catalog: pd.DataFrame, pairs: pd.DataFrame, items: ItemVectors,
    config: AnalysisConfig, weights: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    tastes = tastes_of(events, catalog, items, weights, config.min_taste_items)
    found = audiences.measure(events, catalog, pairs, items, tastes,
                              num_audiences=config.num_audiences, seed=config.seed)  # fmt: skip
    words = audiences.definition(items.source, config.min_taste_items, found["chosen"])
    return {"definition": words, **found}


def _together(events: pd.DataFrame, session: pd.Series, sold: str, support: int) -> dict[str, Any]:
    found = together.measure(events, session, sold, support)
    return {"definition": together.definition(found["basket"], sold, support), "sold": sold,
            **found}  # fmt: skip


def _named(catalog: pd.DataFrame, item_ids: set[str]) -> dict[str, dict[str, str]]:
    own = catalog[catalog[columns.ITEM_ID].isin(item_ids)].set_index(columns.ITEM_ID).sort_index()
    photo = own[columns.IMAGE].str.split(columns.IMAGE_SEPARATOR, regex=False).str[0]
    texts = own[[columns.TITLE, columns.CATEGORY]].assign(**{columns.IMAGE: photo})
    return {str(name): {str(key): str(text) for key, text in row.items()}
            for name, row in texts.to_dict("index").items()}  # fmt: skip
