"""A tower whose smallest weights are zero: its file compresses to less, and loses little."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from embeddings.image_tower import Tower, build_tower

SHARES = (0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # of each kernel, largest first


def pruned(tower: Tower, share: float) -> Tower:
    """A copy with a share of every kernel set to zero, those nearest to it (Han et al. 2015).

    Depthwise kernels, biases and normalization stay: they are few, and each tells much.

    Args:
        tower: it is not changed.
        share: in [0, 1), of each kernel's numbers.
    """
    copy = build_tower(tower.settings)
    copy.model.set_weights(tower.model.get_weights())
    for layer in copy.layer.submodules:
        if _is_pruned(layer):
            layer.kernel.assign(_without_smallest(layer.kernel.numpy(), share))
    return copy


def zero_share(tower: Tower) -> float:
    """The share of the tower's weights that are zero."""
    weights = [weight.numpy() for weight in tower.layer.weights]
    return sum(int(np.sum(each == 0)) for each in weights) / sum(each.size for each in weights)


def _is_pruned(layer: tf.Module) -> bool:
    kinds = (tf.keras.layers.Conv2D, tf.keras.layers.Dense)
    return isinstance(layer, kinds) and not isinstance(layer, tf.keras.layers.DepthwiseConv2D)


def _without_smallest(kernel: np.ndarray, share: float) -> np.ndarray:
    count = int(share * kernel.size)
    if not count:
        return kernel
    least = np.partition(np.abs(kernel), count, axis=None)[count]
    return np.where(np.abs(kernel) < least, np.float32(0), kernel)
