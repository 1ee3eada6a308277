"""Which photos to label next: those that the tower is unsure of, and no two alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from embeddings.image_tower import CATEGORY, LoadedTower, load_tower
from embeddings.images import decode_photo, fit_photo
from embeddings.labels import MISSING, read_labels
from embeddings.photo_source import read_bytes
from embeddings.pixel_cache import Photo, map_ahead, photos_of
from recsys.catalog import load_catalog
from recsys.columns import IMAGE, ITEM_ID, SPLIT
from recsys.config import Config
from recsys.errors import DataError, NotFoundError, PhotoError
from recsys.progress import track
from recsys.workdir import Workdir

PHOTOS_AHEAD = 64


@dataclass(frozen=True)
class Seen:
    """What the tower makes of one photo of each of n items.

    Attributes:
        rows: int64 [n] the items' rows in the catalog.
        probabilities: float32 [n, num_classes].
        features: float32 [n, dim], unit length.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]


def label_next(config: Config, workdir: Workdir, count: int, label: str = CATEGORY) -> pd.DataFrame:
    """The unlabeled items whose labels would teach the tower most.

    Args:
        config: photos, tower and embed settings are used.
        workdir: holds the prepared tables and a tower that was trained on the labels so far.
        count: how many to pick, at most.
        label: `category` or an attribute's column.

    Returns:
        One row for each pick, the most telling first: item_id, image, the tower's guess and its
        probability, and an empty column named as the label, to fill in.

    Raises:
        NotFoundError: the tower has no such label.
        DataError: every item that can be looked at is labeled.
    """
    tower = load_tower(workdir.tower)
    names = tower.classes
    if label not in names:
        known = ", ".join(names) or "none"
        raise NotFoundError(f"the tower has no label `{label}`.", where="label",
                            mend=f"It was trained on: {known}.")  # fmt: skip
    if label in tower.settings.several:
        raise DataError(f"`{label}` has several values at once, which cannot be picked by.",
                        where="label", mend="Pick by the category or another label."
                        )  # fmt: skip
    catalog = load_catalog(workdir)
    labels = read_labels(catalog, config.tower.max_label_values)
    training = catalog[SPLIT].to_numpy(dtype=object) == "train"
    # a value that training does not know counts as labeled: a person has looked at it
    empty = (catalog[label] == "").to_numpy() & (labels.numbers[label] == MISSING)
    seen = _look(config, tower, catalog, np.flatnonzero(training & empty), label)
    if not len(seen.rows):
        raise DataError(f"no photo of the training split lacks its `{label}`.",
                        where=str(workdir.tables), mend="There is nothing to label.")  # fmt: skip
    picks = pick(seen.probabilities, seen.features, count, np.random.default_rng(config.tower.seed))
    best = seen.probabilities[picks].argmax(axis=1)
    chosen = catalog.iloc[seen.rows[picks]]
    return pd.DataFrame({
        ITEM_ID: chosen[ITEM_ID].to_numpy(), IMAGE: chosen[IMAGE].to_numpy(),
        "guess": [names[label][number] for number in best],
        "probability": seen.probabilities[picks, best].round(4), label: "",
    })  # fmt: skip


def pick(
    probabilities: NDArray[np.float32], features: NDArray[np.float32], count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """Rows to label: k-means++ seeding over gradient embeddings (Ash et al. 2020, BADGE).

    The gradient that a photo would give the last layer, were the tower's guess its label, is
    long where the tower is unsure; rows far from each other are picked, so that no two teach
    the same. Its inner products need no more than those of its two factors.

    Args:
        probabilities: [n, num_classes].
        features: [n, dim].
        count: how many, at most.
        rng: each pick is drawn by its squared distance to those before.

    Returns:
        int64 [min(count, n)], the first the one that the tower is least sure of.
    """
    pulls = probabilities.astype(np.float64).copy()
    pulls[np.arange(len(pulls)), probabilities.argmax(axis=1)] -= 1.0
    features = features.astype(np.float64)
    lengths = np.sum(pulls**2, axis=1) * np.sum(features**2, axis=1)
    picks = [int(lengths.argmax())] if len(lengths) else []
    distance = np.full(len(lengths), np.inf)
    while picks and len(picks) < min(count, len(lengths)):
        last = picks[-1]
        products = (pulls @ pulls[last]) * (features @ features[last])
        distance = np.minimum(distance, np.maximum(lengths + lengths[last] - 2 * products, 0.0))
        distance[picks] = 0.0
        total = distance.sum()
        left = np.setdiff1d(np.arange(len(lengths)), picks)
        shares = distance[left] / total if total > 0 else np.full(len(left), 1 / len(left))
        picks.append(int(rng.choice(left, p=shares / shares.sum())))
    return np.array(picks[:count], np.int64)


def _look(
    config: Config, tower: LoadedTower, catalog: pd.DataFrame, rows: NDArray[np.int64], label: str
) -> Seen:
    """The first photo of each item that can be read, through the tower."""
    heads = tower.heads
    if heads is None:
        raise ValueError("the tower has no heads")

    @tf.function(reduce_retracing=True, autograph=False)
    def see(pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = tower.layer.features(tf.cast(pixels, tf.float32))
        logits = heads(features, tower.layer.embed(features))[0][label]
        temperature = tower.settings.temperatures.get(label, 1.0)
        return tf.nn.softmax(logits / temperature), tf.math.l2_normalize(features, axis=1)

    def fitted(photo: Photo) -> NDArray[np.uint8] | None:
        try:
            data = read_bytes(photo.location, config.photos.max_bytes, config.sources)
            image = decode_photo(data, config.photos, photo.location)
        except PhotoError:
            return None
        return fit_photo(image, tower.image_size, tower.fit)

    photos = photos_of(catalog, rows)
    found: list[tuple[NDArray[Any], NDArray[Any]]] = []
    batch: list[NDArray[np.uint8]] = []
    kept: list[int] = []
    pixels = map_ahead(fitted, photos, config.embed.decode_workers, PHOTOS_AHEAD)
    for photo, square in zip(photos, track(pixels, "look at photos", len(photos)), strict=True):
        if square is None or (kept and kept[-1] == photo.item_row):
            continue
        kept.append(photo.item_row)
        batch.append(square)
        if len(batch) == config.embed.batch_size:
            found.append(tuple(part.numpy() for part in see(np.stack(batch))))
            batch = []
    if batch:
        found.append(tuple(part.numpy() for part in see(np.stack(batch))))
    if not found:
        return Seen(
            np.zeros(0, np.int64), np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32)
        )
    return Seen(
        np.array(kept, np.int64), *(np.concatenate(part) for part in zip(*found, strict=True))
    )
