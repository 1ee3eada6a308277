"""The adversary moves no channel further than it says, and up the slope of the loss."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from embeddings.adversary import adversarial
from embeddings.image_tower import load_tower
from embeddings.labels import read_labels
from embeddings.seen_photos import compiled, see_photos
from recsys.catalog import load_catalog


@pytest.mark.parametrize("strength", [2, 8])
def test_photos_are_led_astray_by_so_much_and_no_more(trained, strength):
    config, workdir = trained
    tower = load_tower(workdir.tower)
    labels = read_labels(load_catalog(workdir), 100).numbers["category"]
    with see_photos(config, workdir, tower, "test") as seen:
        pixels, known = np.array(seen.pixels), labels[seen.item_rows]
    changed = adversarial(tower, pixels, known, strength)
    assert changed.dtype == np.uint8
    moved = np.abs(changed.astype(int) - pixels.astype(int))
    assert moved.max() == strength
    see = compiled(tower)

    def loss(photos: np.ndarray) -> float:
        logits = see(photos)[1]["category"]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(known, logits)
        return float(tf.reduce_mean(losses))

    noise = np.random.default_rng(0).choice([-strength, strength], pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    assert loss(changed) > loss(noisy)  # as far away, in no particular direction
    assert loss(changed) > loss(pixels)
