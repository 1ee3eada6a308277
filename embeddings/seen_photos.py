"""The photos of a split as the tower sees them: pixels, embeddings, logits."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from embeddings.image_tower import LoadedTower, Tower
from embeddings.pixel_cache import Photo, cache_pixels, photos_of
from recsys.catalog import load_catalog
from recsys.columns import SPLIT
from recsys.config import Config
from recsys.errors import DataError
from recsys.workdir import Workdir

See = Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]
"""Pixels uint8 [n, size, size, 3] to embeddings [n, dim] and logits by label."""


@dataclass(frozen=True)
class SeenPhotos:
    """Photos that could be read.

    Attributes:
        photos: what they are and where.
        pixels: uint8 [n, size, size, 3], on disk.
        item_rows: int32 [n] catalog rows.
        vectors: float32 [n, embedding_dim], rows of norm 1.
        logits: by label float32 [n, num_classes], not calibrated.
    """

    photos: list[Photo]
    pixels: np.ndarray
    item_rows: NDArray[np.int32]
    vectors: NDArray[np.float32]
    logits: dict[str, NDArray[np.float32]]


@contextlib.contextmanager
def see_photos(
    config: Config, workdir: Workdir, tower: LoadedTower, split: str
) -> Iterator[SeenPhotos]:
    """Reads and encodes every photo of a split; its pixels are gone afterwards.

    Raises:
        DataError: the split has no photo that can be read.
    """
    catalog = load_catalog(workdir)
    photos = photos_of(catalog, np.flatnonzero(catalog[SPLIT].to_numpy(dtype=object) == split))
    with tempfile.TemporaryDirectory(dir=workdir.root) as scratch:
        cache = cache_pixels(photos, config.photos, tower.image_size, Path(scratch) / "pixels",
                             config.embed.decode_workers)  # fmt: skip
        if not len(cache.pixels):
            raise DataError(f"the {split} split has no photo that can be read.",
                            where=str(workdir.tables), mend="Look at `vitrine check`.")  # fmt: skip
        vectors, logits = encode(compiled(tower), cache.pixels, config.embed.batch_size)
        yield SeenPhotos([photos[place] for place in cache.places], cache.pixels,
                         cache.item_rows, vectors, logits)  # fmt: skip


def compiled(tower: Tower) -> See:
    """A tower as one compiled function of fitted photos; it is traced once for each shape."""

    @tf.function(reduce_retracing=True, autograph=False)
    def see(batch: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        features = tower.layer.features(tf.cast(batch, tf.float32))
        embeddings = tower.layer.embed(features)
        return embeddings, tower.heads(features, embeddings)[0] if tower.heads else {}

    def see_pixels(pixels: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        embeddings, logits = see(np.asarray(pixels))
        return embeddings.numpy(), {name: found.numpy() for name, found in logits.items()}

    return see_pixels


def encode(
    see: See, pixels: np.ndarray, batch_size: int
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Embeddings float32 [n, dim] and logits by label [n, num_classes] of n > 0 photos."""
    parts = [see(pixels[start : start + batch_size])
             for start in range(0, len(pixels), batch_size)]  # fmt: skip
    return (
        np.concatenate([vectors for vectors, _ in parts]),
        {name: np.concatenate([logits[name] for _, logits in parts]) for name in parts[0][1]},
    )
