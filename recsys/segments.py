"""Groups of cases that a model may treat differently: history, item age, category, popularity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns
from recsys.sequences import Sequences
from recsys.splits import Cases

DAY = 86_400
HISTORY_FROM = (1, 5, 20, 50)  # events before the case
AGE_FROM = (0, 7, 30, 180)  # days since the item came
MAX_CATEGORIES = 10  # those with the most cases
MAX_KINDS = 200  # further categories say too little each, and cost a column


@dataclass(frozen=True)
class ItemFacts:
    """What the report knows of the items; row i is item i.

    Attributes:
        born: float64 [num_items] when each item came, epoch seconds: `created_at`, else the
            first event of the log; nan where there is neither.
        category: [num_items] the highest level of the category; "" unknown.
        kinds: float64 [num_items, num_kinds] shares of the kinds that an item is of.
    """

    born: NDArray[np.float64]
    category: list[str]
    kinds: NDArray[np.float64]

    @classmethod
    def of(cls, catalog: pd.DataFrame, sequences: Sequences, kinds: str) -> ItemFacts:
        """Reads the facts from the prepared catalog and the log.

        Args:
            kinds: the column whose values are the kinds, several joined by `|`; a category
                counts by its whole path.
        """
        first = np.full(len(catalog), np.inf)
        np.minimum.at(first, sequences.rows, sequences.times)
        created = catalog[columns.CREATED_AT].to_numpy(np.float64)
        born = np.where(np.isfinite(created), created, np.where(np.isfinite(first), first, np.nan))
        top = [str(path).split(columns.CATEGORY_SEPARATOR)[0] for path in catalog[columns.CATEGORY]]
        named = catalog[kinds].tolist() if kinds in catalog.columns else [""] * len(catalog)
        return cls(born, top, item_kinds([str(value) for value in named]))


def item_kinds(named: list[str]) -> NDArray[np.float64]:
    """Each item's shares of the kinds, [num_items, num_kinds]; rows sum to 1, or 0 without one.

    Args:
        named: [num_items] the kinds of each item, joined by `|`.
    """
    values = [[part for part in text.split(columns.IMAGE_SEPARATOR) if part] for text in named]
    counts = pd.Series([part for parts in values for part in parts], dtype=object).value_counts()
    place = {name: i for i, name in enumerate(counts.index[:MAX_KINDS])}
    shares = np.zeros((len(named), len(place)))
    for row, parts in enumerate(values):
        known = [place[part] for part in parts if part in place]
        if known:
            np.add.at(shares[row], known, 1 / len(known))
    return shares


def segments(
    cases: Cases, facts: ItemFacts, events: NDArray[np.integer]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Dimension → segment → which cases, bool [num_cases]; segments without a case are left out.

    Args:
        cases: what is judged.
        facts: of the items.
        events: int [num_items] events of each item in training.
    """
    age = (cases.now - facts.born[cases.targets]) / DAY
    top = np.array(facts.category, object)[cases.targets]
    decile = popularity_deciles(events)[cases.targets]
    found = {
        "history, events": _bins(cases.positions - cases.starts, HISTORY_FROM),
        "item age, days": _bins(np.floor(np.maximum(age, 0)), AGE_FROM),
        "category": {str(name): top == name for name in
                     pd.Series(top[top != ""], dtype=object).value_counts().index[:MAX_CATEGORIES]},
        "popularity decile": {
            **{str(place): decile == place for place in range(1, 11)}, "unseen": decile == 0,
        },
    }  # fmt: skip
    return {
        dimension: {name: chosen for name, chosen in parts.items() if chosen.any()}
        for dimension, parts in found.items()
    }


def popularity_deciles(events: NDArray[np.integer]) -> NDArray[np.int64]:
    """The decile of each item, [num_items]: 1 holds the tenth of the items with the most events.

    Items without an event are 0, and no part of the tenths.
    """
    touched = np.flatnonzero(events > 0)
    order = touched[np.argsort(-events[touched], kind="stable")]
    deciles = np.zeros(len(events), np.int64)
    deciles[order] = 1 + np.arange(len(order)) * 10 // max(len(order), 1)
    return deciles


def _bins(values: NDArray[Any], starts: tuple[int, ...]) -> dict[str, NDArray[np.bool_]]:
    """Values by range, `1-4`, `5-19`, …, `50+`; nan belongs nowhere."""
    ends = [*starts[1:], np.inf]
    return {
        f"{start}-{end - 1:.0f}" if np.isfinite(end) else f"{start}+":
        (values >= start) & (values < end)
        for start, end in zip(starts, ends, strict=True)
    }  # fmt: skip
