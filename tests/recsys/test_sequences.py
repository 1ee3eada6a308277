"""Sequences: grouping, repeats, what counts as a target, windows and batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.sequences import (
    Sequences,
    batches,
    event_kinds,
    is_masked,
    make_sequences,
    target_weights,
    windows,
)

WEIGHTS = {"view": 1.0, "purchase": 3.0, "dislike": 0.0}


def _events(*rows: tuple[str, str, str, float]) -> Sequences:
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    return make_sequences(frame, ["a", "b", "c"], WEIGHTS)


def test_events_are_grouped_by_shopper_and_ordered_by_time():
    sequences = _events(("u2", "a", "view", 5), ("u1", "b", "view", 9), ("u1", "a", "view", 3))
    assert sequences.user_ids == ["u1", "u2"]
    assert sequences.offsets.tolist() == [0, 2, 3]
    assert sequences.rows.tolist() == [0, 1, 0]
    assert sequences.times.tolist() == [3, 9, 5]


def test_ties_in_time_keep_the_order_of_the_table():
    sequences = _events(("u", "c", "view", 1), ("u", "a", "view", 1), ("u", "b", "view", 1))
    assert sequences.rows.tolist() == [2, 0, 1]


def test_events_of_unknown_items_are_left_out_and_unknown_kinds_weigh_nothing():
    sequences = _events(("u", "a", "view", 1), ("u", "zzz", "view", 2), ("u", "b", "wave", 3))
    assert sequences.rows.tolist() == [0, 1]
    # kinds in order: dislike 1, purchase 2, view 3; unknown 0
    assert event_kinds(WEIGHTS) == ["dislike", "purchase", "view"]
    assert sequences.kinds.tolist() == [3, 0]
    assert sequences.weights.tolist() == [1, 0]


def test_no_events_make_empty_sequences():
    sequences = make_sequences(
        pd.DataFrame(columns=["user_id", "item_id", "event", "timestamp"]), ["a"], WEIGHTS
    )
    assert (sequences.num_users, len(sequences.rows), sequences.offsets.tolist()) == (0, 0, [0])
    assert len(target_weights(sequences, mask_repeats=True)) == 0


def test_the_first_event_with_an_item_weighs_as_much_as_the_strongest():
    sequences = _events(
        ("u", "a", "view", 1), ("u", "b", "view", 2), ("u", "a", "purchase", 3),
        ("v", "a", "dislike", 4), ("v", "b", "view", 5),
    )  # fmt: skip
    assert sequences.is_first.tolist() == [True, True, False, True, True]
    assert target_weights(sequences, mask_repeats=True).tolist() == [3, 1, 0, 0, 1]
    assert target_weights(sequences, mask_repeats=False).tolist() == [1, 1, 3, 0, 1]


def test_keep_leaves_shoppers_without_events_in_their_place():
    sequences = _events(("u", "a", "view", 1), ("v", "b", "view", 2), ("v", "c", "view", 3))
    kept = sequences.keep(np.array([False, True, True]))
    assert kept.user_ids == ["u", "v"]
    assert kept.offsets.tolist() == [0, 0, 2]
    assert kept.rows.tolist() == [1, 2]


def _lengths(*lengths: int) -> Sequences:
    total = sum(lengths)
    return Sequences(
        [f"u{i}" for i in range(len(lengths))], np.concatenate([[0], np.cumsum(lengths)]),
        np.arange(total, dtype=np.int32), np.ones(total, np.int32), np.arange(total, dtype=float),
        np.ones(total, np.float32),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 7), st.integers(0, 3))
def test_windows_make_every_event_a_target_once(lengths, length, seed):
    sequences = _lengths(*lengths)
    starts, stops = windows(sequences, length, np.random.default_rng(seed))
    targets: list[int] = []
    for start, stop in zip(starts, stops, strict=True):
        assert 1 <= stop - start <= length + 1
        is_begin = start in sequences.offsets[:-1][sequences.lengths > 0]
        targets += range(start if is_begin else start + 1, stop)
    assert sorted(targets) == list(range(sum(lengths)))


def test_long_histories_are_cut_elsewhere_in_each_epoch():
    rng = np.random.default_rng(0)
    cuts = {tuple(windows(_lengths(40), 10, rng)[0]) for _ in range(20)}
    assert len(cuts) > 5


def test_batches_hold_every_window_once_and_like_lengths_together():
    rng = np.random.default_rng(0)
    stops = rng.integers(1, 50, 333)
    starts = np.zeros(333, np.int64)
    found = list(batches(starts, stops, 10, rng))
    assert sorted(np.concatenate(found).tolist()) == list(range(333))
    spread = np.mean([np.ptp(stops[batch]) for batch in found])
    # a batch of ten drawn evenly spreads over about 40 of the 49 lengths
    assert spread < 15


@pytest.mark.parametrize("size", [1, 1000])
def test_batch_size_may_be_one_or_more_than_there_is(size):
    found = list(batches(np.zeros(7, np.int64), np.full(7, 3), size, np.random.default_rng(0)))
    assert sum(map(len, found)) == 7


def test_only_kinds_that_mask_hide_their_item():
    # one item: view, purchase, view, purchase; kinds are purchase 1, view 2
    frame = pd.DataFrame(
        [("u", "a", kind, float(i)) for i, kind in enumerate(["view", "purchase"] * 2)],
        columns=["user_id", "item_id", "event", "timestamp"],
    )
    sequences = make_sequences(frame, ["a"], {"view": 1.0, "purchase": 3.0})
    bought = np.array([True, True, False])
    assert is_masked(sequences, bought).tolist() == [False, False, True, True]
    assert is_masked(sequences, True).tolist() == [False, True, True, True]
    assert not is_masked(sequences, False).any()
    # the view can be predicted, and so can the purchase, which masks
    assert target_weights(sequences, mask_repeats=bought).tolist() == [1, 3, 0, 0]
