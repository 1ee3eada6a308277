"""The ranker as a servable: candidates and their scores in, corrected scores out."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.rank_features import RankFacts, RankFeatures
from recsys.ranker import Ranker
from serving.servables import DEFAULT, NUMBER, TEXT, Functions, ItemIds, Servable, Tensors


class Rank(Servable):
    """Corrects the scores of the first candidates.

    Signature `serving_default`:
        history: string [batch, length], oldest first; ages: float32 [batch, length], seconds
        before now; item_ids: string [batch, n] candidates; scores: float32 [batch, n].
        Returns scores float32 [batch, n] on the same scale. An item that the bundle does not
        know keeps its score, and so does one whose score is no number.

    Args:
        ranker: as validation kept it.
        facts: of the items.
        moving: float32 [num_items, 2] popularity and trend at publication.
        item_ids: [num_items] in row order.
        fingerprint: of the bundle.
    """

    def __init__(
        self, ranker: Ranker, facts: RankFacts, moving: NDArray[np.float32], item_ids: list[str],
        fingerprint: str,
    ) -> None:  # fmt: skip
        super().__init__(fingerprint)
        self._items, self._features = ItemIds(item_ids), RankFeatures(facts)
        self._moving = tf.Variable(moving, trainable=False, dtype=tf.float32, name="moving")
        # held by the function that asks it: a SavedModel of the Keras model would hold more
        self._correct = lambda features: ranker(features)  # noqa: PLW0108
        self._weights = list(ranker.variables)

    def _functions(self) -> Functions:
        return {DEFAULT: (self._rank, [
            tf.TensorSpec([None, None], TEXT, name="history"),
            tf.TensorSpec([None, None], NUMBER, name="ages"),
            tf.TensorSpec([None, None], TEXT, name="item_ids"),
            tf.TensorSpec([None, None], NUMBER, name="scores"),
        ])}  # fmt: skip

    def _rank(
        self, history: tf.Tensor, ages: tf.Tensor, item_ids: tf.Tensor, scores: tf.Tensor
    ) -> Tensors:
        rows, wanted = self._items.rows(history), self._items.rows(item_ids)
        ages = tf.where(tf.math.is_finite(ages), tf.maximum(ages, 0.0), 0.0)
        known = (wanted >= 0) & tf.math.is_finite(scores)
        plain = tf.where(known, scores, 0.0)
        moving = tf.gather(self._moving, tf.maximum(wanted, 0))
        added = self._correct(self._features(rows, ages, wanted, plain, moving))
        return self._stamped(history, scores=tf.where(known, scores + added, scores))
