"""The ranker: moves the first few hundred candidates by what a dot product cannot see.

Cross layers (DCN V2; Wang et al., WWW 2021) over the features, trained as TFRS's ranking task by
a softmax over each list. It gives a correction, in the units of the scores that it corrects: an
item that it has not seen keeps its score, and an untrained ranker changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
from numpy.typing import NDArray

from recsys.config import RankerConfig
from recsys.rank_features import FEATURES

ABSENT = -1e9  # the logit of a place without a candidate


class Ranker(tfrs.Model):
    """Corrects scores.

    Call:
        features: float32 [batch, n, len(FEATURES)], as `RankFeatures` gives them.
        Returns float32 [batch, n], what is added to the scores.

    Args:
        config: sizes.
        mean, deviation: float32 [len(FEATURES)] of the training's features.
        scale: the first inverse temperature of the softmax.
    """

    def __init__(
        self, config: RankerConfig, mean: NDArray[np.float32], deviation: NDArray[np.float32],
        scale: float = 20.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.candidates = config.candidates  # how many of the best are put into another order
        self._mean = tf.Variable(mean, trainable=False, dtype=tf.float32, name="mean")
        self._deviation = tf.Variable(deviation, trainable=False, dtype=tf.float32, name="dev")
        self._crosses = [
            tfrs.layers.dcn.Cross(kernel_initializer="glorot_uniform", name=f"cross_{layer}")
            for layer in range(config.cross_layers)
        ]
        self._deep = tf.keras.layers.Dense(config.hidden, activation="relu", name="deep")
        self._out = tf.keras.layers.Dense(1, kernel_initializer="zeros", name="out")
        self._log_scale = tf.Variable(np.log(scale), dtype=tf.float32, name="log_scale")
        self._task = tfrs.tasks.Ranking(
            loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True)
        )
        self(tf.zeros([1, 1, len(FEATURES)]))  # makes the variables

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """What is added to the scores."""
        normal = (features - self._mean) / self._deviation
        crossed = normal
        for cross in self._crosses:
            crossed = cross(normal, crossed)
        return self._out(self._deep(crossed))[..., 0]

    def compute_loss(
        self, inputs: tuple[tf.Tensor, tf.Tensor, tf.Tensor], training: bool = False
    ) -> tf.Tensor:
        """Cross-entropy of the right item among its list: a scalar.

        Args:
            inputs: features; bool [batch, n] which places hold a candidate; and float32
                [batch, n] labels, 1 for the right item.
            training: no difference is made.
        """
        features, present, labels = inputs
        scores = features[..., FEATURES.index("score")] + self(features)
        logits = tf.where(present, scores * tf.exp(self._log_scale), ABSENT)
        return self._task(labels=labels, predictions=logits, compute_metrics=False)

    def state(self) -> dict[str, Any]:
        """Every variable as arrays that `numpy.savez` can keep."""
        return {f"{place:02d}": value for place, value in enumerate(self.get_weights())}


def load_ranker(config: RankerConfig, state: dict[str, NDArray[np.float32]]) -> Ranker:
    """A ranker with what `state` gave."""
    blank = np.ones(len(FEATURES), np.float32)
    ranker = Ranker(config, blank, blank)
    ranker.set_weights([state[name] for name in sorted(state)])
    return ranker
