"""Histories and context as tensors: what the query tower reads, in training and when asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.ranking import Scorer
from recsys.sequences import Places, Sequences
from recsys.splits import Cases

if TYPE_CHECKING:
    from recsys.two_tower import LoadedTwoTower

DAY = 86_400
CONTEXT = ("hour", "weekday")  # what `context_of` tells
QUERY_BATCH = 256  # histories encoded at once when nothing is trained


class Batch(NamedTuple):
    """Windows of histories as tensors; `length` places are read, `length + 1` predicted.

    Attributes:
        rows, kinds, ages, valid: [batch, length] what the history encoder reads.
        context: feature → int32 [batch, length + 1].
        targets: int32 [batch, length + 1] the row that each state should lead to.
        weights: float32 [batch, length + 1]; 0 where there is nothing to predict.
    """

    rows: tf.Tensor
    kinds: tf.Tensor
    ages: tf.Tensor
    valid: tf.Tensor
    context: dict[str, tf.Tensor]
    targets: tf.Tensor
    weights: tf.Tensor


def make_batch(
    sequences: Sequences, starts: Places, stops: Places, weights: NDArray[np.float32] | None = None
) -> Batch:
    """As `batch_arrays`, as tensors."""
    arrays: Batch = tf.nest.map_structure(
        tf.constant, batch_arrays(sequences, starts, stops, weights)
    )
    return arrays


def batch_arrays(
    sequences: Sequences, starts: Places, stops: Places, weights: NDArray[np.float32] | None = None
) -> Batch:
    """Windows of events as arrays, padded on the left.

    The last event of a window is only ever a target, never read.

    Args:
        sequences: the events.
        starts, stops: [batch] each window's events are starts to stops - 1.
        weights: [num_events] of each event as a target; none when nothing is trained.
    """
    places = int((stops - starts).max())
    events = stops[:, None] - places + np.arange(places)
    valid = events >= starts[:, None]
    events = np.where(valid, events, stops[:, None] - 1)
    times = sequences.times[events]
    rows = np.where(valid, sequences.rows[events], -1)
    ages = np.where(valid, times[:, -1:] - times, 0.0).astype(np.float32)
    trained = np.zeros(events.shape, np.float32)
    if weights is not None:
        # a window cut from the middle of a history knows too little of its first event
        owners = np.searchsorted(sequences.offsets, starts, side="right") - 1
        begins = sequences.offsets[owners]
        told = valid & ((events > starts[:, None]) | (starts == begins)[:, None])
        trained = np.where(told, weights[events], 0.0).astype(np.float32)
    return Batch(
        rows=rows[:, :-1].astype(np.int32),
        kinds=np.where(valid, sequences.kinds[events], 0)[:, :-1].astype(np.int32),
        ages=ages[:, :-1], valid=valid[:, :-1], context=context_of(times),
        targets=np.maximum(rows, 0).astype(np.int32), weights=trained,
    )  # fmt: skip


def context_of(times: NDArray[np.float64]) -> dict[str, NDArray[np.int32]]:
    """Hour and weekday of moments, in UTC; Monday is 0."""
    seconds = times.astype(np.int64)
    return {
        "hour": (seconds % DAY // 3600).astype(np.int32),
        "weekday": ((seconds // DAY + 3) % 7).astype(np.int32),  # 1970-01-01 was a Thursday
    }


def case_batch(cases: Cases, history_length: int) -> Batch:
    """The histories of cases as one batch; the last state is the query."""
    starts = np.maximum(cases.starts, cases.positions - history_length)
    return make_batch(cases.sequences, starts, cases.positions + 1)


def kind_numbers(kinds: tf.Tensor, names: list[str]) -> tf.Tensor:
    """The number of each kind, 1 for the first name and 0 for one that is not among them."""
    numbers = tf.range(1, len(names) + 1)
    return tf.reduce_sum(tf.cast(kinds[..., None] == tf.constant(names), tf.int32) * numbers, -1)


def last_places(
    rows: tf.Tensor, kinds: tf.Tensor, ages: tf.Tensor, length: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Moves padding to the left, in order, and keeps the last `length` places."""
    order = tf.argsort(tf.cast(rows >= 0, tf.int32), axis=1, stable=True)[:, -length:]
    rows, kinds, ages = (tf.gather(values, order, axis=1, batch_dims=1)
                         for values in (rows, kinds, ages))  # fmt: skip
    # the longest history of the batch says how many places are worth computing
    used = tf.reduce_max(tf.reduce_sum(tf.cast(rows >= 0, tf.int32), axis=1))
    first = tf.shape(rows)[1] - used
    return rows[:, first:], kinds[:, first:], ages[:, first:]


def two_tower_scorer(
    candidates: NDArray[np.float32], query: Callable[[Batch], tf.Tensor], history_length: int
) -> Scorer:
    """Scores every item for chunks of cases by the two towers' dot product.

    Args:
        candidates: float32 [num_items, dim].
        query: a batch of histories → float32 [batch, dim].
        history_length: how many of the last events the query tower reads.
    """

    def score(cases: Cases) -> NDArray[np.float32]:
        queries = [query(case_batch(part, history_length)).numpy()
                   for part in cases.chunks(QUERY_BATCH)]  # fmt: skip
        return np.concatenate(queries) @ candidates.T

    return score


def loaded_scorer(model: LoadedTwoTower) -> Scorer:
    """As `two_tower_scorer`, for a model read from disk."""
    return two_tower_scorer(
        model.candidate_vectors,
        lambda batch: model.query_of(
            batch.rows, batch.kinds, batch.ages,
            {feature: values[:, -1] for feature, values in batch.context.items()},
        ), model.config.history_length,
    )  # fmt: skip
