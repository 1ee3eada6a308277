"""Fitted photos in a file on disk, so that an epoch does not decode them again."""

from __future__ import annotations

import collections
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from embeddings.images import decode_photo, fit_photo
from embeddings.photo_source import read_bytes
from recsys.artifact import disk_errors, fingerprint_of, write_json
from recsys.columns import IMAGE, IMAGE_SEPARATOR
from recsys.config import PhotosConfig, SourcesConfig
from recsys.errors import PhotoError
from recsys.progress import track

A = TypeVar("A")
B = TypeVar("B")

PHOTOS_AHEAD = 64


@dataclass(frozen=True)
class Photo:
    """One photo of one item."""

    item_row: int
    location: str


@dataclass(frozen=True)
class PixelCache:
    """Photos that could be read, as pixels on disk."""

    pixels: np.ndarray  # uint8 [n, size, size, 3], mapped from the file
    places: np.ndarray  # int32 [n], each one's place among the photos asked for
    item_rows: np.ndarray  # int32 [n]
    rejected: dict[str, int]  # reason to how many photos


def photos_of(catalog: pd.DataFrame, rows: NDArray[np.int64]) -> list[Photo]:
    """Every photo of some items of a catalog, in order."""
    images = catalog[IMAGE].tolist()
    return [
        Photo(int(row), location)
        for row in rows
        for location in images[row].split(IMAGE_SEPARATOR)
        if location
    ]


def cache_pixels(
    photos: list[Photo],
    settings: PhotosConfig,
    size: int,
    path: Path,
    workers: int,
    sources: SourcesConfig = SourcesConfig(),
) -> PixelCache:
    """Reads, decodes and fits every photo into one file; photos that fail are counted.

    Args:
        photos: which photos.
        settings: which are accepted, and how they are fitted.
        size: the side of the square.
        path: the file; one that an earlier run filled with the same photos is used as it is.
        workers: how many threads decode.
        sources: how patiently they are fetched.
    """
    record = path.with_suffix(".json")
    key = fingerprint_of([[[photo.item_row, photo.location] for photo in photos],
                          settings.model_dump(), size])  # fmt: skip
    shape = (max(len(photos), 1), size, size, 3)
    if found := _read_record(record, key):
        pixels = np.memmap(path, np.uint8, "r", shape=shape)
        return _cache(pixels, found["places"], photos, found["rejected"])

    def fitted(photo: Photo) -> np.ndarray | str:
        try:
            data = read_bytes(photo.location, settings.max_bytes, sources)
            return fit_photo(decode_photo(data, settings, photo.location), size, settings.fit)
        except PhotoError as error:
            return error.reason

    places: list[int] = []
    rejected: collections.Counter[str] = collections.Counter()
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        record.unlink(missing_ok=True)
        pixels = np.memmap(path, np.uint8, "w+", shape=shape)
        results = track(
            map_ahead(fitted, photos, workers, PHOTOS_AHEAD), "read photos", len(photos)
        )
        for place, result in enumerate(results):
            if isinstance(result, str):
                rejected[result] += 1
            else:
                pixels[len(places)] = result
                places.append(place)
        pixels.flush()
    write_json(record, {"key": key, "places": places, "rejected": dict(rejected)})
    return _cache(pixels, places, photos, dict(rejected))


def map_ahead(work: Callable[[A], B], values: Iterable[A], workers: int, ahead: int) -> Iterator[B]:
    """`map` over threads, in order, at most `ahead` values before the reader."""
    with ThreadPoolExecutor(workers, thread_name_prefix="photos") as pool:
        waiting: collections.deque[Future[B]] = collections.deque()
        source = iter(values)
        try:
            for value in itertools.islice(source, ahead):
                waiting.append(pool.submit(work, value))
            while waiting:
                done = waiting.popleft().result()
                for value in itertools.islice(source, 1):
                    waiting.append(pool.submit(work, value))
                yield done
        finally:
            for future in waiting:
                future.cancel()


def _cache(
    pixels: np.ndarray, places: list[int], photos: list[Photo], rejected: dict[str, int]
) -> PixelCache:
    rows = [photos[place].item_row for place in places]
    return PixelCache(pixels[: len(places)], np.array(places, np.int32), np.array(rows, np.int32),
                      rejected)  # fmt: skip


def _read_record(path: Path, key: str) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if record.get("key") == key and "places" in record else None
