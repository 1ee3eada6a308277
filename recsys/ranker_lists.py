"""Lists that a ranker learns from and is judged by: the best candidates of some moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from recsys.histories import case_batch
from recsys.popularity_clock import PopularityClock
from recsys.rank_features import FEATURES, RankFeatures
from recsys.ranking import MAX_SCORES, Scorer, top_rows
from recsys.sequences import Masks, Sequences, target_weights
from recsys.splits import Cases, sample_cases


@dataclass(frozen=True)
class Lists:
    """The best candidates of some cases.

    Attributes:
        rows: int64 [num_cases, n] best first by the scores before; -1 for none.
        features: float32 [num_cases, n, len(FEATURES)].
        place: int64 [num_cases] of the right item in its list; -1 where it is not in it.
        weights: float64 [num_cases].
    """

    rows: NDArray[np.int64]
    features: NDArray[np.float32]
    place: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def scores(self) -> NDArray[np.float32]:
        """The scores before."""
        return self.features[..., FEATURES.index("score")]


@dataclass(frozen=True)
class ListMaker:
    """What lists are made by.

    Attributes:
        scorer: what is corrected.
        features: of candidates for histories.
        clock: popularity as known at any moment of training.
        history_length: events that are read.
        mask: the consumed items that are not ranked.
        known: bool [num_items] the items that are ranked.
    """

    scorer: Scorer
    features: RankFeatures
    clock: PopularityClock
    history_length: int
    mask: Masks
    known: NDArray[np.bool_]

    def make(self, cases: Cases, count: int, *, with_target: bool) -> Lists:
        """The `count` best items of each case; `with_target` puts the right one in the last place
        where it is not among them.
        """
        parts = list(self._parts(cases, count, with_target))
        if not parts:
            return Lists(np.zeros((0, count), np.int64), np.zeros((0, count, len(FEATURES)),
                         np.float32), np.zeros(0, np.int64), cases.weights)  # fmt: skip
        rows, features, place = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return Lists(rows, features, place, cases.weights)

    def of(
        self, cases: Cases, rows: NDArray[np.int64], scores: NDArray[np.float32]
    ) -> NDArray[np.float32]:  # fmt: skip
        """The features of given candidates, float32 [num_cases, n, len(FEATURES)]."""
        batch = case_batch(cases, self.history_length)
        moving = self.clock.features(np.maximum(rows, 0), cases.now)
        found = self.features(
            batch.rows, batch.ages, tf.constant(rows, tf.int32),
            tf.constant(np.where(rows >= 0, scores, 0.0), tf.float32), tf.constant(moving),
        )  # fmt: skip
        return np.asarray(found)

    def _parts(
        self, cases: Cases, count: int, with_target: bool
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]]:
        size = max(1, min(256, MAX_SCORES // max(1, len(self.known))))
        for chunk in cases.chunks(size):
            scores = np.array(self.scorer(chunk), np.float32)
            scores[:, ~self.known] = -np.inf
            scores[chunk.masked(self.mask)] = -np.inf
            rows = top_rows(scores, count)
            if with_target:
                missing = ~(rows == chunk.targets[:, None]).any(axis=1)
                rows[missing, -1] = chunk.targets[missing]
            own = np.take_along_axis(scores, np.maximum(rows, 0), axis=1)
            rows = np.where(np.isneginf(own), -1, rows)  # a right item that is masked
            hit = rows == chunk.targets[:, None]
            yield rows, self.of(chunk, rows, own), np.where(hit.any(1), hit.argmax(1), -1)


def training_cases(train: Sequences, mask: Masks, most: int, seed: int) -> Cases:
    """Moments of the training split whose right item may be learned from, drawn evenly."""
    event = np.arange(len(train.rows))
    wanted = (target_weights(train, mask_repeats=mask) > 0) & (event > train.offsets[train.users])
    positions = event[wanted]
    return sample_cases(Cases(train, positions, np.ones(len(positions))), most, seed)
