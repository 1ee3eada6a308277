"""The mixture by hand: what a bonus is, how a weight is chosen, and where cases are borrowed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.config import TransitionsConfig
from recsys.mixture import (
    EDGES,
    PIVOTS,
    WEIGHTS,
    Mixture,
    _Ranked,
    blend_scorer,
    fit_mixture,
    fit_repeat,
    last_events,
    transitions_scorer,
)
from recsys.sequences import make_sequences
from recsys.splits import Cases, leave_last_out
from recsys.transitions import count_transitions

ITEMS = list("abcdefgh")
SETTINGS = TransitionsConfig(damping=0.0, popularity_damping=0.0, history=1)


def _sequences(*histories: str):
    rows = [(f"u{user:03d}", item, "view", float(step))
            for user, items in enumerate(histories) for step, item in enumerate(items)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    return make_sequences(frame, ITEMS, {"view": 1.0})


def _walks(count: int = 40):
    """Shoppers who walk a b c … h round and round, each from a place of its own."""
    ring = "".join(ITEMS) * 2
    return leave_last_out(
        _sequences(*[ring[i % 8 : i % 8 + 6] for i in range(count)]), 8, mask_repeats=True
    )


def _constant(scores):
    return lambda cases: np.tile(np.array(scores, np.float32), (len(cases), 1))


def test_the_bonus_goes_by_the_bucket_of_the_history():
    mixture = Mixture((0, 2), (0.5, 0.1), (1.0, 2.0))
    votes = sp.csr_matrix(np.array([[0, 3.0], [4.0, 0], [4.0, 0]]))
    bonus = mixture.bonus(votes, np.array([1, 2, 99])).toarray()
    expected = [[0, 0.5 * np.log(4)], [0.1 * np.log(3), 0], [0.1 * np.log(3), 0]]
    np.testing.assert_allclose(bonus, expected, rtol=1e-6)


def test_both_sources_are_added():
    split = _walks()
    table = count_transitions(split.train, 8, SETTINGS, mask_repeats=True)
    towers = _constant(np.arange(8) / 10)
    mixture = Mixture((0,), (0.5,), (1.0,))
    blended = blend_scorer(towers, table, mixture, SETTINGS, 50)(split.validation)
    votes = transitions_scorer(table, SETTINGS)(split.validation)
    np.testing.assert_allclose(blended, np.arange(8) / 10 + 0.5 * np.log1p(votes), rtol=1e-5)


def test_a_rank_counts_what_stands_above():
    # the right item scores 0.1 + w; above it 0.5 and 0.3, and beside it one with 0.2 + 2w
    case = _Ranked(np.array([0.0, 0.3, 0.5]), np.array([0.1, 0.2]), np.array([1.0, 1.0]), 0, 0.1)
    ranks = case.ranks(np.array([0.0, 0.3, 0.9]), np.array([1.0, 2.0]))
    # w = 0: 0.1 below 0.5, 0.3, 0.2; w = 0.3: 0.4 below 0.5 and 0.8; w = 0.9: 1.0 below 2.0
    assert ranks.tolist() == [4, 3, 2]


def test_a_right_item_without_votes_is_ranked_by_the_towers():
    case = _Ranked(np.array([0.3, 0.5]), np.array([0.2]), np.array([1.0]), -1, 0.4)
    assert case.ranks(np.array([0.0, 0.3]), np.array([1.0])).tolist() == [2, 3]


def test_towers_that_know_nothing_leave_it_to_the_transitions():
    split = _walks()
    table = count_transitions(split.train, 8, SETTINGS, mask_repeats=True)
    # they put every case's right item last
    towers = _constant(np.zeros(8))
    mixture = fit_mixture(towers, table, split.validation, SETTINGS, mask_seen=True)
    assert min(mixture.weights[1:]) > 0


def test_towers_that_know_everything_are_left_alone():
    split = _walks()
    table = count_transitions(split.train, 8, SETTINGS, mask_repeats=True)

    def towers(cases: Cases):
        scores = np.zeros((len(cases), 8), np.float32)
        scores[np.arange(len(cases)), cases.targets] = 1.0
        return scores

    mixture = fit_mixture(towers, table, split.validation, SETTINGS, mask_seen=True)
    assert set(mixture.weights) == {0.0}


def test_the_chosen_cell_ranks_validation_best():
    rng = np.random.default_rng(0)
    split = _walks()
    table = count_transitions(split.train, 8, SETTINGS, mask_repeats=True)
    noise = rng.normal(size=(8, 8)).astype(np.float32) / 10

    def towers(cases: Cases):
        return noise[cases.sequences.rows[cases.positions - 1]]

    def ndcg(mixture):
        scores = blend_scorer(towers, table, mixture, SETTINGS, 50)(split.validation)
        case, row, _ = split.validation.history()
        scores[case, row] = -np.inf
        own = scores[np.arange(40), split.validation.targets][:, None]
        return np.mean(1 / np.log2(2 + (scores > own).sum(axis=1)))

    fitted = fit_mixture(towers, table, split.validation, SETTINGS, mask_seen=True)
    # histories of 4 events: all cases are of the bucket from 4 to 7, and everybody says the same
    here = EDGES.index(4)
    votes = transitions_scorer(table, SETTINGS)(split.validation)
    unit = votes[np.arange(40), split.validation.targets].mean()
    best = max(
        ndcg(Mixture((0,), (weight,), (float(pivot),)))
        for weight in WEIGHTS for pivot in unit * np.array(PIVOTS)
    )  # fmt: skip
    mine = ndcg(Mixture((0,), (fitted.weights[here],), (fitted.pivots[here],)))
    assert mine == pytest.approx(best, abs=1e-6)


def test_shortened_histories_keep_their_end_and_their_answer():
    cases = leave_last_out(_sequences("abcdef", "gh"), 8, mask_repeats=True).test
    told = last_events(cases, 2)
    history = [
        told.sequences.rows[start:stop].tolist()
        for start, stop in zip(told.starts, told.positions, strict=True)
    ]
    assert history == [[3, 4], [6]]
    assert told.targets.tolist() == cases.targets.tolist()
    np.testing.assert_array_equal(told.now, cases.now)
    assert last_events(cases, 0).positions.tolist() == [0, 1]


def test_without_validation_the_towers_answer_alone():
    split = _walks()
    table = count_transitions(split.train, 8, SETTINGS, mask_repeats=True)
    nobody = split.validation.take(slice(0))
    mixture = fit_mixture(_constant(np.zeros(8)), table, nobody, SETTINGS, mask_seen=True)
    assert set(mixture.weights) == {0.0}


def test_a_mixture_comes_back_from_json():
    mixture = Mixture((0, 1), (0.5, 0.25), (1.0, 2.0))
    assert Mixture.from_dict(mixture.as_dict()) == mixture


def test_where_everything_is_bought_again_the_own_items_are_boosted():
    # everybody buys the same two items in turn, each a pair of one's own
    pairs = ["ab", "cd", "ef", "gh"] * 10
    sequences = _sequences(*[(pair * 4)[:7] for pair in pairs])
    split = leave_last_out(sequences, 8, mask_repeats=False)
    settings = SETTINGS.model_copy(update={"history": 2})
    # what follows is not known: the table was counted from nobody
    nobody = sequences.keep(np.zeros(len(sequences.rows), bool))
    table = count_transitions(nobody, 8, settings, mask_repeats=False)
    mixture = Mixture((0,), (0.5,), (1.0,))
    towers, boosted = _constant(np.arange(8) / 100), np.array([True, True])
    fitted = fit_repeat(
        mixture, towers, table, split.validation, settings, boosted, mask_seen=False
    )
    assert fitted.repeat > 0
    scores = blend_scorer(towers, table, fitted, settings, 50, boosted)(split.validation)
    for case, pair in zip(scores, pairs, strict=True):
        assert {ITEMS[row] for row in np.argsort(-case)[:2]} == set(pair)
