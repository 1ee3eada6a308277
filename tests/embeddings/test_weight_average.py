"""Averaged weights, with numbers that can be redone by hand."""

from __future__ import annotations

import pytest
import tensorflow as tf

from embeddings.weight_average import WeightAverage


def test_the_mean_follows_the_weights():
    weight = tf.Variable(0.0)
    average = WeightAverage([weight], kept=0.5)
    weight.assign(8.0)
    average.update(tf.constant(100))  # 0.5 * 0 + 0.5 * 8
    weight.assign(2.0)
    average.update(tf.constant(101))  # 0.5 * 4 + 0.5 * 2
    assert float(average.values[0]) == pytest.approx(3.0)


def test_the_first_steps_forget_where_it_started():
    weight = tf.Variable(0.0)
    average = WeightAverage([weight], kept=0.999)
    weight.assign(1.0)
    average.update(tf.constant(1))  # keeps (1 + 1) / (10 + 1) of the 0
    assert float(average.values[0]) == pytest.approx(1 - 2 / 11)


def test_means_are_in_place_only_for_as_long():
    weight = tf.Variable(1.0)
    average = WeightAverage([weight], kept=0.9)
    weight.assign(5.0)
    with pytest.raises(KeyError), average.in_place():
        assert float(weight) == 1.0
        raise KeyError
    assert float(weight) == 5.0


def test_nothing_is_averaged_unless_asked_for():
    weight = tf.Variable(1.0)
    average = WeightAverage([weight], kept=0.0)
    weight.assign(5.0)
    average.update(tf.constant(1))
    with average.in_place():
        assert float(weight) == 5.0
    assert average.values == []
