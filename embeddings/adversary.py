"""Photos changed by as little as one would not see, so that the tower errs."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from embeddings.image_tower import CATEGORY, Tower

STRENGTHS = (2, 8)  # of 255: nobody sees the first, who looks twice sees the second


def adversarial(
    tower: Tower, pixels: NDArray[np.uint8], labels: NDArray[np.int32], strength: int
) -> NDArray[np.uint8]:
    """One step up the slope of the loss (Goodfellow et al. 2015, the fast gradient sign method).

    Args:
        tower: with a head for categories.
        pixels: uint8 [n, size, size, 3].
        labels: int32 [n] true categories, all known.
        strength: how far each channel of each pixel goes, of 255.

    Returns:
        uint8 of the same shape.
    """
    if tower.heads is None or CATEGORY not in tower.settings.num_classes():
        raise ValueError("this tower names no categories")
    images = tf.cast(pixels, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        features = tower.layer.features(images)
        logits, metric_logits = tower.heads(features, tower.layer.embed(features))
        # both heads: the second one stands for the embedding, by which photos are found
        loss = sum(
            tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, found[CATEGORY]))
            for found in (logits, metric_logits)
        )
    steps = tf.sign(tape.gradient(loss, images)) * strength
    return np.asarray(tf.clip_by_value(images + steps, 0.0, 255.0)).astype(np.uint8)
