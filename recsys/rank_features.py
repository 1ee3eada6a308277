"""What the ranker reads of a history and a candidate: what a dot product cannot see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

DAY = 86_400.0
LOOKS = 5  # the last items that photos are compared with
FOREVER = 3650.0  # days; what was never seen was last seen so long ago

FEATURES = (
    "score", "price_gap", "price_distance", "has_price", "category_share", "category_recency",
    "item_recency", "photo_nearest", "photo_mean", "history_length", "last_event", "popularity",
    "trend",
)  # fmt: skip


@dataclass(frozen=True)
class RankFacts:
    """What is known of the items; row i is item i.

    Attributes:
        price: float32 [num_items] log of 1 + price; nan unknown.
        category: int32 [num_items] a number for each category; -1 unknown.
        photo: float16 [num_items, dim] unit vectors, zeros without a photo; dim may be 0.
    """

    price: NDArray[np.float32]
    category: NDArray[np.int32]
    photo: NDArray[np.float16]


class RankFeatures(tf.Module):
    """Features of candidates for histories, the same in training and when served.

    Call:
        rows: int32 [batch, length], oldest first, -1 pads; ages: float32 [batch, length],
        seconds before now; wanted: int32 [batch, n] candidates, -1 for none; scores: float32
        [batch, n] of the towers and transitions; moving: float32 [batch, n, 2] popularity and
        trend as known now.
        Returns float32 [batch, n, len(FEATURES)].
    """

    def __init__(self, facts: RankFacts) -> None:
        super().__init__()
        known = np.isfinite(facts.price)
        self._price = _constant(np.where(known, facts.price, 0.0), tf.float32, "price")
        self._priced = _constant(known, tf.float32, "priced")
        self._category = _constant(facts.category, tf.int32, "category")
        self._photo = _constant(facts.photo, tf.float16, "photo")

    def __call__(
        self, rows: tf.Tensor, ages: tf.Tensor, wanted: tf.Tensor, scores: tf.Tensor,
        moving: tf.Tensor,
    ) -> tf.Tensor:  # fmt: skip
        valid = rows >= 0
        past, items = tf.maximum(rows, 0), tf.maximum(wanted, 0)
        length = tf.reduce_sum(tf.cast(valid, tf.float32), axis=1, keepdims=True)
        category = tf.gather(self._category, past)
        alike = (tf.gather(self._category, items)[..., None] == category[:, None]) & (
            valid & (category >= 0)
        )[:, None]
        share = tf.math.divide_no_nan(tf.reduce_sum(tf.cast(alike, tf.float32), -1), length)
        same = (wanted[..., None] == rows[:, None]) & valid[:, None]
        days = ages / DAY
        last = _last(days, valid)[:, None]
        wide = tf.zeros_like(scores)
        nearest, mean = self._looks(rows, items)
        features = [
            scores, *self._prices(past, valid, items), share, _last(days[:, None], alike),
            _last(days[:, None], same), nearest, mean, wide + tf.math.log1p(length), wide + last,
            moving[..., 0], moving[..., 1],
        ]  # fmt: skip
        return tf.stack(features, axis=-1)

    def _prices(
        self, past: tf.Tensor, valid: tf.Tensor, items: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The price beside the shopper's usual one, how far off it is, and whether it is known."""
        told = tf.gather(self._priced, past) * tf.cast(valid, tf.float32)
        count = tf.reduce_sum(told, axis=1, keepdims=True)
        usual = tf.math.divide_no_nan(
            tf.reduce_sum(tf.gather(self._price, past) * told, axis=1, keepdims=True), count
        )
        known = tf.gather(self._priced, items) * tf.cast(count > 0.0, tf.float32)
        gap = (tf.gather(self._price, items) - usual) * known
        return gap, tf.abs(gap), known

    def _looks(self, rows: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The cosines of a candidate's photo with those of the last items: largest and mean."""
        order = tf.argsort(tf.cast(rows >= 0, tf.int32), axis=1, stable=True)[:, -LOOKS:]
        late = tf.gather(rows, order, batch_dims=1)
        seen = tf.cast(tf.gather(self._photo, tf.maximum(late, 0)), tf.float32)
        seen *= tf.cast(late >= 0, tf.float32)[..., None]
        cosines = tf.einsum(
            "bnd,bld->bnl", tf.cast(tf.gather(self._photo, items), tf.float32), seen
        )
        # nothing to compare with is a cosine of 0
        cosines = tf.pad(cosines, [[0, 0], [0, 0], [0, 1]])
        count = tf.maximum(tf.reduce_sum(tf.cast(late >= 0, tf.float32), 1), 1.0)
        return tf.reduce_max(cosines, -1), tf.reduce_sum(cosines, -1) / count[:, None]


def _last(days: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """How long ago the last chosen event was: log of 1 + days, along the last axis."""
    ages = tf.where(chosen, tf.maximum(days, 0.0), FOREVER)
    nothing = tf.fill(tf.concat([tf.shape(ages)[:-1], [1]], 0), FOREVER)
    return tf.math.log1p(tf.reduce_min(tf.concat([ages, nothing], -1), axis=-1))


def _constant(values: object, kind: tf.DType, name: str) -> tf.Variable:
    return tf.Variable(tf.cast(values, kind), trainable=False, name=name)
