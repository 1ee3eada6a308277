"""A bundle's items in memory: what the API shows of them, and masks over their rows."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pandas as pd

from recsys import columns
from recsys.errors import NotFoundError
from serving.facets import Facet, Mask, Masks, category_levels, one_value, several_values

SECONDS_PER_DAY = 86_400.0
POPULAR_SHARE = 0.05  # of the catalog: the items that are called popular
NUM_NEAR = 8  # known texts that are compared closely
NEIGHBORS = 40  # ids to each side of an unknown one that are compared with it


@dataclass(frozen=True)
class Item:
    """One item, as it is shown."""

    item_id: str
    title: str
    description: str
    category: str
    brand: str
    price: float
    available: bool
    created_at: float
    image: str
    has_photo: bool
    attributes: dict[str, str]


class Items:
    """The items of a bundle by row and by id.

    Args:
        table: the bundle's item table, in row order.
        popularity: events per item id; items without any may be absent.
        new_days: items at most this much older than the newest one are new.

    Attributes:
        available, has_photo: bool [num_items].
        popularity: int64 [num_items], events.
        is_new, is_popular: bool [num_items].
        facets: rows by value of category (with every level above), brand and attributes.
        masks: what filters allow, remembered.
        everything: a mask that allows all.
        withdrawn: items that there were when the bundle was published, and are no longer.
        duplicate_groups: int64 [num_items], -1 for an item of no group of near-duplicates;
            None where the table does not say.
    """

    def __init__(
        self, table: pd.DataFrame, popularity: dict[str, int], new_days: float = 14.0
    ) -> None:
        self.item_ids: list[str] = table[columns.ITEM_ID].astype(str).tolist()
        self.rows = {item_id: row for row, item_id in enumerate(self.item_ids)}
        self.available = table[columns.AVAILABLE].to_numpy(dtype=bool)
        self.price = table[columns.PRICE].to_numpy(dtype=np.float64)
        self.created_at = table[columns.CREATED_AT].to_numpy(dtype=np.float64)
        self.popularity = np.array([popularity.get(i, 0) for i in self.item_ids], dtype=np.int64)
        self.is_popular = _popular(self.popularity)
        self.is_new = _new(self.created_at, new_days)
        self._texts = {name: table[name].astype(object).tolist() for name in columns.CATALOG_TEXT}
        self._attributes = {
            name: table[name].astype(object).tolist()
            for name in columns.attribute_columns(list(table.columns))
        }
        self.has_photo = table[columns.HAS_PHOTO].to_numpy(dtype=bool)
        self._folded_titles = [title.casefold() for title in self._texts[columns.TITLE]]
        self._sorted_ids = sorted(self.item_ids)
        self.facets = {
            columns.CATEGORY: Facet(self._texts[columns.CATEGORY], category_levels),
            columns.BRAND: Facet(self._texts[columns.BRAND], one_value),
            **{name: Facet(each, several_values) for name, each in self._attributes.items()},
        }
        self.masks = Masks()
        self.duplicate_groups = None
        if columns.DUPLICATE_GROUP in table:
            self.duplicate_groups = table[columns.DUPLICATE_GROUP].to_numpy(np.int64)
        self.everything = Mask.of(np.ones(len(self), dtype=bool))
        self.withdrawn: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.item_ids)

    def row(self, item_id: str) -> int:
        """The row of an item.

        Raises:
            NotFoundError: it is unknown; the nearest known id is suggested.
        """
        row = self.rows.get(item_id)
        if row is None:
            near = nearest(item_id, self._near(item_id))
            raise NotFoundError(
                f"there is no item `{item_id}`.", where="item_id",
                mend=f"Did you mean `{near}`?" if near else "GET /v1/items lists them.",
            )  # fmt: skip
        return row

    def item(self, row: int) -> Item:
        """The item at a row, with everything that is shown."""
        texts = {name: values[row] for name, values in self._texts.items()}
        attributes = {
            name.removeprefix(columns.ATTRIBUTE_PREFIX): values[row]
            for name, values in self._attributes.items()
            if values[row]
        }
        return Item(
            item_id=self.item_ids[row], **texts, price=float(self.price[row]),
            available=bool(self.available[row]), created_at=float(self.created_at[row]),
            has_photo=bool(self.has_photo[row]), attributes=attributes,
        )  # fmt: skip

    def category(self, row: int) -> str:
        """The category of the item at a row; may be empty."""
        return self._texts[columns.CATEGORY][row]

    def title(self, row: int) -> str:
        """The title of the item at a row; may be empty."""
        return self._texts[columns.TITLE][row]

    def categories(self) -> dict[str, int]:
        """Every category with the number of items in it and below it, sorted by name."""
        rows = self.facets[columns.CATEGORY].rows
        return {name: len(found) for name, found in sorted(rows.items())}

    def check_category(self, category: str, where: str = "category") -> None:
        """Refuses a category that no item is in.

        Raises:
            NotFoundError: it is unknown; the nearest category is suggested.
        """
        known = self.facets[columns.CATEGORY].rows
        if category not in known:
            near = nearest(category, list(known))
            raise NotFoundError(
                f"there is no category `{category}`.", where=where,
                mend=f"Did you mean `{near}`?" if near else "This catalog has no categories.",
            )  # fmt: skip

    def text(self, name: str, row: int) -> str:
        """The text of one column of the item at a row; may be empty."""
        return (self._texts.get(name) or self._attributes[name])[row]

    def titled(self, words: str) -> np.ndarray:
        """Which items have every one of the words in their title: bool [num_items]."""
        rows = list(range(len(self)))
        for word in words.casefold().split():
            rows = [row for row in rows if word in self._folded_titles[row]]
        mask = np.zeros(len(self), dtype=bool)
        mask[np.asarray(rows, np.int64)] = True
        return mask

    @property
    def attribute_names(self) -> list[str]:
        """The attribute columns, with their prefix."""
        return list(self._attributes)

    def _near(self, item_id: str) -> list[str]:
        at = bisect_left(self._sorted_ids, item_id)
        return self._sorted_ids[max(0, at - NEIGHBORS) : at + NEIGHBORS]


def nearest(unknown: str, known: list[str]) -> str:
    """The known text most like an unknown one, or an empty string."""
    near = difflib.get_close_matches(unknown[:256], known, n=NUM_NEAR, cutoff=0.5)
    return max(near, key=lambda text: _likeness(unknown, text), default="")


def _likeness(unknown: str, text: str) -> tuple[float, int]:
    # of two that are as like, the one that begins alike
    ratio = difflib.SequenceMatcher(None, unknown[:256], text).ratio()
    alike = [one == other for one, other in zip(unknown, text, strict=False)]
    return round(ratio, 6), len(list(takewhile(bool, alike)))


def _popular(popularity: np.ndarray) -> np.ndarray:
    """The top POPULAR_SHARE of items, at least ten, among those with any event."""
    count = max(10, int(len(popularity) * POPULAR_SHARE))
    if len(popularity) <= count:
        return popularity > 0
    least = np.partition(popularity, -count)[-count]
    return (popularity >= least) & (popularity > 0)


def _new(created_at: np.ndarray, new_days: float) -> np.ndarray:
    # measured from the newest item, so that a catalog of last year still has new ones
    if np.isnan(created_at).all():
        return np.zeros(len(created_at), dtype=bool)
    with np.errstate(invalid="ignore"):
        return created_at >= np.nanmax(created_at) - new_days * SECONDS_PER_DAY
