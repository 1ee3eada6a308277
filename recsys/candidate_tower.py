"""The candidate tower: an item's vector from its id, photo, category, brand, price and words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.features import ItemFeatures, Vocabulary
from recsys.item_placing import ItemPlacing

NEW, IDLE = -1, -2  # in place of an id: training never saw it, or saw that nobody wanted it
CHUNK = 65_536  # items placed at once outside of training


class Items(NamedTuple):
    """Some items as the candidate tower reads them.

    Attributes:
        ids: int32 [n] which id vector is the item's; NEW or IDLE for an item without one.
        image: float32 [n, image_dim] photo embeddings of norm 1.
        has_image: bool [n].
        bags: field → int32 [n, width] token ids, 0 fills up.
    """

    ids: tf.Tensor
    image: tf.Tensor
    has_image: tf.Tensor
    bags: dict[str, tf.Tensor]

    def take(self, rows: tf.Tensor) -> Items:
        """Only these rows."""
        bags = {name: tf.gather(bag, rows) for name, bag in self.bags.items()}
        return Items(
            tf.gather(self.ids, rows), tf.gather(self.image, rows), tf.gather(self.has_image, rows),
            bags,
        )  # fmt: skip

    def as_new(self) -> Items:
        """The same items as if training had never seen them."""
        return self._replace(ids=tf.fill(tf.shape(self.ids), NEW))


def as_items(features: ItemFeatures, ids: NDArray[np.int32] | None = None) -> Items:
    """A catalog's features as tensors; without `ids` every item is new."""
    ids = np.full(features.num_items, NEW, np.int32) if ids is None else ids
    bags = {name: tf.constant(bag) for name, bag in features.bags.items()}
    return Items(
        tf.constant(ids), tf.constant(features.image), tf.constant(features.has_image), bags
    )


class CandidateTower(tf.keras.layers.Layer):
    """Maps items to vectors of the space that queries are compared in.

    The id vector of an item is dropped at random in training, so that what is known of an item
    can place it alone: a new item has nothing else (Volkovs et al., DropoutNet, NeurIPS 2017).

    Call:
        items: `Items` of n items.
        Returns float32 [n, dim], each row of norm 1.

    Args:
        vocabulary: what the tokens mean, and how long a photo embedding is.
        num_ids: how many items have an id vector; 0 for none.
        dim: length of the vectors.
        id_dropout: share of id vectors dropped in training.
        feature_dropout: share of the photos' numbers and of the tokens dropped in training.
    """

    def __init__(
        self, vocabulary: Vocabulary, num_ids: int, dim: int, *, id_dropout: float = 0.0,
        feature_dropout: float = 0.0, name: str = "candidate",
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self.dim, self.id_dropout, self.feature_dropout = dim, id_dropout, feature_dropout
        self.prior = self._table("prior", [dim])
        self.ids = self._table("ids", [num_ids, dim]) if num_ids else None
        self.tables = {
            field: self._table(field, [len(vocabulary.tokens[field]) + 1, dim])
            for field in vocabulary.fields
        }
        self.project_image = self.no_image = None
        self.placing: ItemPlacing | None = None
        self.for_new: CandidateTower | None = None
        if vocabulary.image_dim:
            self.project_image = tf.keras.layers.Dense(dim, name="project_image")
            self.project_image.build([None, vocabulary.image_dim])
            self.no_image = self.add_weight("no_image", [dim], initializer="zeros")

    def call(self, items: Items, training: bool = False) -> tf.Tensor:
        vectors = tf.broadcast_to(self.prior, [tf.shape(items.ids)[0], self.dim])
        if self.ids is not None:
            keep = tf.cast(items.ids >= 0, tf.float32)
            if training and self.id_dropout:
                keep *= tf.cast(tf.random.uniform(tf.shape(keep)) >= self.id_dropout, tf.float32)
            vectors += tf.gather(self.ids, tf.maximum(items.ids, 0)) * keep[:, None]
        if self.project_image is not None:
            # unit vectors have small components: bring them to about 1 each
            scaled = items.image * float(items.image.shape[1]) ** 0.5
            if training and self.feature_dropout:
                scaled = tf.nn.dropout(scaled, self.feature_dropout)
            shown = items.has_image[:, None]
            vectors += tf.where(shown, self.project_image(scaled), self.no_image)
        for name, table in self.tables.items():
            bag = items.bags[name]
            if training and self.feature_dropout:
                bag = tf.where(tf.random.uniform(tf.shape(bag)) < self.feature_dropout, 0, bag)
            vectors += mean_of_tokens(table, bag)
        vectors = tf.math.l2_normalize(vectors, axis=-1)
        if self.for_new is not None and not training:
            vectors = tf.where((items.ids == NEW)[:, None], self.for_new(items), vectors)
        return vectors

    def place_new_by(self, placing: ItemPlacing, vocabulary: Vocabulary) -> None:
        """New items lie where a regression puts them from here on; idle ones where they lay."""
        tower = CandidateTower(vocabulary, 0, self.dim)
        tower.prior.assign(placing.prior)
        if tower.project_image is not None and tower.no_image is not None:
            tower.project_image.set_weights([placing.image, np.zeros(self.dim, np.float32)])
            tower.no_image.assign(placing.no_image)
        for name, table in tower.tables.items():
            table.assign(placing.tables[name])
        # past Keras, which would count its weights among those that this tower learned
        object.__setattr__(self, "placing", placing)
        object.__setattr__(self, "for_new", tower)

    def place(self, items: Items) -> NDArray[np.float32]:
        """Every item's vector, float32 [n, dim], a chunk at a time."""
        count = int(items.ids.shape[0])
        chunks = [self(items.take(tf.range(start, min(start + CHUNK, count)))).numpy()
                  for start in range(0, count, CHUNK)]  # fmt: skip
        return np.concatenate([np.zeros((0, self.dim), np.float32), *chunks])

    def _table(self, name: str, shape: list[int]) -> tf.Variable:
        normal = tf.keras.initializers.RandomNormal(stddev=self.dim**-0.5)
        return self.add_weight(name, shape, initializer=normal)


def mean_of_tokens(table: tf.Tensor, bag: tf.Tensor) -> tf.Tensor:
    """Mean embedding of each row's tokens: [n, width] ids, 0 for none → [n, dim]."""
    known = tf.cast(bag > 0, tf.float32)
    summed = tf.reduce_sum(tf.gather(table, bag) * known[:, :, None], axis=1)
    return summed / tf.maximum(tf.reduce_sum(known, axis=1, keepdims=True), 1.0)
