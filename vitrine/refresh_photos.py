"""What can be told of a catalog's photos before any of them is embedded."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from embeddings.photo_source import fetch
from embeddings.photo_state import EMPTY, Failed, PhotoState
from embeddings.photo_states import read_states
from recsys.artifact import fingerprint_of
from recsys.catalog import FILE
from recsys.columns import IMAGE, IMAGE_SEPARATOR, ITEM_ID
from recsys.config import Config
from recsys.workdir import Workdir
from vitrine.catalog_changes import photo_hashes

READERS = 16  # photos asked for at once; each host has its own limit beside

UNKNOWN = "?"  # the hash of a remote photo that was never read


@dataclass(frozen=True)
class PhotoChanges:
    """What looking at the photos, without decoding any, tells.

    Attributes:
        items: of old and new catalog, whose photos are other bytes now, or more, or fewer.
        photos: different ones that have no vector yet.
        unreachable: locations that cannot be read.
    """

    items: int
    photos: int
    unreachable: int

    def as_dict(self) -> dict[str, int]:
        """As JSON can write it."""
        return asdict(self)

    @property
    def line(self) -> str:
        """One line for a person."""
        return f"{self.photos:,} photos to embed, {self.unreachable:,} cannot be read"


def photos_key(config: Config, workdir: Workdir) -> Any:
    """Which items have which photos, and the states of their files.

    Returns:
        A key that is never the same twice where photos have to be asked each time: remote ones,
        since only their servers know, and those that are gone but whose last good vector is kept
        for some refreshes.
    """
    table = pq.read_table(workdir.tables / FILE, columns=[ITEM_ID, IMAGE])
    images = table[IMAGE].to_pylist()
    files = [location for image in images for location in image.split(IMAGE_SEPARATOR) if location]
    local = fingerprint_of([_state(location) for location in files if "://" not in location])
    ask = any("://" in location for location in files) or _any_waning(config, workdir, files)
    return [fingerprint_of([table[ITEM_ID].to_pylist(), images]), local,
            time.time_ns() if ask else 0]  # fmt: skip


def any_photos(workdir: Workdir) -> bool:
    """Whether an item of the tables names a photo."""
    return any(pq.read_table(workdir.tables / FILE, columns=[IMAGE])[IMAGE].to_pylist())


def photo_changes(config: Config, workdir: Workdir, catalog: pd.DataFrame) -> PhotoChanges:
    """Compares the photos that a catalog names with those that are embedded; writes nothing.

    Files whose state changed are read and hashed; servers are asked by what they said last.
    """
    places = {
        str(item_id): [location for location in image.split(IMAGE_SEPARATOR) if location]
        for item_id, image in zip(catalog[ITEM_ID], catalog[IMAGE], strict=True)
    }
    states = read_states(workdir.photos)
    locations = list({location: None for each in places.values() for location in each})
    hashes = _hashes(config, locations, states)
    before = photo_hashes(workdir)
    known = {one for joined in before.values() for one in joined.split(IMAGE_SEPARATOR)}
    known |= {state.sha256 for state in states.values()}
    changed = 0
    for item_id, joined in before.items():
        if item_id in places:
            now = [hashes[place] for place in places[item_id] if hashes[place]]
            changed += IMAGE_SEPARATOR.join(now) != joined
    new = [sha256 for sha256 in hashes.values() if sha256 and sha256 not in known]
    count = len(set(new) - {UNKNOWN}) + new.count(UNKNOWN)
    return PhotoChanges(changed, count, sum(not sha256 for sha256 in hashes.values()))


def _hashes(
    config: Config, locations: list[str], states: Mapping[str, PhotoState]
) -> dict[str, str]:
    """The hash of what lies at each location now; empty where it cannot be read."""

    def look(location: str) -> str:
        state = states.get(location, EMPTY)
        if state.failures and not state.sha256:
            return ""  # it was never usable; should that have changed, the refresh will see
        if "://" in location and not state.sha256:
            return UNKNOWN  # the refresh will read it; a plan need not
        found = fetch(location, state, config.sources, config.photos.max_bytes)
        if isinstance(found, Failed):
            keep = config.sources.keep_failed_refreshes
            return state.sha256 if found.state.keeps_vector(keep) else ""
        return found.state.sha256

    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(locations, pool.map(look, locations), strict=True))


def _any_waning(config: Config, workdir: Workdir, files: list[str]) -> bool:
    """Whether a photo is gone whose last good vector will be given up by a later refresh."""
    keep = config.sources.keep_failed_refreshes
    waning = {location for location, state in read_states(workdir.photos).items()
              if state.failures and state.keeps_vector(keep)}  # fmt: skip
    return bool(waning) and not waning.isdisjoint(files)


def _state(location: str) -> list[int]:
    try:  # once per photo of the catalog, so without a Path
        state = os.stat(location)  # noqa: PTH116
    except (OSError, ValueError):
        return []
    return [state.st_size, state.st_mtime_ns]
