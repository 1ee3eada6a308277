"""Softmax over the catalog, whole or sampled with the correction that sampling needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def full_softmax(
    queries: tf.Tensor, candidates: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor,
    label_smoothing: float = 0.0, seen: tf.Tensor | None = None, offsets: tf.Tensor | None = None,
    precision: str = "float32",
) -> tf.Tensor:  # fmt: skip
    """Weighted mean cross-entropy of each target against the whole catalog.

    Args:
        queries: float32 [n, dim], already divided by the temperature, of norm at most 50.
        candidates: float32 [num_items, dim] of norm 1.
        targets: int32 [n] rows.
        weights: float32 [n].
        label_smoothing: share of the label that is spread over the catalog evenly.
        seen: int64 [m, 2] (query, row) pairs that are masked when serving, and so here:
            pushing down what is never shown would push its neighbors down too.
        offsets: float32 [num_items] added to the scores: log of how many items each stands for.
        precision: in which the scores and their gradients are multiplied; sums are float32.
    """
    own = tf.reduce_sum(queries * tf.gather(candidates, targets), axis=1)
    losses = log_sum_exp(queries, candidates, seen, offsets, precision) - own
    if label_smoothing:
        # spreads over all items, seen ones too: cheap, as their mean is one vector
        mean = tf.linalg.matvec(queries, tf.reduce_mean(candidates, axis=0))
        losses += label_smoothing * (own - mean)
    return tf.math.divide_no_nan(tf.reduce_sum(weights * losses), tf.reduce_sum(weights))


def log_sum_exp(
    queries: tf.Tensor,
    candidates: tf.Tensor,
    left_out: tf.Tensor | None = None,
    offsets: tf.Tensor | None = None,
    precision: str = "float32",
) -> tf.Tensor:
    """Log of the sum over candidates of exp(query · candidate), float32 [n].

    Scores of unit candidates are bounded by the query's norm, so no pass over them is needed to
    find the largest, and the gradient needs none either: half the time of the usual softmax,
    most of which goes into reading and writing the scores.

    Args:
        queries: float32 [n, dim] of norm at most 50, or exp underflows.
        candidates: float32 [num_items, dim] of norm 1.
        left_out: int64 [m, 2] (query, row) pairs that do not count.
        offsets: float32 [num_items] added to every query's scores; 0 when None.
        precision: `float32` or `bfloat16`, of the three matrix products.
    """
    low = tf.as_dtype(precision)

    @tf.custom_gradient
    def compute(queries: tf.Tensor, candidates: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
        bound = tf.norm(queries, axis=1, keepdims=True)
        ones = tf.ones([tf.shape(candidates)[0], 1])
        added = tf.zeros_like(ones) if offsets is None else offsets[:, None]
        if low == tf.float32:
            # two more dimensions subtract the bound and add the offsets inside the product
            shares = tf.exp(tf.matmul(
                tf.concat([queries, -bound, tf.ones_like(bound)], 1),
                tf.concat([candidates, ones, added], 1), transpose_b=True,
            ))  # fmt: skip
        else:  # bound and offsets are too large for its three digits
            scores = tf.matmul(tf.cast(queries, low), tf.cast(candidates, low), transpose_b=True)
            shares = tf.exp(tf.cast(scores, tf.float32) - bound + tf.transpose(added))
        if left_out is not None:
            shares = tf.tensor_scatter_nd_update(
                shares, left_out, tf.zeros([tf.shape(left_out)[0]])
            )
        total = tf.matmul(shares, ones)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            scale, parts = upstream[:, None] / total, tf.cast(shares, low)
            to_queries = tf.matmul(parts, tf.cast(candidates, low))
            to_candidates = tf.matmul(parts, tf.cast(queries * scale, low), transpose_a=True)
            return tf.cast(to_queries, tf.float32) * scale, tf.cast(to_candidates, tf.float32)

        return tf.math.log(total[:, 0]) + bound[:, 0], gradient

    return compute(queries, candidates)


def sampled_softmax(
    queries: tf.Tensor, tower: Callable[[tf.Tensor], tf.Tensor], targets: tf.Tensor,
    weights: tf.Tensor, known_rows: tf.Tensor, target_share: tf.Tensor, num_sampled: int,
    label_smoothing: float = 0.0, precision: str = "float32",
) -> tf.Tensor:  # fmt: skip
    """As `full_softmax`, against the batch's own targets and items drawn evenly.

    Popular items are drawn more often, as targets of others; subtracting the log of how likely
    an item is drawn (logQ) makes up for it (Yi et al., RecSys 2019). An item counts once however
    often it is drawn, so no answer stands against itself, and a query's own target is there for
    sure and is not corrected: the sum is then an unbiased estimate of that over the catalog.

    Args:
        queries, targets, weights, label_smoothing, precision: as above; the label is spread
            over the items drawn.
        tower: item rows → vectors.
        known_rows: int32 [num_known] the items that may be drawn.
        target_share: float32 [num_items] how often each item is a target.
        num_sampled: how many items are drawn evenly.
    """
    num_known = tf.shape(known_rows)[0]
    drawn = tf.gather(known_rows, tf.random.uniform([num_sampled], 0, num_known, tf.int32))
    rows, position = tf.unique(tf.concat([targets, drawn], axis=0))
    vectors = tower(rows)
    position = position[: tf.shape(targets)[0]]
    # the chance that an item is missed by every target and by every draw
    share = tf.minimum(tf.gather(target_share, rows), 0.999)
    missed = tf.cast(tf.shape(targets)[0], tf.float32) * tf.math.log1p(-share)
    missed += num_sampled * tf.math.log1p(-1.0 / tf.maximum(tf.cast(num_known, tf.float32), 2.0))
    offsets = -tf.math.log(-tf.math.expm1(missed))
    itself = tf.stack([tf.range(tf.shape(position)[0]), position], axis=1)
    own = tf.reduce_sum(queries * tf.gather(vectors, position), axis=1)
    others = log_sum_exp(queries, vectors, tf.cast(itself, tf.int64), offsets, precision)
    losses = tf.math.softplus(others - own)
    if label_smoothing:
        mean = tf.linalg.matvec(queries, tf.reduce_mean(vectors, axis=0))
        losses += label_smoothing * (own - mean)
    return tf.math.divide_no_nan(tf.reduce_sum(weights * losses), tf.reduce_sum(weights))
