"""Small changes to a photo that leave the product what it is."""

from __future__ import annotations

import tensorflow as tf

from recsys.config import TowerConfig

WHITE, GRAY = 255.0, 127.0
SMALLEST_ERASED, LARGEST_ERASED = 0.1, 0.45  # of the side


def augment(
    images: tf.Tensor, config: TowerConfig, seed: tf.Tensor, out_size: int = 0
) -> tf.Tensor:
    """Flips, moves, zooms, lights and partly covers each photo of a batch at random.

    Args:
        images: float32 [batch, size, size, 3], RGB in 0..255.
        config: how far each change goes.
        seed: int32 [2]; the same seed gives the same changes.
        out_size: the side of the photos that come out; 0 leaves it.

    Returns:
        float32 [batch, out_size, out_size, 3]; what comes into view from outside is white.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    images = _move(images, config, seeds[0], seeds[1], out_size)
    if config.augment_light:
        low, high = 1.0 - config.augment_light, 1.0 + config.augment_light
        gain = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seeds[2], low, high)
        images = tf.clip_by_value(images * gain, 0.0, 255.0)
    if config.augment_contrast:
        low, high = 1.0 - config.augment_contrast, 1.0 + config.augment_contrast
        gain = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seeds[3], low, high)
        mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
        images = tf.clip_by_value((images - mean) * gain + mean, 0.0, 255.0)
    if config.augment_erase:
        images = _erase(images, config.augment_erase, seeds[4])
    return images


def _erase(images: tf.Tensor, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Paints a gray rectangle over some photos (Zhong et al. 2020, random erasing)."""
    batch, size = tf.shape(images)[0], tf.cast(tf.shape(images)[1], tf.float32)
    numbers = tf.random.stateless_uniform([5, batch, 1], seed)
    along = tf.range(size, dtype=tf.float32)[tf.newaxis]
    extents = (SMALLEST_ERASED + (LARGEST_ERASED - SMALLEST_ERASED) * numbers[:2]) * size
    rows, cols = (tf.abs(along - numbers[2 + axis] * size) < extents[axis] / 2 for axis in (0, 1))
    erased = rows[:, :, tf.newaxis] & cols[:, tf.newaxis, :] & (numbers[4] < share)[:, tf.newaxis]
    return tf.where(erased[..., tf.newaxis], GRAY, images)


def _move(
    images: tf.Tensor, config: TowerConfig, shift_seed: tf.Tensor, flip_seed: tf.Tensor,
    out_size: int,
) -> tf.Tensor:  # fmt: skip
    """One resampling for flip, zoom, shift and a smaller side together."""
    batch, size = tf.shape(images)[0], tf.cast(tf.shape(images)[1], tf.float32)
    out_shape = [out_size, out_size] if out_size else tf.shape(images)[1:3]
    smaller = size / tf.cast(out_shape[0], tf.float32)
    numbers = tf.random.stateless_uniform([4, batch], shift_seed, -1.0, 1.0)
    zoom_x = 1.0 + config.augment_zoom * numbers[0]
    zoom_y = zoom_x * (1.0 + 0.3 * config.augment_zoom * numbers[3])
    shift_x = config.augment_shift * size * numbers[1]
    shift_y = config.augment_shift * size * numbers[2]
    flip = tf.ones([batch])
    if config.augment_flip:
        flip = tf.sign(tf.random.stateless_uniform([batch], flip_seed, -1.0, 1.0) + 1e-9)
    center, out_center = (size - 1.0) / 2.0, (size / smaller - 1.0) / 2.0
    scale_x, scale_y = flip * zoom_x * smaller, zoom_y * smaller
    zeros = tf.zeros([batch])
    # rows of ImageProjectiveTransformV3: output (x, y) takes input (a x + b y + c, d x + e y + f)
    transforms = tf.stack([
        scale_x, zeros, center - scale_x * out_center + shift_x,
        zeros, scale_y, center - scale_y * out_center + shift_y,
        zeros, zeros,
    ], axis=1)  # fmt: skip
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images, transforms=transforms, output_shape=out_shape,
        fill_value=WHITE, interpolation="BILINEAR", fill_mode="CONSTANT",
    )  # fmt: skip
