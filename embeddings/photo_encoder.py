"""The tower as a function from pixels to unit vectors, compiled for one batch shape."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from embeddings.image_tower import Tower

Encode = Callable[[np.ndarray], np.ndarray]  # uint8 [n, size, size, 3] to float32 [n, dim]


def make_encode(tower: Tower, batch_size: int) -> Encode:
    """A function from at most `batch_size` photos to their vectors, compiled here and now."""
    shape = [batch_size, tower.image_size, tower.image_size, 3]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)], autograph=False)
    def encode(pixels: tf.Tensor) -> tf.Tensor:
        return tower.layer(tf.cast(pixels, tf.float32))

    compiled = encode.get_concrete_function()

    def encode_padded(pixels: np.ndarray) -> np.ndarray:
        count = len(pixels)
        if count < batch_size:
            blank = np.zeros((batch_size - count, *pixels.shape[1:]), np.uint8)
            pixels = np.concatenate([pixels, blank])
        return np.asarray(compiled(tf.constant(pixels)))[:count]

    return encode_padded
