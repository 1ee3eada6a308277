"""A step: several batches move the model by their mean gradient."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from recsys.training_step import Step, mean_gradient


def test_rows_of_tables_stay_rows():
    parts = [tf.IndexedSlices(tf.ones([1, 2]) * 4, tf.constant([row]), tf.constant([9, 2]))
             for row in (3, 3)]  # fmt: skip
    mean = mean_gradient(parts)
    assert isinstance(mean, tf.IndexedSlices)
    # twice half of 4 in the same row is 4
    assert tf.convert_to_tensor(mean).numpy()[3].tolist() == [4, 4]


def test_a_variable_that_some_batch_does_not_reach_gets_the_mean_of_the_rest():
    assert mean_gradient([None, None]) is None
    assert mean_gradient([None, tf.constant([2.0])]).numpy().tolist() == [2.0]
    assert mean_gradient([tf.constant([1.0]), tf.constant([2.0])]).numpy().tolist() == [1.5]


class _Line(tf.keras.Model):
    """Loss 3 · weight · batch: its gradient is three times the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(0.0)
        self.optimizer = tf.keras.optimizers.SGD(1.0)
        self.optimizer.build([self.weight])

    def compute_loss(self, inputs, training=False):
        return 3.0 * self.weight * inputs


def test_batches_are_gathered_before_the_model_moves():
    model = _Line()
    step = Step(model, accumulate=2)
    moves = []
    for batch in (1.0, 3.0, 5.0):
        step(tf.constant(batch))
        moves.append(float(model.weight))
    step.finish()
    # mean gradient of 1 and 3 is 6; what is left of an epoch, 5, moves it by 15
    np.testing.assert_allclose([*moves, float(model.weight)], [0, -6, -6, -21])


def test_one_batch_alone_moves_it_at_once():
    model = _Line()
    Step(model)(tf.constant(2.0))
    assert float(model.weight) == -6
