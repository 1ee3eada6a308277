"""Audiences: shoppers of one taste, and what is typical of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.analysis import funnel
from recsys.analysis.clusters import choose_k, spherical_kmeans
from recsys.analysis.taste import ItemVectors, Tastes

CHOICES = range(3, 9)  # numbers of audiences that are tried where none is set
LEAST_SHOPPERS = 3  # of an audience, for an item to be typical of it
SOURCES = {
    "photo": "of the item's photo", "behavior": "of the recommender's candidate tower",
    "category": "of its category",
}  # fmt: skip
DEFINITION = (
    "A shopper's taste is the mean of the vectors {source}, over the distinct items touched, "
    "weighted by the heaviest kind of event (model.event_weights), after the mean of all items is "
    "taken off; shoppers with fewer than {least} such items are left out. Audiences are groups of "
    "tastes by spherical k-means; their number {number}. Typical products are those that most "
    "exceed their share among everybody: share of the audience's shoppers who touched the item "
    "over the share of all grouped shoppers, the former shrunk by one shopper of the average; at "
    "least {shoppers} shoppers of the audience. The silhouette (–1 to 1) says how well the groups "
    "stand apart: under 0.1 they blend into each other. View → purchase is the funnel's."
)


def definition(source: str, least: int, chosen: bool) -> str:
    """What audiences are, for what the tastes were made of."""
    number = "is the one of 3 to 8 with the widest silhouette" if chosen else \
        "was set (analysis.num_audiences)"  # fmt: skip
    return DEFINITION.format(source=SOURCES[source], least=least, number=number,
                             shoppers=LEAST_SHOPPERS)  # fmt: skip


def measure(
    events: pd.DataFrame, catalog: pd.DataFrame, pairs: pd.DataFrame, items: ItemVectors,
    tastes: Tastes, *, num_audiences: int = 0, num_items: int = 6, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Audiences, the largest first.

    Args:
        pairs: of the funnel.
        num_audiences: 0 chooses by silhouette.
        num_items: typical products of each.

    Returns:
        `source`, `shoppers`, `silhouette`, `chosen`, `audiences`: each with `shoppers`,
        `share`, `items` (item_id, share, overall, lift), `categories`, `price_median`, `funnel`.
    """
    rng = np.random.default_rng(seed)
    count = len(tastes.user_ids)
    summary = {"source": items.source, "shoppers": count, "chosen": num_audiences == 0}
    if count < 2 * CHOICES.start:
        return {**summary, "silhouette": None, "audiences": []}
    if num_audiences:
        group, _ = spherical_kmeans(tastes.vectors, min(num_audiences, count), rng)
        width = None
    else:
        group, _, width = choose_k(tastes.vectors, CHOICES, rng)
    group_of = pd.Series(group, index=tastes.user_ids)
    touched = events.drop_duplicates([columns.USER_ID, columns.ITEM_ID])
    touched = touched.assign(group=touched[columns.USER_ID].map(group_of)).dropna(subset="group")
    described = catalog.set_index(columns.ITEM_ID)
    own_pairs = pairs[columns.USER_ID].map(group_of)
    return {**summary, "silhouette": width, "audiences": [
        {
            "shoppers": int(size), "share": size / count,
            "items": typical(touched, number, size, count, num_items),
            "categories": _categories(touched, number, described[columns.CATEGORY]),
            "price_median": _median(touched, number, described[columns.PRICE]),
            "funnel": funnel.measure(pairs[own_pairs == number]),
        }
        for number, size in enumerate(np.bincount(group)) if size
    ]}  # fmt: skip


def typical(
    touched: pd.DataFrame, number: int, size: int, count: int, most: int
) -> list[dict[str, Any]]:
    """The items that an audience touches most beyond everybody's share.

    Args:
        touched: distinct pairs of shopper and item with the shopper's `group`.
        size: shoppers in the audience.
        count: shoppers in all.
    """
    everybody = touched[columns.ITEM_ID].value_counts()
    inside = touched.loc[touched["group"] == number, columns.ITEM_ID].value_counts()
    inside = inside[inside >= LEAST_SHOPPERS]
    overall = everybody.reindex(inside.index) / count
    lift = (inside + overall) / (size + 1) / overall
    order = (
        pd.DataFrame({"lift": -lift, "n": -inside})
        .sort_index()
        .sort_values(["lift", "n"], kind="stable")
    )
    return [
        {"item_id": str(item_id), "share": float(inside[item_id] / size),
         "overall": float(overall[item_id]), "lift": float(lift[item_id])}
        for item_id in order.index[:most]
    ]  # fmt: skip


def _categories(
    touched: pd.DataFrame, number: int, category: pd.Series, most: int = 3
) -> list[dict[str, Any]]:
    """The categories that an audience touches most beyond everybody, with both shares."""
    named = touched[columns.ITEM_ID].map(category)
    overall = named[named != ""].value_counts(normalize=True)
    own = named[(touched["group"] == number) & (named != "")].value_counts(normalize=True)
    gain = (
        (own - overall.reindex(own.index)).sort_index().sort_values(ascending=False, kind="stable")
    )
    return [{"name": str(name), "share": float(own[name]), "overall": float(overall[name])}
            for name in gain.index[:most] if gain[name] > 0]  # fmt: skip


def _median(touched: pd.DataFrame, number: int, price: pd.Series) -> float | None:
    own = touched.loc[touched["group"] == number, columns.ITEM_ID].map(price).dropna()
    return float(own.median()) if len(own) else None
