"""The model in training: which items stand in its softmax."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.config import ModelConfig, TrainConfig
from recsys.features import ItemFeatures, Vocabulary
from recsys.histories import Batch
from recsys.retrieval_model import TwoTower, _seen_before

EVENTS = np.array([3, 0, 2, 0, 0, 1])  # items 1, 3 and 4 were never touched
SHARE = (EVENTS / EVENTS.sum()).astype(np.float32)


def _model(idle: list[int], **settings: int) -> TwoTower:
    features = ItemFeatures({}, np.zeros((6, 0), np.float32), np.zeros(6, bool))
    config = ModelConfig(embedding_dim=8, history_length=4)
    return TwoTower(config, TrainConfig(**settings), features, Vocabulary({}, [], 0), EVENTS,
                    np.isin(np.arange(6), idle), SHARE)  # fmt: skip


def _batch() -> Batch:
    """One window: items 0, 2, 0 in a row, then 5."""
    return Batch(
        rows=tf.constant([[0, 2, 0]]), kinds=tf.ones([1, 3], tf.int32), ages=tf.zeros([1, 3]),
        valid=tf.ones([1, 3], tf.bool),
        context={name: tf.zeros([1, 4], tf.int32) for name in ("hour", "weekday")},
        targets=tf.constant([[0, 2, 0, 5]]), weights=tf.constant([[1.0, 1.0, 0.0, 1.0]]),
    )  # fmt: skip


def test_only_touched_items_have_ids():
    assert _model(idle=[]).items.ids.numpy().tolist() == [0, -1, 1, -1, -1, 2]


def test_a_sample_of_the_idle_stands_for_all_of_them():
    _, all_of_them = _model(idle=[1, 3, 4])._idle_sample(training=False)
    assert all_of_them.numpy().tolist() == [0, 0, 0]
    vectors, offsets = _model(idle=[1, 3, 4], idle_sample=2)._idle_sample(training=False)
    assert vectors.shape == (2, 8)
    np.testing.assert_allclose(offsets, np.log([1.5, 1.5]), rtol=1e-6)


def test_touched_items_are_never_idle():
    assert _model(idle=[0, 1, 2]).idle_rows.numpy().tolist() == [1]


def test_a_query_s_own_past_is_seen_but_not_its_target():
    # states 0, 1 and 3 are trained: nothing; item 0; items 0, 2 and 0 again
    places = tf.constant([[0, 0], [0, 1], [0, 3]], tf.int64)
    ids = tf.constant([0, -1, 1, -1, -1, 2])
    found = _seen_before(_batch(), places, ids, np.array([True, True, True]))
    assert found.numpy().tolist() == [[1, 0], [2, 0], [2, 1], [2, 0]]


@pytest.mark.parametrize("full_softmax_up_to", [1, 100])
def test_the_loss_is_a_finite_number_either_way(full_softmax_up_to):
    model = _model(idle=[3], full_softmax_up_to=full_softmax_up_to, num_sampled=4)
    loss = float(model.compute_loss(_batch(), training=True))
    assert 0 < loss < 20


@pytest.mark.parametrize("full_softmax_up_to", [1, 100])
def test_the_placing_loss_teaches_features_and_leaves_ids_and_queries_alone(full_softmax_up_to):
    model = _model(idle=[], full_softmax_up_to=full_softmax_up_to, num_sampled=4)
    queries = tf.Variable(tf.math.l2_normalize(tf.random.normal([8, 8]), axis=1))
    targets, weights = tf.constant([0, 2, 5, 0, 2, 5, 0, 2]), tf.ones([8])
    tower = model.candidate_tower
    with tf.GradientTape() as tape:
        loss = model._placing(queries, targets, weights, training=True)
    prior, ids, asked = tape.gradient(loss, [tower.prior, tower.ids, queries])
    assert asked is None
    assert prior is not None
    assert ids is None or not np.any(tf.convert_to_tensor(ids).numpy())


def test_a_second_task_learns_which_kind_comes_next():
    model = _model_with(kind_weight=1.0)
    batch = _batch()
    states = tf.math.l2_normalize(tf.random.normal([1, 4, 8]), axis=2)
    # before anything is learned all 7 kinds, the unknown one among them, are as likely
    assert float(model._next_kind(batch, states)) == pytest.approx(np.log(7), abs=1e-5)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=True)
    # every event of the batch is of kind 1: its score must rise, those of the others fall
    gradient = tape.gradient(loss, model.kind_bias).numpy()
    assert gradient[1] < 0
    assert (np.delete(gradient, 1) > 0).all()


def _model_with(**model: float) -> TwoTower:
    features = ItemFeatures({}, np.zeros((6, 0), np.float32), np.zeros(6, bool))
    config = ModelConfig(embedding_dim=8, history_length=4, **model)
    return TwoTower(config, TrainConfig(), features, Vocabulary({}, [], 0), EVENTS,
                    np.zeros(6, bool), SHARE)  # fmt: skip
