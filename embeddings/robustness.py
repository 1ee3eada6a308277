"""Whether a photo still finds its like after what happens to photos."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embeddings.adversary import STRENGTHS, adversarial
from embeddings.hardships import HARDSHIPS, Pixels, harder
from embeddings.image_tower import CATEGORY, LoadedTower
from embeddings.seen_photos import compiled, encode

UNCHANGED = "as it is"
MOST_QUERIES = 1000  # more say little more, and each hardship encodes them anew

Change = Callable[[Pixels, NDArray[np.int32]], Pixels]


def robustness(
    tower: LoadedTower, pixels: Pixels, labels: NDArray[np.int32],
    gallery: NDArray[np.float32], gallery_labels: NDArray[np.int32], batch_size: int,
) -> dict[str, float]:  # fmt: skip
    """R@1 of photos as they are and after each hardship, in a gallery of untouched ones.

    Args:
        tower: what encodes.
        pixels: uint8 [n, size, size, 3] of the photos that ask.
        labels: int32 [n] their categories; those of -1 ask nothing.
        gallery, gallery_labels: float32 [m, dim] unit vectors and int32 [m] categories.
        batch_size: photos encoded at once.

    Returns:
        By name: `as it is`, each of HARDSHIPS, and `adversary N` where the tower has a head to
        be led astray. Empty where nothing can be compared.
    """
    asking = np.flatnonzero(labels >= 0)
    if len(asking) > MOST_QUERIES:
        asking = np.sort(np.random.default_rng(0).choice(asking, MOST_QUERIES, replace=False))
    if not len(asking) or not len(gallery):
        return {}
    see, found = compiled(tower), {}
    for name, change in _changes(tower).items():
        hits = 0
        for start in range(0, len(asking), batch_size):
            rows = asking[start : start + batch_size]
            changed = change(np.asarray(pixels[rows]), labels[rows])
            vectors, _ = encode(see, changed, batch_size)
            nearest = gallery_labels[np.argmax(vectors @ gallery.T, axis=1)]
            hits += int(np.sum(nearest == labels[rows]))
        found[name] = hits / len(asking)
    return found


def _changes(tower: LoadedTower) -> dict[str, Change]:
    changes: dict[str, Change] = {UNCHANGED: _same}
    changes |= {name: functools.partial(_all_harder, name) for name in HARDSHIPS}
    if CATEGORY in tower.settings.num_classes():
        changes |= {f"adversary {strength}": functools.partial(_led_astray, tower, strength)
                    for strength in STRENGTHS}  # fmt: skip
    return changes


def _same(pixels: Pixels, labels: NDArray[np.int32]) -> Pixels:
    return pixels


def _all_harder(name: str, pixels: Pixels, labels: NDArray[np.int32]) -> Pixels:
    return np.stack([harder(photo, name) for photo in pixels])


def _led_astray(
    tower: LoadedTower, strength: int, pixels: Pixels, labels: NDArray[np.int32]
) -> Pixels:
    return adversarial(tower, pixels, labels, strength)
