"""What the photos of a catalog are like: sizes, what cannot be used, what is there twice."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from embeddings.images import decode_photo
from embeddings.perceptual_hash import near_duplicates, perceptual_hash
from embeddings.photo_source import read_bytes
from embeddings.quality import Finding, judge_photo
from recsys import columns
from recsys.config import PhotosConfig, QualityConfig, SourcesConfig
from recsys.errors import PhotoError
from recsys.progress import track

NUM_EXAMPLES = 3
NUM_GROUPS = 20  # groups of duplicates that the report lists
_CHUNK = 512  # photos handed to the threads at a time


@dataclass
class Photo:
    """What was found of one photo; `reason` is empty where it can be used."""

    item_id: str
    location: str
    reason: str = ""
    what: str = ""
    mend: str = ""
    num_bytes: int = 0
    width: int = 0
    height: int = 0
    sha256: str = ""
    hash: int = 0
    colors: np.ndarray = field(default_factory=lambda: np.zeros(192, np.uint8))
    findings: list[Finding] = field(default_factory=list)


def check_photos(
    catalog: pd.DataFrame,
    settings: PhotosConfig,
    quality: QualityConfig,
    sources: SourcesConfig = SourcesConfig(),
) -> dict[str, Any]:
    """Reads and decodes every photo, in threads.

    Returns:
        `photos`, `usable`, `items_without_usable_photo`, `rejected` by reason with examples,
        `doubtful` likewise: photos that are used, and should be taken again; `width`, `height`
        and `bytes` as smallest, median and largest, `sizes` for the plot,
        `exact_duplicates` and `near_duplicates` as groups of items.
    """
    photos = list(_examine_all(_listed(catalog), settings, quality, sources))
    usable = [photo for photo in photos if not photo.reason]
    with_photo = {photo.item_id for photo in usable}
    return {
        "photos": len(photos),
        "usable": len(usable),
        "items_without_usable_photo": len(catalog) - len(with_photo),
        "rejected": _rejected(photos),
        "doubtful": _doubtful(usable),
        "width": _spread([photo.width for photo in usable]),
        "height": _spread([photo.height for photo in usable]),
        "bytes": _spread([photo.num_bytes for photo in usable]),
        "sizes": _sizes(usable),
        **_duplicates(usable),
    }


def _listed(catalog: pd.DataFrame) -> list[tuple[str, str]]:
    images = catalog[columns.IMAGE].str.split(columns.IMAGE_SEPARATOR).explode()
    listed = pd.DataFrame({"item_id": catalog[columns.ITEM_ID].reindex(images.index), "at": images})
    listed = listed[listed["at"] != ""]
    return list(zip(listed["item_id"].tolist(), listed["at"].tolist(), strict=True))


def _examine_all(
    listed: list[tuple[str, str]],
    settings: PhotosConfig,
    quality: QualityConfig,
    sources: SourcesConfig,
) -> Iterator[Photo]:
    def photos() -> Iterator[Photo]:
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            for start in range(0, len(listed), _CHUNK):
                chunk = listed[start : start + _CHUNK]
                yield from pool.map(
                    lambda entry: _examine(entry[0], entry[1], settings, quality, sources), chunk
                )

    yield from track(photos(), "check photos", len(listed))


def _examine(
    item_id: str,
    location: str,
    settings: PhotosConfig,
    quality: QualityConfig,
    sources: SourcesConfig,
) -> Photo:
    photo = Photo(item_id, location)
    try:
        data = read_bytes(location, settings.max_bytes, sources)
        photo.num_bytes, photo.sha256 = len(data), hashlib.sha256(data).hexdigest()
        image = decode_photo(data, settings, where=location)
    except PhotoError as error:
        photo.reason, photo.what, photo.mend = error.reason, error.what, error.mend
        return photo
    photo.width, photo.height = image.size
    photo.hash, photo.colors = perceptual_hash(image)
    photo.findings = judge_photo(image, quality)
    return photo


def _rejected(photos: list[Photo]) -> list[dict[str, Any]]:
    by_reason: dict[str, list[Photo]] = {}
    for photo in photos:
        if photo.reason:
            by_reason.setdefault(photo.reason, []).append(photo)
    return [
        {
            "reason": reason, "count": len(found), "mend": found[0].mend,
            "examples": [
                {"item_id": photo.item_id, "where": photo.location, "what": photo.what}
                for photo in found[:NUM_EXAMPLES]
            ],
        }
        for reason, found in sorted(by_reason.items(), key=lambda entry: -len(entry[1]))
    ]  # fmt: skip


def _doubtful(photos: list[Photo]) -> list[dict[str, Any]]:
    by_check: dict[str, list[tuple[Photo, Finding]]] = {}
    for photo in photos:
        for finding in photo.findings:
            by_check.setdefault(finding.check, []).append((photo, finding))
    return [
        {
            "reason": check, "count": len(found), "mend": found[0][1].message,
            "examples": [
                {"item_id": photo.item_id, "where": photo.location,
                 "what": f"{finding.figure:g}, the limit is {finding.limit:g}"}
                for photo, finding in found[:NUM_EXAMPLES]
            ],
        }
        for check, found in sorted(by_check.items(), key=lambda entry: -len(entry[1]))
    ]  # fmt: skip


def _spread(values: list[int]) -> dict[str, int] | None:
    if not values:
        return None
    return {"min": min(values), "median": int(np.median(values)), "max": max(values)}


def _sizes(photos: list[Photo]) -> list[dict[str, int]]:
    """How many photos have each width and height, the commonest first; at most 500 of them."""
    sizes = Counter((photo.width, photo.height) for photo in photos)
    return [
        {"width": width, "height": height, "count": count}
        for (width, height), count in sizes.most_common(500)
    ]


def _duplicates(photos: list[Photo]) -> dict[str, Any]:
    """Files that are the same to the byte, and, among the others, photos that show the same."""
    by_bytes: dict[str, list[int]] = {}
    for place, photo in enumerate(photos):
        by_bytes.setdefault(photo.sha256, []).append(place)
    first = [places[0] for places in by_bytes.values()]
    hashes = np.array([photos[place].hash for place in first], dtype=np.uint64)
    colors = np.stack([photos[place].colors for place in first]) if first else np.zeros((0, 192))
    near = [[first[row] for row in group] for group in near_duplicates(hashes, colors)]
    exact = [places for places in by_bytes.values() if len(places) > 1]
    return {"exact_duplicates": _groups(exact, photos), "near_duplicates": _groups(near, photos)}


def _groups(groups: list[list[int]], photos: list[Photo]) -> dict[str, Any]:
    return {
        "groups": len(groups),
        "photos": sum(len(group) for group in groups),
        "examples": [
            [{"item_id": photos[place].item_id, "where": photos[place].location}
             for place in group[:6]]
            for group in sorted(groups, key=len, reverse=True)[:NUM_GROUPS]
        ],
    }  # fmt: skip
