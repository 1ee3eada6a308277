"""Photos mixed in pairs: MixUp and CutMix. Labels are mixed by the same shares."""

from __future__ import annotations

import tensorflow as tf

from recsys.config import TowerConfig


def mix(images: tf.Tensor, config: TowerConfig, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes each photo of a batch with the one as far from the end as it is from the start.

    MixUp (Zhang et al. 2018) fades one into the other; CutMix (Yun et al. 2019) pastes a
    rectangle. With both set, each batch is mixed by one of them at random.

    Args:
        images: float32 [batch, size, size, 3].
        config: `mixup` and `cutmix`, the parameters of their beta distributions; 0 is off.
        seed: int32 [2]; the same seed gives the same mixture.

    Returns:
        The mixed photos, and float32 [batch]: how much of each is the photo itself, at least a
        half; the rest is its partner, the same row of `tf.reverse(images, [0])`.
    """
    whole = tf.ones([tf.shape(images)[0]])
    if not (config.mixup or config.cutmix):
        return images, whole
    choose, beta, place = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    if config.mixup and config.cutmix:
        return tf.cond(
            tf.random.stateless_uniform([], choose) < 0.5,
            lambda: _fade(images, config.mixup, beta),
            lambda: _paste(images, config.cutmix, beta, place),
        )
    if config.mixup:
        return _fade(images, config.mixup, beta)
    return _paste(images, config.cutmix, beta, place)


def _fade(images: tf.Tensor, alpha: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    own = _own_share(tf.shape(images)[0], alpha, seed)
    share = own[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return share * images + (1.0 - share) * tf.reverse(images, [0]), own


def _paste(
    images: tf.Tensor, alpha: float, seed: tf.Tensor, place: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    batch, size = tf.shape(images)[0], tf.shape(images)[1]
    side = tf.cast(size, tf.float32)
    extent = tf.sqrt(1.0 - _own_share(batch, alpha, seed)) * side
    # the rectangle lies inside the photo as a whole
    corner = tf.random.stateless_uniform([2, batch], place) * (side - extent)
    along = tf.range(side, dtype=tf.float32)[tf.newaxis]
    rows, cols = ((along >= start[:, tf.newaxis] - 0.5)
                  & (along < start[:, tf.newaxis] + extent[:, tf.newaxis] - 0.5)
                  for start in tf.unstack(corner))  # fmt: skip
    pasted = rows[:, :, tf.newaxis] & cols[:, tf.newaxis, :]
    mixed = tf.where(pasted[..., tf.newaxis], tf.reverse(images, [0]), images)
    # in whole pixels, as it was pasted
    return mixed, 1.0 - tf.reduce_mean(tf.cast(pasted, tf.float32), axis=[1, 2])


def _own_share(batch: tf.Tensor, alpha: float, seed: tf.Tensor) -> tf.Tensor:
    """Draws of Beta(alpha, alpha), turned so that the photo itself has the larger share."""
    draws = tf.random.stateless_gamma([2, batch], seed, alpha)
    share = tf.math.divide_no_nan(draws[0], draws[0] + draws[1])
    return tf.maximum(share, 1.0 - share)
