"""The input of training: shuffled windows as tensors, made while the device works."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.config import Config
from recsys.histories import CONTEXT, Batch, batch_arrays
from recsys.sequences import Sequences, batches, windows

AHEAD = 4  # batches that are made before they are asked for


class Epochs:
    """Goes through all windows once per epoch, in another order each time.

    Args:
        sequences: what is learned from.
        weights: float32 [num_events] of each event as a target.
        config: the settings; the seed and the epoch's number decide the order.

    Attributes:
        examples: how many targets were given out.
        waited: seconds that were spent waiting for batches.
    """

    def __init__(self, sequences: Sequences, weights: NDArray[np.float32], config: Config) -> None:
        self.sequences, self.weights, self.config = sequences, weights, config
        self.examples, self.waited = 0, 0.0

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch."""
        dataset = tf.data.Dataset.from_generator(
            lambda: self._arrays(epoch), output_signature=_signature()
        ).prefetch(AHEAD)
        iterator, begin = iter(dataset), time.monotonic()
        while (batch := next(iterator, None)) is not None:
            self.waited += time.monotonic() - begin
            self.examples += int(np.count_nonzero(batch.weights.numpy()))
            yield batch
            begin = time.monotonic()

    def _arrays(self, epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng([self.config.train.seed, epoch])
        length = self.config.model.history_length
        starts, stops = windows(self.sequences, length, rng)
        for chosen in batches(starts, stops, self.config.train.batch_size, rng):
            batch = batch_arrays(self.sequences, starts[chosen], stops[chosen], self.weights)
            if batch.weights.any():
                yield batch


def _signature() -> Batch:
    shape = [None, None]
    return Batch(
        rows=tf.TensorSpec(shape, tf.int32), kinds=tf.TensorSpec(shape, tf.int32),
        ages=tf.TensorSpec(shape, tf.float32), valid=tf.TensorSpec(shape, tf.bool),
        context={name: tf.TensorSpec(shape, tf.int32) for name in CONTEXT},
        targets=tf.TensorSpec(shape, tf.int32), weights=tf.TensorSpec(shape, tf.float32),
    )  # fmt: skip
