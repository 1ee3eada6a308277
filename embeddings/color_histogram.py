"""Which colors a photo holds: what a network that was taught to ignore the light forgets.

Networks taught on ImageNet name a mug whatever its glaze; a shopper who asks for a red one
minds. So a tower may read a soft histogram of colors beside the network's features, and learns
how much of it matters.
"""

from __future__ import annotations

import tensorflow as tf

SIDE = 32  # photos are averaged down to about this side first: a color has an area
GAIN = 8.0  # brings a histogram's length near that of a network's pooled features


def num_features(levels: int) -> int:
    """How many numbers `color_histogram` gives: two histograms."""
    return 2 * levels**3


def color_histogram(images: tf.Tensor, levels: int) -> tf.Tensor:
    """Soft histograms of the whole photo and of its middle, where the product is.

    Each pixel counts for the grid colors around it by how near they are (trilinear
    interpolation), so that a slightly other light changes little. Square roots of the shares
    make Euclidean distance that of Hellinger, under which small areas still count.

    Args:
        images: float32 [batch, size, size, 3], RGB in 0..255.
        levels: grid colors along each of red, green and blue, at least 2.

    Returns:
        float32 [batch, 2 * levels ** 3]; each half has length GAIN.
    """
    size = int(images.shape[1])
    stride = max(1, size // SIDE)
    small = tf.nn.avg_pool2d(images, stride, stride, "VALID")
    near = _nearness(small, levels)
    quarter = int(small.shape[1]) // 4
    middle = near[:, quarter:-quarter, quarter:-quarter] if quarter else near
    return tf.concat([_rooted(near), _rooted(middle)], axis=1)


def _nearness(images: tf.Tensor, levels: int) -> tf.Tensor:
    """How much each pixel counts for each grid color: [batch, rows, cols, levels ** 3]."""
    place = images * ((levels - 1) / 255.0)
    grid = tf.range(levels, dtype=images.dtype)
    hats = tf.nn.relu(1.0 - tf.abs(place[..., tf.newaxis] - grid))  # [..., 3, levels]
    red, green, blue = hats[..., 0, :], hats[..., 1, :], hats[..., 2, :]
    both = red[..., :, tf.newaxis] * green[..., tf.newaxis, :]
    all_three = both[..., :, :, tf.newaxis] * blue[..., tf.newaxis, tf.newaxis, :]
    shape = tf.shape(images)
    return tf.reshape(all_three, [shape[0], shape[1], shape[2], levels**3])


def _rooted(near: tf.Tensor) -> tf.Tensor:
    # a gradient goes through for explanations; the root's is without bound at 0
    return GAIN * tf.sqrt(tf.reduce_mean(near, axis=[1, 2]) + 1e-8)
