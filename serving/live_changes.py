"""Putting and withdrawing items while bundles are served: durable first, then in every answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from recsys import columns
from recsys.errors import DataError, PhotoError
from serving.items import nearest
from serving.recommender import Recommender
from serving.release import fields_of
from serving.releases import Releases
from serving.store import Store
from serving.store_items import LiveItem

LIVE_PHOTO = "live:"  # begins the image of an item whose photos are in the store

Square = Callable[[int, str], list[bytes]]
"""(side, fit) -> the item's photos as PNGs of a tower's square."""


class LiveChanges:
    """Changes items between publications.

    Args:
        releases: the bundles whose answers change.
        store: where changes survive.
        clock: seconds since the epoch.
    """

    def __init__(self, releases: Releases, store: Store, clock: Callable[[], float]) -> None:
        self._releases, self._store, self._clock = releases, store, clock
        self._one = threading.Lock()  # two puts of one item must not each miss the other

    def put(self, item_id: str, fields: Mapping[str, Any], photos: Square | None = None) -> bool:
        """Adds or changes an item; when this returns, it is kept and every answer knows it.

        Args:
            fields: catalog columns by name; those that are missing stay as they are.
            photos: its photos, which replace those it had; None keeps them.

        Returns:
            Whether there was no such item before.

        Raises:
            DataError: an attribute is not of this catalog.
            PhotoError: a photo cannot be used, or there is nothing that photos are compared by.
            ServingError: the store or the model server does not answer; nothing has changed.
        """
        with self._one:
            release = self._releases.current
            recommender = release.recommender
            _check_attributes(fields, recommender)
            row = recommender.items.rows.get(item_id)
            known = {} if row is None else fields_of(recommender.items.item(row))
            before = self._store.live_item(item_id)
            now = self._clock()
            merged = {columns.AVAILABLE: True, columns.CREATED_AT: now, **known, **fields}
            embedding, pngs = None, before.photos if before and row is not None else ()
            if photos is not None:
                pngs = tuple(photos(*recommender.photo_square()))
                merged[columns.IMAGE] = f"{LIVE_PHOTO}{now:.6f}"
            if pngs:
                embedding = release.new_items.embed(pngs)
                if embedding is None:
                    raise PhotoError("the bundle has no photo search.", reason="no_photo_search",
                                     where="photos", mend="Put the item without photos."
                                     )  # fmt: skip
            item = LiveItem(item_id, merged, embedding, None, release.bundle.fingerprint, pngs, now)
            item = replace(item, candidate=release.new_items.place(item_id, merged, embedding))
            self._store.put_item(item)
            self._releases.refresh()
            return row is None

    def withdraw(self, item_id: str) -> None:
        """Takes an item out of every answer, for good or until it is put again.

        Raises:
            NotFoundError: there is none; the nearest known id is suggested.
            ServingError: the store does not answer.
        """
        with self._one:
            self._releases.current.recommender.items.row(item_id)
            self._store.withdraw_item(item_id, self._clock())
            self._releases.refresh()

    def photo(self, item_id: str, index: int) -> bytes | None:
        """A photo that was put with an item, as PNG; None where there is none."""
        item = self._store.live_item(item_id)
        if item is None or item.withdrawn or index >= len(item.photos):
            return None
        return item.photos[index]


def _check_attributes(fields: Mapping[str, Any], recommender: Recommender) -> None:
    known = recommender.items.attribute_names
    for name in fields:
        if name.startswith(columns.ATTRIBUTE_PREFIX) and name not in known:
            short = [each.removeprefix(columns.ATTRIBUTE_PREFIX) for each in known]
            near = nearest(name.removeprefix(columns.ATTRIBUTE_PREFIX), short)
            raise DataError(
                f"the catalog has no attribute `{name.removeprefix(columns.ATTRIBUTE_PREFIX)}`.",
                where="item.attributes", mend=f"Did you mean `{near}`?" if near
                else f"It has {', '.join(short) or 'none'}.",
            )  # fmt: skip
