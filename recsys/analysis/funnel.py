"""From view to cart to purchase, for the whole shop and for parts of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recsys import columns
from recsys.rates import rate

VIEW, CART, PURCHASE = "view", "cart", "purchase"
STEPS = (VIEW, CART, PURCHASE)
OTHER = "(all others)"
UNKNOWN = "(unknown)"
DEFINITION = (
    "Counted are pairs of a shopper and an item, however often and whenever they met. A pair is "
    "viewed if it has a view, a cart or a purchase event, carted if it has a cart or a purchase "
    "event, bought if it has a purchase: a later step counts as every step before it. "
    "View → cart is carted / viewed, cart → purchase is bought / carted, view → purchase is "
    "bought / viewed. Intervals are Wilson's, 95%."
)
BANDS_DEFINITION = (
    "Price bands hold equally many priced items of the catalog each; a band's limits are its "
    "cheapest and its dearest item."
)


def pairs_of(events: pd.DataFrame) -> pd.DataFrame:
    """Pairs of shopper and item that took any step of the funnel.

    Returns:
        user_id, item_id, and bool `viewed`, `carted`, `bought`, one row per pair.
    """
    steps = events[events[columns.EVENT].isin(STEPS)]
    far = steps[columns.EVENT].map({name: place for place, name in enumerate(STEPS)}).astype(int)
    furthest = far.groupby([steps[columns.USER_ID], steps[columns.ITEM_ID]]).max()
    pairs = furthest.rename("step").reset_index()
    pairs["viewed"] = True
    pairs["carted"] = pairs["step"] >= 1
    pairs["bought"] = pairs["step"] >= 2
    return pairs.drop(columns="step")


def measure(pairs: pd.DataFrame) -> dict[str, Any]:
    """The funnel of some pairs: how many viewed, carted and bought, and three rates."""
    viewed, carted, bought = (int(pairs[name].sum()) for name in ("viewed", "carted", "bought"))
    return {
        "viewed": viewed, "carted": carted, "bought": bought,
        "shoppers": int(pairs[columns.USER_ID].nunique()),
        "view_to_cart": rate(carted, viewed), "cart_to_purchase": rate(bought, carted),
        "view_to_purchase": rate(bought, viewed),
    }  # fmt: skip


def by_category(pairs: pd.DataFrame, catalog: pd.DataFrame, most: int = 15) -> list[dict[str, Any]]:
    """The funnel of each category, those with most viewed pairs first, the rest in one row."""
    names = catalog.set_index(columns.ITEM_ID)[columns.CATEGORY].replace("", UNKNOWN)
    category = pairs[columns.ITEM_ID].map(names)
    counts = category.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if len(counts) > most:
        category = category.where(category.isin(counts.index[: most - 1]), OTHER)
        shown = [*counts.index[: most - 1], OTHER]
    else:
        shown = list(counts.index)
    return [{"name": str(name), **measure(pairs[category == name])} for name in shown]


def by_price(
    pairs: pd.DataFrame, catalog: pd.DataFrame, num_bands: int = 5
) -> list[dict[str, Any]]:
    """The funnel of each price band, cheapest first; items without a price are left out."""
    bands = price_bands(catalog, num_bands)
    band = pairs[columns.ITEM_ID].map(bands["band"])
    limits = bands.groupby("band")[columns.PRICE].agg(["min", "max", "size"])
    return [
        {"low": float(row["min"]), "high": float(row["max"]), "items": int(row["size"]),
         "name": f"{row['min']:,.2f} – {row['max']:,.2f}", **measure(pairs[band == number])}
        for number, row in limits.iterrows()
    ]  # fmt: skip


def price_bands(catalog: pd.DataFrame, num_bands: int) -> pd.DataFrame:
    """`price` and `band` (0 is cheapest) by item id, of the items that have a price.

    Items of one price are in one band, so there may be fewer bands than asked for.
    """
    priced = catalog[catalog[columns.PRICE].notna()].set_index(columns.ITEM_ID)[[columns.PRICE]]
    if not len(priced):
        return priced.assign(band=pd.Series(dtype=int))
    band = pd.qcut(priced[columns.PRICE], num_bands, labels=False, duplicates="drop")
    return priced.assign(band=band.fillna(0).astype(int))  # one price alone has no edges
