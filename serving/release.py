"""One bundle that is loaded, with what the store says has changed since."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import columns
from serving.items import Item
from serving.new_items import NewItems
from serving.overlay import BEHAVIOR, PHOTO, Change, Overlay, vectors_of
from serving.recommender import Recommender
from serving.store_items import LiveItem

SAME = 0.999  # cosine of two embeddings of one photo, which may be encoded anew


class Lease:
    """Held by a request for as long as it may ask its bundle."""


class Release:
    """A loaded bundle that requests are answered from.

    Args:
        recommender: of the bundle, without changes.

    Attributes:
        recommender: the same with the changes that are known.
    """

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self.bundle: Any = recommender.bundle
        self._bare = recommender
        self._vectors = vectors_of(self.bundle)
        self.new_items = NewItems(recommender.served, getattr(self.bundle, "vocabulary", None))
        self._known: dict[str, tuple[LiveItem, Change | None]] = {}
        self._leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self._lock = threading.Lock()

    @property
    def version(self) -> int:
        """The bundle's."""
        return int(self.bundle.version)

    def lease(self) -> Lease:
        """A sign that somebody still asks this bundle; it ends when it is dropped."""
        lease = Lease()
        self._leases.add(lease)
        return lease

    @property
    def in_use(self) -> bool:
        """Whether a request still holds it."""
        return len(self._leases) > 0

    def needs_photos(self, live: Sequence[LiveItem]) -> bool:
        """Whether photos of some live items have to be embedded by this bundle's own tower."""
        return any(
            not item.withdrawn and item.embedding is not None
            and item.fingerprint != self.bundle.fingerprint
            and not ((known := self._known.get(item.item_id)) and _same(known[0], item))
            for item in live
        )  # fmt: skip

    def refresh(self, live: Sequence[LiveItem]) -> None:
        """Takes the store's live items for the changes that there are.

        Raises:
            ServingError: a photo had to be embedded, and the model server does not answer.
        """
        with self._lock:
            known = {item.item_id: (item, self._change(item)) for item in live}
            changes = [change for _, change in known.values() if change is not None]
            base = self._bare.items
            overlay = Overlay(base, self._vectors, changes) if changes else self._bare.overlay
            self._known = known
            self.recommender = self._bare.with_overlay(overlay)

    def _change(self, item: LiveItem) -> Change | None:
        """What a live item changes in this bundle; None where the bundle has it so already."""
        before = self._known.get(item.item_id)
        if before is not None and _same(before[0], item):
            return before[1]
        row = self._bare.items.rows.get(item.item_id)
        if item.withdrawn:
            return None if row is None else Change(item.item_id, withdrawn=True)
        own = item.fingerprint == self.bundle.fingerprint
        embedding = item.embedding if own else self.new_items.embed(item.photos)
        known = self._bundles_own(PHOTO, row)
        new_photo = embedding is not None and (known is None or float(embedding @ known) < SAME)
        if row is not None and not new_photo and _as_in(self._bare.items.item(row), item):
            return None
        vectors = {}
        if (photo := known if embedding is None else embedding) is not None:
            vectors[PHOTO] = photo
        candidate = self._bundles_own(BEHAVIOR, row)
        if candidate is None:
            candidate = item.candidate if own else None
        if candidate is None:
            candidate = self.new_items.place(item.item_id, item.fields, photo)
        if candidate is not None:
            vectors[BEHAVIOR] = candidate
        return Change(item.item_id, item.fields, vectors, new_photo=new_photo)

    def _bundles_own(self, space: str, row: int | None) -> NDArray[np.float32] | None:
        vectors = self._vectors.get(space)
        if row is None or vectors is None:
            return None
        if space == PHOTO and not self._bare.items.has_photo[row]:
            return None
        return np.asarray(vectors[row], np.float32)


def fields_of(item: Item) -> dict[str, Any]:
    """An item as catalog columns, the way live items keep them: JSON has no nan."""
    numbers = {columns.PRICE: item.price, columns.CREATED_AT: item.created_at}
    return {
        columns.IMAGE: item.image, columns.TITLE: item.title,
        columns.DESCRIPTION: item.description, columns.CATEGORY: item.category,
        columns.BRAND: item.brand, columns.AVAILABLE: item.available,
        **{name: None if math.isnan(value) else value for name, value in numbers.items()},
        **{columns.ATTRIBUTE_PREFIX + name: value for name, value in item.attributes.items()},
    }  # fmt: skip


def _as_in(item: Item, live: LiveItem) -> bool:
    """Whether an item of the bundle says what a live one does; photos are compared elsewhere."""
    ours, theirs = fields_of(item), dict(live.fields)
    names = (ours.keys() | theirs.keys()) - {columns.IMAGE, columns.CREATED_AT}
    return all((ours.get(name) or "") == (theirs.get(name) or "") for name in names)


def _same(one: LiveItem, other: LiveItem) -> bool:
    return (one.timestamp, one.withdrawn, one.fingerprint, one.fields) == (
        other.timestamp, other.withdrawn, other.fingerprint, other.fields,
    )  # fmt: skip
