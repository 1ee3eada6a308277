"""One step of training: a batch and its gradient, or several batches and theirs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tensorflow as tf

from recsys.histories import Batch
from recsys.retrieval_model import TwoTower
from recsys.team import ALONE, Team

Gradients = list[tf.Tensor | tf.IndexedSlices | None]


class Step:
    """Moves a model by the mean gradient of `accumulate` batches.

    A batch that is too large for the memory is cut into several; the moves are the same but
    for what chance draws in each part.

    Args:
        model: with its optimizer.
        accumulate: batches whose gradients are summed up before the model moves.
        team: the workers that learn from parts of each batch and move alike.

    Example:
        >>> step = Step(model)
        >>> losses = [step(batch) for batch in batches]
        >>> step.finish()
    """

    def __init__(self, model: TwoTower, accumulate: int = 1, team: Team = ALONE) -> None:
        self.model, self.accumulate, self.team = model, accumulate, team
        self._waiting: list[Gradients] = []
        function: Callable[..., Callable[..., tf.Tensor]] = tf.function(
            reduce_retracing=True, autograph=False
        )
        self._whole = function(self._train)
        self._gradients, self._move = function(self._part), function(self._apply)

    def __call__(self, batch: Batch) -> tf.Tensor:
        """Learns from a batch; returns its loss."""
        if self.accumulate == 1 and self.team.count == 1:
            return self._whole(batch)
        part = self.team.part(batch)
        loss, gradients = self._gradients(part)
        if self.team.count > 1:
            gradients, loss = self.team.mean(gradients, loss, tf.reduce_sum(part.weights))
        self._waiting.append(gradients)
        if len(self._waiting) == self.accumulate:
            self.finish()
        return loss

    def finish(self) -> None:
        """Moves by what has been summed up, at the end of an epoch."""
        if self._waiting:
            self._move([mean_gradient(parts) for parts in zip(*self._waiting, strict=True)])
            self._waiting = []

    def _train(self, batch: Batch) -> tf.Tensor:
        loss, gradients = self._part(batch)
        self._apply(gradients)
        return loss

    def _part(self, batch: Batch) -> tuple[tf.Tensor, Gradients]:
        with tf.GradientTape() as tape:
            loss = self.model.compute_loss(batch, training=True)
        return loss, tape.gradient(loss, self.model.trainable_variables)

    def _apply(self, gradients: Gradients) -> None:
        pairs = zip(gradients, self.model.trainable_variables, strict=True)
        # a variable that no loss reads has no gradient, and stays
        self.model.optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])


def mean_gradient(
    parts: Iterable[tf.Tensor | tf.IndexedSlices | None],
) -> tf.Tensor | tf.IndexedSlices | None:
    """The mean of one variable's gradients; rows of tables stay rows."""
    given = [part for part in parts if part is not None]
    if not given:
        return None
    share = 1.0 / len(given)
    if all(isinstance(part, tf.IndexedSlices) for part in given):
        return tf.IndexedSlices(
            tf.concat([part.values for part in given], axis=0) * share,
            tf.concat([part.indices for part in given], axis=0), given[0].dense_shape,
        )  # fmt: skip
    return tf.add_n([tf.convert_to_tensor(part) for part in given]) * share
