"""Where in a photo the tower looks: Grad-CAM for a class, and for what makes two photos similar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from embeddings.image_tower import Tower

HEAT = colormaps["inferno"]
SHARE_OF_HEAT = 0.55  # in the overlay, at the hottest place


def class_heat(
    tower: Tower, pixels: NDArray[np.uint8], label: str, number: int
) -> NDArray[np.float32]:
    """Which regions speak for a class (Grad-CAM: Selvaraju et al. 2017, equations 1 and 2).

    Args:
        tower: with a head for the label.
        pixels: [size, size, 3], as fitted for the tower.
        label: `category` or an attribute's column.
        number: the class's place in the label's values.

    Returns:
        float32 [rows, cols] of the backbone's maps, in [0, 1]; all 0 where nothing speaks for it.
    """
    heads = tower.heads
    if heads is None:
        raise ValueError("the tower has no heads")

    images = tf.cast(pixels[np.newaxis], tf.float32)

    def score(maps: tf.Tensor) -> tf.Tensor:
        features = tower.layer.pool(maps, images)
        return heads(features, tower.layer.embed(features))[0][label][:, number]

    return _grad_cam(tower.layer.maps(images), score)


def pair_heat(
    tower: Tower, pixels: NDArray[np.uint8], others: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which regions of two photos make their embeddings similar: Grad-CAM of their cosine.

    Args:
        tower: that compares them.
        pixels, others: [size, size, 3] each, as fitted for the tower.

    Returns:
        Two float32 [rows, cols] in [0, 1].
    """
    images = [tf.cast(each[np.newaxis], tf.float32) for each in (pixels, others)]
    maps = [tower.layer.maps(each) for each in images]
    embeddings = [tower.layer.embed(tower.layer.pool(*each))
                  for each in zip(maps, images, strict=True)]  # fmt: skip

    def heat(place: int) -> NDArray[np.float32]:
        def cosine(found: tf.Tensor) -> tf.Tensor:
            embedding = tower.layer.embed(tower.layer.pool(found, images[place]))
            return tf.reduce_sum(embedding * embeddings[1 - place], axis=1)

        return _grad_cam(maps[place], cosine)

    return heat(0), heat(1)


def overlay(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> Image.Image:
    """A photo with its heat map over it.

    Args:
        pixels: [height, width, 3].
        heat: [rows, cols] in [0, 1]; it is stretched over the photo.
    """
    height, width = pixels.shape[:2]
    gray = Image.fromarray(np.uint8(np.clip(heat, 0, 1) * 255))
    smooth = np.asarray(gray.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255.0
    colors = HEAT(smooth)[..., :3] * 255.0
    share = (SHARE_OF_HEAT * smooth)[..., np.newaxis]
    return Image.fromarray(np.uint8(np.rint(pixels * (1.0 - share) + colors * share)))


def _grad_cam(maps: tf.Tensor, score: Callable[[tf.Tensor], tf.Tensor]) -> NDArray[np.float32]:
    with tf.GradientTape() as tape:
        tape.watch(maps)
        value = score(maps)
    weights = tf.reduce_mean(tape.gradient(value, maps), axis=[1, 2], keepdims=True)
    heat = np.maximum(tf.reduce_sum(weights * maps, axis=3)[0].numpy(), 0.0)
    return np.asarray(heat / max(float(heat.max()), 1e-12), np.float32)
