"""The model in training: both towers and the loss that ties them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
from numpy.typing import NDArray

from recsys.candidate_tower import IDLE, NEW, CandidateTower, as_items
from recsys.config import ModelConfig, TrainConfig
from recsys.features import ItemFeatures, Vocabulary
from recsys.histories import Batch
from recsys.item_placing import fit_placing
from recsys.query_tower import QueryTower
from recsys.repeats import masked_kinds
from recsys.retrieval_loss import full_softmax, sampled_softmax

PLACING_STRIDE = 4  # one place in so many teaches how new items are placed


class TwoTower(tfrs.Model):
    """Both towers and the loss that ties them; trained by `recsys.training_loop`.

    Items that training never saw have no id vector: they are placed by what is known of them.
    Idle ones, on offer all along and touched by nobody, are answers that were not given and
    stand in the softmax, by a sample; new ones are neither pushed up nor down.

    Args:
        config, settings: how the model is built and trained.
        features, vocabulary: the catalog.
        counts: int [num_items] events of each item that training sees.
        idle: bool [num_items] which of the items without events were on offer.
        target_share: float32 [num_items] each item's share of the targets.
    """

    def __init__(
        self, config: ModelConfig, settings: TrainConfig, features: ItemFeatures,
        vocabulary: Vocabulary, counts: NDArray[np.int64], idle: NDArray[np.bool_],
        target_share: NDArray[np.float32],
    ) -> None:  # fmt: skip
        super().__init__()
        self.config, self.settings = config, settings
        self.num_items = features.num_items
        known = np.flatnonzero(counts > 0)
        ids = np.where(idle & (counts == 0), IDLE, NEW).astype(np.int32)
        ids[known] = np.arange(len(known))
        self.full_softmax = len(known) <= settings.full_softmax_up_to
        self.items = as_items(features, ids)
        self.known_items = self.items.take(tf.constant(known)) if self.full_softmax else None
        self.idle_rows = tf.constant(np.flatnonzero(idle & (counts == 0)), tf.int32)
        self.drawn_rows = tf.concat([tf.constant(known, tf.int32), self.idle_rows], axis=0)
        self.target_share = tf.constant(target_share)
        self.candidate_tower, self.input_tower = (
            CandidateTower(
                vocabulary, len(known) if config.use_id else 0, config.embedding_dim,
                id_dropout=config.id_dropout, feature_dropout=config.feature_dropout, name=name,
            ) for name in ("candidate", "input")
        )  # fmt: skip
        if config.share_item_vectors:
            self.input_tower = self.candidate_tower
        self.query_tower = QueryTower(config)
        initial = -np.log(config.temperature)
        self.log_scale = tf.Variable(initial, dtype=tf.float32, name="log_scale")
        if config.kind_weight:
            num_kinds = len(config.event_weights) + 1
            self.kind_vectors = tf.Variable(
                tf.zeros([num_kinds, config.embedding_dim]), name="kinds"
            )
            self.kind_bias = tf.Variable(tf.zeros([num_kinds]), name="kind_bias")
        self.query_last = tf.function(self._query_last, reduce_retracing=True, autograph=False)

    @property
    def scale(self) -> tf.Tensor:
        """The learned inverse temperature; above 50 a softmax is a maximum and learns nothing."""
        return tf.exp(tf.minimum(self.log_scale, np.log(50.0)))

    def compute_loss(self, inputs: Batch, training: bool = False) -> tf.Tensor:
        """Cross-entropy of the next item after every place of every window: a scalar."""
        candidates = None
        if self.full_softmax:  # the whole catalog once per step; else only the items at hand
            candidates = self.candidate_tower(self.known_items, training=training)
        states = self.query_tower(
            self._read(inputs.rows, candidates, training), inputs.kinds, inputs.ages, inputs.valid,
            inputs.context, training=training,
        )  # fmt: skip
        places = tf.where(inputs.weights > 0.0)
        queries = tf.gather_nd(states, places) * self.scale
        targets = tf.gather_nd(inputs.targets, places)
        weights = tf.gather_nd(inputs.weights, places)
        loss = self._next_item(inputs, candidates, places, queries, targets, weights, training)
        if self.config.placing_weight:
            loss += self.config.placing_weight * self._placing(queries, targets, weights, training)
        if self.config.kind_weight:
            loss += self.config.kind_weight * self._next_kind(inputs, states)
        return loss

    def _next_item(
        self, inputs: Batch, candidates: tf.Tensor | None, places: tf.Tensor, queries: tf.Tensor,
        targets: tf.Tensor, weights: tf.Tensor, training: bool,
    ) -> tf.Tensor:  # fmt: skip
        """The loss of the targets against the catalog, or against a sample of a large one."""
        smoothing, precision = self.settings.label_smoothing, self.settings.precision
        if candidates is None:
            return sampled_softmax(
                queries, lambda rows: self.candidate_tower(self.items.take(rows), training),
                targets, weights, self.drawn_rows, self.target_share, self.settings.num_sampled,
                smoothing, precision,
            )  # fmt: skip
        masks = masked_kinds(self.config)
        seen = None
        if self.config.mask_in_training and masks.any():
            seen = _seen_before(inputs, places, self.items.ids, masks)
        idle, offsets = self._idle_sample(training)
        return full_softmax(
            queries, tf.concat([candidates, idle], axis=0), tf.gather(self.items.ids, targets),
            weights, smoothing, seen,
            tf.concat([tf.zeros([tf.shape(candidates)[0]]), offsets], axis=0), precision,
        )  # fmt: skip

    def _placing(
        self, queries: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """The loss when no candidate has an id vector: how well new items would be placed.

        The queries are taken as they are, so that only the features learn from it, and a
        fourth of the places is enough to learn from.
        """
        first = tf.random.uniform([], 0, PLACING_STRIDE, tf.int32)
        queries, targets, weights = (
            tf.stop_gradient(part[first::PLACING_STRIDE]) for part in (queries, targets, weights)
        )
        if self.known_items is None:
            return sampled_softmax(
                queries,
                lambda rows: self.candidate_tower(self.items.take(rows).as_new(), training),
                targets, weights, self.drawn_rows, self.target_share, self.settings.num_sampled,
                precision=self.settings.precision,
            )  # fmt: skip
        bare = self.candidate_tower(self.known_items.as_new(), training=training)
        return full_softmax(
            queries, bare, tf.gather(self.items.ids, targets), weights,
            precision=self.settings.precision,
        )  # fmt: skip

    def _next_kind(self, inputs: Batch, states: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of the kind of the next event, where it is known: a scalar.

        State i is asked for the kind of event i, given the item that it is about.
        """
        places = tf.where(inputs.valid)
        vectors = self.candidate_tower(self.items.take(tf.gather_nd(inputs.rows, places)))
        logits = tf.linalg.matmul(tf.gather_nd(states, places) * tf.stop_gradient(vectors),
                                  self.kind_vectors, transpose_b=True)  # fmt: skip
        kinds = tf.gather_nd(inputs.kinds, places)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(kinds, logits + self.kind_bias)
        return tf.math.divide_no_nan(
            tf.reduce_sum(losses), tf.cast(tf.shape(losses)[0], tf.float32)
        )

    def _idle_sample(self, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors of some idle items, and for each the log of how many it stands for."""
        total = int(self.idle_rows.shape[0])
        count = min(total, self.settings.idle_sample)
        if count == 0:
            return tf.zeros([0, self.config.embedding_dim]), tf.zeros([0])
        rows = self.idle_rows
        if count < total:
            rows = tf.gather(rows, tf.random.uniform([count], 0, total, tf.int32))
        vectors = self.candidate_tower(self.items.take(rows), training=training)
        return vectors, tf.fill([count], np.float32(np.log(total / count)))

    def learn_placing(
        self, features: ItemFeatures, vocabulary: Vocabulary, counts: NDArray[np.int64]
    ) -> None:
        """Once trained, learns from the known items where new ones belong.

        Args:
            features, vocabulary, counts: as given to the model.
        """
        if not self.config.use_id or self.config.place_new == "tower":
            return  # without id vectors the features alone place every item already
        widths = {name: len(vocabulary.tokens[name]) for name in vocabulary.fields}
        penalties = None
        for tower in dict.fromkeys((self.candidate_tower, self.input_tower)):
            placing = fit_placing(features, widths, tower.place(self.items), counts, penalties)
            if placing is None:
                return
            penalties = placing.penalties
            tower.place_new_by(placing, vocabulary)
        # what was traced before knows nothing of it
        self.query_last = tf.function(self._query_last, reduce_retracing=True, autograph=False)

    def _query_last(self, batch: Batch) -> tf.Tensor:
        """The query after each whole history of a batch, float32 [batch, dim]."""
        vectors = self._read(batch.rows, None, training=False)
        states = self.query_tower(vectors, batch.kinds, batch.ages, batch.valid, batch.context)
        return states[:, -1]

    def _read(self, rows: tf.Tensor, candidates: tf.Tensor | None, training: bool) -> tf.Tensor:
        """The vectors in which the history is read: [...] rows → [..., dim]."""
        rows = tf.maximum(rows, 0)
        if candidates is not None:
            # in training with the full softmax every item of a history is a known one
            if not self.config.share_item_vectors:
                candidates = self.input_tower(self.known_items, training=training)
            return tf.gather(candidates, tf.maximum(tf.gather(self.items.ids, rows), 0))
        unique, position = tf.unique(tf.reshape(rows, [-1]))
        vectors = tf.gather(self.input_tower(self.items.take(unique), training=training), position)
        return tf.reshape(vectors, [*tf.unstack(tf.shape(rows)), self.config.embedding_dim])


def _seen_before(
    batch: Batch, places: tf.Tensor, ids: tf.Tensor, masks: NDArray[np.bool_]
) -> tf.Tensor:
    """Which items each query's own past masks; its target is never among them.

    Args:
        batch: the windows.
        places: int64 [n, 2] (window, state) of each query.
        ids: int32 [num_items] the number of each row in the softmax.
        masks: bool [num_kinds + 1] which kinds of events mask.

    Returns:
        int64 [m, 2] pairs of query and item.
    """
    rows = tf.gather(batch.rows, places[:, 0])
    past = tf.range(tf.shape(rows)[1], dtype=tf.int64)[None, :] < places[:, 1:]
    target = tf.gather_nd(batch.targets, places)[:, None]
    past &= tf.gather(batch.valid, places[:, 0]) & (rows != target)
    if not masks.all():
        past &= tf.gather(tf.constant(masks), tf.gather(batch.kinds, places[:, 0]))
    pairs = tf.where(past)
    items = tf.gather(ids, tf.gather_nd(rows, pairs))
    return tf.stack([pairs[:, 0], tf.cast(items, tf.int64)], axis=1)
