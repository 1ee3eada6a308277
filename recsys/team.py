"""The workers that train one model together: what each learns from, and what they agree on.

Every worker goes through the same batches in the same order and learns from its own part of
each; their gradients are brought together before anybody moves, so that all of them hold the
same weights after every step. Plain variables are kept: reading one never waits for others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import tensorflow as tf

Gradient = Any  # tf.Tensor, tf.IndexedSlices or None
T = TypeVar("T")


class Team:
    """A worker that trains alone; the loops are written for any team and know no difference.

    Attributes:
        rank: the number of this worker, from 0.
        count: how many there are.
    """

    rank, count = 0, 1

    @property
    def is_first(self) -> bool:
        """Whether this is the worker that judges and writes."""
        return self.rank == 0

    def part(self, batch: T) -> T:
        """What this worker learns from: every `count`-th row of each tensor or array of a batch.

        A batch of fewer rows than workers is learned from by all, whole.
        """
        if self.count == 1 or len(tf.nest.flatten(batch)[0]) < self.count:
            return batch
        return tf.nest.map_structure(lambda values: values[self.rank :: self.count], batch)

    def mean(
        self, gradients: Sequence[Gradient], loss: tf.Tensor, weight: tf.Tensor | float
    ) -> tuple[list[Gradient], tf.Tensor]:
        """The mean of the workers' gradients and losses.

        Args:
            gradients: of this worker's part; rows of tables stay rows.
            loss: of this worker's part, a scalar.
            weight: how much its part counts, such as the sum of its examples' weights.
        """
        del weight
        return list(gradients), loss

    def first(self, compute: Callable[[], float]) -> float:
        """A number as the first worker computes it; the others wait for it.

        What decides how long a training goes on must be the same to the last digit for all.
        """
        return compute()

    @contextlib.contextmanager
    def turns(self) -> Iterator[None]:
        """A block that the others enter once the first worker is through with it."""
        if not self.is_first:
            self.first(lambda: 0.0)
        yield
        if self.is_first:
            self.first(lambda: 0.0)

    def copy_first(self, variables: Sequence[tf.Variable]) -> None:
        """Gives every worker the first one's values."""

    def average(self, variables: Sequence[tf.Variable]) -> None:
        """Gives every worker the mean of all values, such as of a batch normalization's."""


ALONE = Team()


class MirroredTeam(Team):
    """The workers of a `MultiWorkerMirroredStrategy`, one device each.

    Only its collectives are used. They hang until every worker has called them, and raise
    TensorFlow's UnavailableError where a worker has died.

    Args:
        strategy: made before anything else of TensorFlow; it reads TF_CONFIG.
    """

    def __init__(self, strategy: tf.distribute.MultiWorkerMirroredStrategy) -> None:
        self.strategy = strategy
        self.rank = int(strategy.cluster_resolver.task_id or 0)
        self.count = int(strategy.num_replicas_in_sync)
        self._compiled: dict[Any, Callable[..., list[tf.Tensor]]] = {}

    def mean(
        self, gradients: Sequence[Gradient], loss: tf.Tensor, weight: tf.Tensor | float
    ) -> tuple[list[Gradient], tf.Tensor]:
        """The mean by weight; see `Team.mean`."""
        weight = tf.cast(weight, tf.float32)
        rows = [g for g in gradients if isinstance(g, tf.IndexedSlices)]
        dense = [g for g in gradients if isinstance(g, tf.Tensor)]
        *sums, loss, total = self._sum([*(g * weight for g in dense), loss * weight, weight])
        share = tf.math.divide_no_nan(1.0, total)
        joined = iter(self._join([(g.values * (weight * share), g.indices) for g in rows]))
        summed = iter(sums)
        found: list[Gradient] = []
        for gradient in gradients:
            if isinstance(gradient, tf.IndexedSlices):
                found.append(tf.IndexedSlices(*next(joined), gradient.dense_shape))
            else:
                found.append(None if gradient is None else next(summed) * share)
        return found, loss * share

    def first(self, compute: Callable[[], float]) -> float:
        """See `Team.first`."""
        value = compute() if self.is_first else 0.0
        return float(self._sum([tf.constant(value, tf.float32)])[0])

    def copy_first(self, variables: Sequence[tf.Variable]) -> None:
        """See `Team.copy_first`."""
        self._assign(variables, 1.0 if self.is_first else 0.0)

    def average(self, variables: Sequence[tf.Variable]) -> None:
        """See `Team.average`."""
        self._assign(variables, 1.0 / self.count)

    def _assign(self, variables: Sequence[tf.Variable], share: float) -> None:
        if not variables:
            return
        values = [tf.convert_to_tensor(variable) for variable in variables]
        for variable, value in zip(
            variables, self._sum([value * tf.cast(share, value.dtype) for value in values]),
            strict=True,
        ):  # fmt: skip
            variable.assign(value)

    def _sum(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        def add(*values: tf.Tensor) -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            # a tensor made outside of the replica names no device, which the strategy wants
            own = [tf.identity(value) for value in values]
            found: dict[int, tf.Tensor] = {}  # one collective joins tensors of one type
            for dtype in sorted({value.dtype.name for value in own}):
                places = [i for i, value in enumerate(own) if value.dtype.name == dtype]
                sums = context.all_reduce(tf.distribute.ReduceOp.SUM, [own[i] for i in places])
                found |= dict(zip(places, sums, strict=True))
            return [found[i] for i in range(len(own))]

        return self._together("sum", add, values)

    def _join(self, pairs: list[tuple[tf.Tensor, tf.Tensor]]) -> list[tuple[tf.Tensor, tf.Tensor]]:
        def gather(*values: tf.Tensor) -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            return [context.all_gather(tf.identity(value), 0) for value in values]

        if not pairs:
            return []
        parts = self._together("join", gather, [value for pair in pairs for value in pair], rows=1)
        return list(zip(parts[::2], parts[1::2], strict=True))

    def _together(
        self, name: str, function: Callable[..., Any], values: list[tf.Tensor], rows: int = 0
    ) -> list[tf.Tensor]:
        """Runs a collective, compiled once per signature.

        Workers that compiled at different moments would count their collectives differently
        and wait for each other for good: hence no function of the model's own, whose shapes
        differ between workers, holds one.
        """
        signature = tuple(
            tf.TensorSpec([None] * rows + list(value.shape)[rows:], value.dtype) for value in values
        )
        key = (name, signature)
        if key not in self._compiled:
            run = tf.function(lambda *given: self.strategy.run(function, args=given),
                              autograph=False)  # fmt: skip
            self._compiled[key] = run.get_concrete_function(*signature)
        return list(self._compiled[key](*values))
