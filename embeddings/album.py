"""Which photo of which item has a vector, and the rows of the embedding table made of them."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embeddings.photo_state import PhotoState
from embeddings.photo_store import PhotoStore
from recsys.columns import IMAGE, IMAGE_SEPARATOR, ITEM_ID
from recsys.embedding_table import Part
from recsys.errors import DataError

KEPT = " (its last good photo stands in for it)"


@dataclass(frozen=True)
class Item:
    """One item and where its photos are."""

    row: int
    item_id: str
    locations: list[str]


def items_with_photos(catalog: pd.DataFrame) -> list[Item]:
    """The items that name at least one photo, in catalog order."""
    rows = zip(catalog[ITEM_ID].tolist(), catalog[IMAGE].tolist(), strict=True)
    split = [(row, item_id, [place for place in image.split(IMAGE_SEPARATOR) if place])
             for row, (item_id, image) in enumerate(rows)]  # fmt: skip
    return [Item(*fields) for fields in split if fields[2]]


@dataclass(frozen=True)
class Album:
    """Which photo of which item has a vector, once every location was asked.

    Attributes:
        states: of each location.
        store: holds the vectors.
        keep_failed: failed runs in a row through which a photo keeps its last vector.
    """

    states: Mapping[str, PhotoState]
    store: PhotoStore
    keep_failed: int

    def has_vector(self, location: str) -> bool:
        """Whether a photo has one: a good one, or one that was good not long ago."""
        state = self.states[location]
        return state.sha256 in self.store.known and state.keeps_vector(self.keep_failed)

    def parts(self, items: list[Item], part_size: int) -> Iterator[Part]:
        """The rows of the embedding table, in catalog order."""
        for start in range(0, len(items), part_size):
            yield self.part(items[start : start + part_size])

    def part(self, items: list[Item]) -> Part:
        """The rows of some items; those without any usable photo have none."""
        usable = [(item, hashes) for item in items if (hashes := self._hashes(item))]
        vectors = self.store.vectors([sha256 for _, hashes in usable for sha256 in hashes])
        ends = np.cumsum([len(hashes) for _, hashes in usable]).tolist()
        combined = [combine(vectors[end - len(hashes) : end])
                    for (_, hashes), end in zip(usable, ends, strict=True)]  # fmt: skip
        return Part(
            item_ids=[item.item_id for item, _ in usable],
            photo_sha256=[IMAGE_SEPARATOR.join(hashes) for _, hashes in usable],
            vectors=np.array(combined, np.float32).reshape(len(usable), vectors.shape[1]),
            rejected=[row for item in items for row in self._rejected(item)],
        )

    def refuse_if_too_many_lost(
        self, items: list[Item], max_fraction: float
    ) -> dict[str, dict[str, int]]:
        """Counts by reason the photos that are lost, and those that stay although they failed.

        Raises:
            DataError: too many are lost.
        """
        lost: list[str] = []
        kept: list[str] = []
        for item in items:
            for place in item.locations:
                if self.states[place].failures:
                    (kept if self.has_vector(place) else lost).append(place)
        num_photos = sum(len(item.locations) for item in items)
        counts = {"rejected": self._reasons(lost), "kept": self._reasons(kept)}
        if num_photos and (len(lost) == num_photos or len(lost) > max_fraction * num_photos):
            reasons = ", ".join(f"{count} {reason}" for reason, count in counts["rejected"].items())
            raise DataError(
                f"{len(lost)} of {num_photos} photos cannot be used: {reasons}.", where=lost[0],
                mend="Mend the photos or the image column (`vitrine check` lists them), or raise "
                "data.max_bad_fraction; what is embedded already is kept.",
            )  # fmt: skip
        return counts

    def _reasons(self, places: list[str]) -> dict[str, int]:
        reasons = (self.states[place].last_error.partition(": ")[0] for place in places)
        return dict(collections.Counter(reasons).most_common())

    def _hashes(self, item: Item) -> list[str]:
        return [self.states[place].sha256 for place in item.locations if self.has_vector(place)]

    def _rejected(self, item: Item) -> Iterator[dict[str, Any]]:
        for place in item.locations:
            state = self.states[place]
            if state.failures:
                reason, _, what = state.last_error.partition(": ")
                kept = KEPT if self.has_vector(place) else ""
                yield {"table": "photos", "row": item.row, "item_id": item.item_id,
                       "reason": reason, "detail": f"{place}: {what}{kept}"}  # fmt: skip


def combine(vectors: np.ndarray) -> np.ndarray:
    """The mean of an item's unit vectors, of norm 1; the first one where they cancel out."""
    if len(vectors) == 1:
        return vectors[0]
    mean = np.mean(vectors, axis=0)
    norm = float(np.linalg.norm(mean))
    return mean / norm if norm > 1e-6 else vectors[0]
