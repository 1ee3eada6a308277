"""The optimizer: rows of large tables move as Adam would move them, the others stand still."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys import optimizer as module
from recsys.config import TrainConfig
from recsys.optimizer import LazyAdamW, WarmUp, make_optimizer


def _moved(optimizer: tf.keras.optimizers.Optimizer, batches: list[list[int]]) -> np.ndarray:
    """A table of 5 rows after steps that each push the given rows by 1."""
    table = tf.Variable(tf.zeros([5, 2]))
    optimizer.build([table])
    for rows in batches:
        slices = tf.IndexedSlices(tf.ones([len(rows), 2]), tf.constant(rows), tf.constant([5, 2]))
        optimizer.apply_gradients([(slices, table)])
    return table.numpy()


def _adam(kind: type = tf.keras.optimizers.AdamW) -> tf.keras.optimizers.Optimizer:
    optimizer = kind(0.1, weight_decay=0.0, jit_compile=False)
    optimizer.weight_decay = None
    return optimizer


def test_rows_with_a_gradient_in_every_step_move_as_in_adam(monkeypatch):
    monkeypatch.setattr(module, "LAZY_ROWS", 0)
    batches = [[0, 3, 3], [3, 0]]
    lazy, usual = _moved(_adam(LazyAdamW), batches), _moved(_adam(), batches)
    np.testing.assert_allclose(lazy, usual, atol=1e-6)
    assert lazy[0, 0] == pytest.approx(-0.2, abs=1e-4)  # a constant push: the rate in each step


def test_rows_without_a_gradient_stand_still(monkeypatch):
    monkeypatch.setattr(module, "LAZY_ROWS", 0)
    lazy = _moved(_adam(LazyAdamW), [[0], [1], [1]])
    first = _moved(_adam(LazyAdamW), [[0]])
    np.testing.assert_array_equal(lazy[0], first[0])
    assert _moved(_adam(), [[0], [1], [1]])[0, 0] < first[0, 0]  # Adam drags it on


def test_small_tables_are_updated_as_usual():
    batches = [[0], [1], [1]]
    np.testing.assert_array_equal(_moved(_adam(LazyAdamW), batches), _moved(_adam(), batches))


def test_the_rate_grows_over_the_first_steps():
    rate = WarmUp(0.4, 4)
    assert [float(rate(tf.constant(step))) for step in (0, 1, 3, 9)] == pytest.approx(
        [0.1, 0.2, 0.4, 0.4]
    )


def test_nothing_decays_unless_asked_to():
    assert make_optimizer(TrainConfig()).weight_decay is None
    assert make_optimizer(TrainConfig(weight_decay=0.01)).weight_decay == 0.01
