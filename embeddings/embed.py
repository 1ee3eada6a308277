"""Embeds the catalog: asks every photo, sees the new ones, writes the table from the store."""

from __future__ import annotations

import time
from typing import Any

from embeddings.album import Album, items_with_photos
from embeddings.engine import make_engine
from embeddings.image_tower import load_tower
from embeddings.photo_store import PhotoStore
from embeddings.photo_update import update_photos
from recsys.artifact import open_artifact
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.embedding_table import write_table
from recsys.workdir import Workdir


def embed(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Turns the catalog's photos into the embedding table.

    Only photos whose bytes have no vector of this tower are decoded and embedded; a killed run
    goes on where it stopped. An item's vector is the mean of its photos' vectors, brought back
    to norm 1. A photo that cannot be had any more keeps its last vector for
    sources.keep_failed_refreshes runs.

    Args:
        config: embed, photos and sources settings are used.
        workdir: holds the prepared tables and the tower; the table is written into it.

    Returns:
        A summary: items, photos, what was rejected for what, photos per second.

    Raises:
        DataError: more than data.max_bad_fraction of the photos cannot be used.
        OutOfTimeError: the command's time is over; what is embedded is kept.
    """
    started = time.monotonic()
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    tower = load_tower(workdir.tower)
    items = items_with_photos(load_catalog(workdir))
    store = PhotoStore(
        workdir.photos, tower.fingerprint, config.photos, tower.embedding_dim,
        config.embed.part_size,
    )  # fmt: skip
    locations = dict.fromkeys(place for item in items for place in item.locations)
    update = update_photos(locations, workdir.photos, make_engine(config, tower), store)
    album = Album(update.states, store, config.sources.keep_failed_refreshes)
    counts = album.refuse_if_too_many_lost(items, config.data.max_bad_fraction)
    table = write_table(
        workdir.embeddings, album.parts(items, config.embed.part_size),
        tower_fingerprint=tower.fingerprint, embedding_dim=tower.embedding_dim,
        inputs={"tables": tables.fingerprint, "tower": tower.fingerprint},
    )  # fmt: skip
    return {
        "num_items": table.num_items, "num_photos": sum(len(item.locations) for item in items),
        **counts, **update.summary(), "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip
