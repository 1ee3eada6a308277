"""A running mean of weights over the last steps, which generalizes better than the last step's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf


class WeightAverage:
    """Exponential moving average of variables (Polyak and Juditsky 1992; Tarvainen 2017).

    Args:
        variables: what is averaged.
        kept: share of the mean that one step keeps, such as 0.995; 0 averages nothing.

    Attributes:
        values: the means, in the order of the variables; empty where nothing is averaged.

    Example:
        >>> weight = tf.Variable(1.0)
        >>> average = WeightAverage([weight], kept=0.9)
        >>> with average.in_place():
        ...     float(weight)
        1.0
    """

    def __init__(self, variables: Sequence[tf.Variable], kept: float) -> None:
        self._variables = list(variables)
        self._kept = kept
        self.values = (
            [tf.Variable(variable, trainable=False) for variable in variables] if kept else []
        )

    def update(self, step: tf.Tensor) -> None:
        """Takes one step's weights in; early steps count more, so that the start is forgotten."""
        if not self.values:
            return
        done = tf.cast(step, tf.float32)
        kept = tf.minimum(self._kept, (1.0 + done) / (10.0 + done))
        for value, variable in zip(self.values, self._variables, strict=True):
            value.assign(kept * value + (1.0 - kept) * variable)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Puts the means into the variables for as long; training goes on from their own values."""
        if not self.values:
            yield
            return
        own = [tf.identity(variable) for variable in self._variables]
        for value, variable in zip(self.values, self._variables, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for value, variable in zip(own, self._variables, strict=True):
                variable.assign(value)
