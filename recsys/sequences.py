"""Interactions as flat arrays: every shopper's events in order, and which of them are targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Masks = bool | NDArray[np.bool_]  # whether an event masks its item: all kinds, or kind by kind


@dataclass(frozen=True)
class Sequences:
    """All events, shopper after shopper, oldest first; event e is the same in every array.

    Attributes:
        user_ids: [num_users] in order of the blocks.
        offsets: int64 [num_users + 1]; shopper u owns events offsets[u] to offsets[u + 1].
        rows: int32 [num_events] item rows.
        kinds: int32 [num_events] event kinds; 0 is a kind without a weight in the config.
        times: float64 [num_events] epoch seconds.
        weights: float32 [num_events] how much the event's kind counts as a target.
    """

    user_ids: list[str]
    offsets: Places
    rows: Ints
    kinds: Ints
    times: NDArray[np.float64]
    weights: NDArray[np.float32]

    @property
    def num_users(self) -> int:
        """How many shoppers have events."""
        return len(self.user_ids)

    @property
    def users(self) -> Ints:
        """int32 [num_events] the shopper of each event."""
        return np.repeat(np.arange(self.num_users, dtype=np.int32), np.diff(self.offsets))

    @property
    def lengths(self) -> Places:
        """int64 [num_users] how many events each shopper has."""
        return np.diff(self.offsets)

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether, bool [num_events], the shopper had no event with that item before."""
        _, first = np.unique(_pairs(self), return_index=True)
        marked = np.zeros(len(self.rows), bool)
        marked[first] = True
        return marked

    def keep(self, kept: NDArray[np.bool_]) -> Sequences:
        """Only the marked events; shoppers stay, even without any."""
        counts = np.bincount(self.users[kept], minlength=self.num_users)
        return Sequences(
            self.user_ids, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self.rows[kept], self.kinds[kept], self.times[kept], self.weights[kept],
        )  # fmt: skip


def make_sequences(
    interactions: pd.DataFrame, item_ids: list[str], event_weights: dict[str, float]
) -> Sequences:
    """Groups events by shopper; ties in time keep the order of the table.

    Args:
        interactions: as `recsys.interactions.load_interactions` gives them.
        item_ids: the catalog's ids in row order; events of other items are left out.
        event_weights: kind → weight; the kinds' numbers follow the sorted names from 1.
    """
    rows = _numbers(interactions[columns.ITEM_ID], item_ids)
    known = interactions[rows >= 0]
    rows = rows[rows >= 0]
    names = event_kinds(event_weights)
    kinds = _numbers(known[columns.EVENT], names) + np.int32(1)
    codes, user_ids = pd.factorize(np.asarray(known[columns.USER_ID].tolist(), object), sort=True)
    times = known[columns.TIMESTAMP].to_numpy(np.float64)
    order = np.lexsort([times, codes])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(user_ids)))])
    weights = np.array([0.0, *(event_weights[name] for name in names)], np.float32)[kinds]
    return Sequences(
        [str(user) for user in user_ids], offsets.astype(np.int64),
        rows[order], kinds[order], times[order], weights[order],
    )  # fmt: skip


def event_kinds(event_weights: dict[str, float]) -> list[str]:
    """The kinds that the model knows, in the order of their numbers (the first is 1)."""
    return sorted(event_weights)


def is_masked(sequences: Sequences, masks: Masks) -> NDArray[np.bool_]:
    """Whether the item of each event was masked by then, bool [num_events].

    It is from the shopper's first event with it on whose kind masks: True for every kind, or
    bool [num_kinds + 1] by number.
    """
    masking = _masking(sequences, masks)
    if not masking.any():
        return masking
    pairs = _pairs(sequences)
    order = np.argsort(pairs, kind="stable")
    begins = np.append(True, np.diff(pairs[order]) > 0)
    first = np.flatnonzero(begins)
    counted: Places = np.cumsum(masking[order]) - masking[order]  # of all pairs so far
    before: Places = counted - np.repeat(counted[first], np.diff(np.append(first, len(order))))
    masked = np.zeros(len(order), bool)
    masked[order] = before > 0
    return masked


def target_weights(sequences: Sequences, *, mask_repeats: Masks) -> NDArray[np.float32]:
    """How much each event counts as something to predict, float32 [num_events].

    An item that is masked from the answers cannot be predicted any more; the event that masks
    it weighs as much as the strongest event that it led to.

    Args:
        mask_repeats: as `is_masked`.
    """
    masking = _masking(sequences, mask_repeats)
    if not masking.any():
        return sequences.weights
    masked = is_masked(sequences, mask_repeats)
    _, pair = np.unique(_pairs(sequences), return_inverse=True)
    strongest = np.zeros(pair.max() + 1 if len(pair) else 0, np.float32)
    since = masked | masking
    np.maximum.at(strongest, pair[since], sequences.weights[since])
    weights = np.where(masking, strongest[pair], sequences.weights)
    return np.where(masked, 0.0, weights).astype(np.float32)


def windows(sequences: Sequences, length: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Cuts every shopper's events into windows such that each event is a target once.

    A window (start, stop) reads events start to stop - 1 and predicts start + 1 to stop - 1,
    and `start` too where it is the shopper's first. Long histories are cut at a random place,
    another one in each epoch, so that no event always has a short past.

    Returns:
        (starts, stops), int64 [num_windows] each; a window has at most length + 1 events.
    """
    starts, stops = [], []
    for begin, end in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True):
        count = end - begin
        if count == 0:
            continue
        stop = end if count <= length + 1 else begin + 1 + rng.integers(1, length + 1)
        start = begin
        while True:
            starts.append(start)
            stops.append(min(stop, end))
            if stop >= end:
                break
            start, stop = max(begin, stop - 1), stop + length
    return np.array(starts, np.int64), np.array(stops, np.int64)


def batches(
    starts: Places, stops: Places, batch_size: int, rng: np.random.Generator
) -> Iterator[Places]:
    """Shuffled batches of window numbers; windows of about one length go together."""
    order = rng.permutation(len(starts))
    lengths = (stops - starts)[order]
    # sorted within pools, not over all: batches stay mixed and short windows need no padding
    pool = batch_size * 16
    pools = [order[i : i + pool][np.argsort(lengths[i : i + pool], kind="stable")]
             for i in range(0, len(order), pool)]  # fmt: skip
    parts = [part[i : i + batch_size] for part in pools for i in range(0, len(part), batch_size)]
    for i in rng.permutation(len(parts)):
        yield parts[i]


def _numbers(values: pd.Series[Any], names: list[str]) -> Ints:
    """The place of each value among `names`, -1 where it is not there."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places.get(value, -1) for value in values.tolist()], np.int32)


def _masking(sequences: Sequences, masks: Masks) -> NDArray[np.bool_]:
    """Whether each event's kind masks its item from then on."""
    if isinstance(masks, np.ndarray):
        return masks[sequences.kinds]
    return np.full(len(sequences.rows), masks)


def _pairs(sequences: Sequences) -> Places:
    """One number per (shopper, item)."""
    width = int(sequences.rows.max()) + 1 if len(sequences.rows) else 1
    return sequences.users.astype(np.int64) * width + sequences.rows
