"""Captions: what can be said of an item in words, as training texts for the text tower.

Shoppers search by titles' words, and by what a photo shows ("red tshirt"). So an item is called
by its title with some words left out, or by some of its facts: its category and attributes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recsys import columns

KEPT_WORDS = 0.7  # least share of a title's words that a caption keeps
TITLES = 0.4  # share of batches that are called by titles, where there are facts too


class Captions:
    """Draws texts for items.

    Args:
        catalog: titles, categories and attributes.
        seed: of the draws.
    """

    def __init__(self, catalog: pd.DataFrame, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._titles = [text.split() for text in catalog[columns.TITLE].tolist()]
        self._facts = _facts(catalog)

    @property
    def any_title(self) -> bool:
        """Whether there is a title at all."""
        return any(self._titles)

    def draw(self, rows: Sequence[int]) -> tuple[list[str], list[str]]:
        """A text for each item and a key: items with the same key are called the same.

        All texts of one draw are of one kind, so that it can be told which items of a batch a
        text fits.
        """
        if self._facts and self._random.random() >= TITLES:
            return self._drawn_facts(rows)
        texts = [self._shortened(self._titles[row]) for row in rows]
        return texts, [" ".join(self._titles[row]) or str(row) for row in rows]

    def _drawn_facts(self, rows: Sequence[int]) -> tuple[list[str], list[str]]:
        count = int(self._random.integers(1, min(3, len(self._facts)) + 1))
        chosen = self._random.permutation(len(self._facts))[:count]
        said = [" ".join(self._facts[at][row] for at in chosen).strip() for row in rows]
        keys = [" | ".join(self._facts[at][row] for at in chosen) for row in rows]
        return said, keys

    def _shortened(self, words: list[str]) -> str:
        share = self._random.uniform(KEPT_WORDS, 1.0)
        kept = [word for word in words if self._random.random() < share]
        return " ".join(kept or words)


def _facts(catalog: pd.DataFrame) -> list[list[str]]:
    """Facts that are not the same of all: for each, what it says of every item."""
    categories = catalog[columns.CATEGORY].tolist()
    found = [[text.rpartition(columns.CATEGORY_SEPARATOR)[2] for text in categories]]
    for name in columns.attribute_columns(list(catalog.columns)):
        found.append([str(v).replace(columns.IMAGE_SEPARATOR, " ") for v in catalog[name].tolist()])
    return [values for values in found if len(set(values)) > 1]
