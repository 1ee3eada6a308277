"""The servable `text_encoder`: words to where photos of what they say lie."""

from __future__ import annotations

import tensorflow as tf

from embeddings.text_tower import TextTower
from serving.servables import DEFAULT, Encoder, Functions, Tensors


class TextEncoder(Encoder):
    """Words to embeddings of the photo space; they are cut into tokens in the graph.

    Signature `serving_default`:
        text: string [batch], UTF-8.
        Returns embedding float32 [batch, dim], rows of norm 1.
    """

    def __init__(self, tower: TextTower, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self._network = lambda text: tower(text, training=False)
        self._weights = list(tower.variables)

    def _functions(self) -> Functions:
        return {DEFAULT: (self._encode, [tf.TensorSpec([None], tf.string, name="text")])}

    def _encode(self, text: tf.Tensor) -> Tensors:
        return self._stamped(text, embedding=self._network(text))
