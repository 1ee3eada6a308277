"""Whoever reads the future is found: planted leaks fail, honest models pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.baselines import MarkovChain, Popularity
from recsys.errors import TrainingError
from recsys.sequences import Sequences, make_sequences
from recsys.splits import Cases, Split, leave_last_out, temporal
from recsys.time_travel import check_cases, check_split, cut_before, model_inputs
from tests.recsys.small_shop import chain_events

NUM_ITEMS = 12


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    events = chain_events(20, NUM_ITEMS, 6)
    weights = {"view": 1.0, "purchase": 3.0}
    return make_sequences(events, [f"i{n}" for n in range(NUM_ITEMS)], weights)


@pytest.fixture(scope="module")
def split(sequences: Sequences) -> Split:
    return leave_last_out(sequences, NUM_ITEMS, mask_repeats=True)


def test_the_cut_log_ends_with_the_blanked_event(split: Split):
    case = split.test.take(slice(3, 4))
    cut = cut_before(case)
    before = slice(int(case.starts[0]), int(case.positions[0]))
    now = slice(int(cut.starts[0]), int(cut.positions[0]))
    assert cut.sequences.rows[now].tolist() == case.sequences.rows[before].tolist()
    assert cut.now == case.now and cut.targets != case.targets
    assert cut.sequences.kinds[cut.positions[0]] == 0
    others = np.delete(
        cut.sequences.times, np.arange(int(cut.starts[0]), int(cut.positions[0]) + 1)
    )
    assert (others < case.now[0]).all()
    assert cut.positions[0] + 1 == cut.sequences.offsets[cut.users[0] + 1]


def test_honest_models_pass(split: Split):
    scorers = {
        "markov": MarkovChain().scorer(MarkovChain().learn(split.train, NUM_ITEMS)),
        "popularity": Popularity().scorer(Popularity().learn(split.train, NUM_ITEMS)),
    }
    assert check_cases(split.test, scorers, model_inputs(4), num_cases=8) == 8


def _knows_the_answer(cases: Cases) -> np.ndarray:
    return np.eye(NUM_ITEMS, dtype=np.float32)[cases.targets]


def _counts_the_whole_log(cases: Cases) -> np.ndarray:
    counts = np.bincount(cases.sequences.rows, minlength=NUM_ITEMS).astype(np.float32)
    return np.tile(counts, (len(cases), 1))


@pytest.mark.parametrize("leak", [_knows_the_answer, _counts_the_whole_log])
def test_a_planted_leak_is_found_and_named(split: Split, leak):
    with pytest.raises(TrainingError, match=r"`clairvoyant` change for shopper `u"):
        check_cases(split.test, {"clairvoyant": leak})


def test_an_input_from_the_future_is_named(split: Split):
    honest = model_inputs(4)

    def ages_to_the_end(cases: Cases):
        last = cases.sequences.times.max()
        return {**honest(cases), "ages": last - cases.now}

    with pytest.raises(TrainingError, match="input `ages`"):
        check_cases(split.test, {}, ages_to_the_end)


def test_training_on_the_judged_event_is_found(split: Split, sequences: Sequences):
    check_split(split, one_moment=False)
    with pytest.raises(TrainingError, match="from the judged one on"):
        check_split(replace(split, train=sequences), one_moment=False)


def test_one_moment_parts_training_from_what_is_judged(split: Split, sequences: Sequences):
    check_split(temporal(sequences, NUM_ITEMS, 0.8, mask_repeats=True), one_moment=True)
    # each shopper's own last event is judged, and others are learned from later than that
    with pytest.raises(TrainingError, match="after the first judged one"):
        check_split(split, one_moment=True)
