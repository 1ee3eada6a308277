"""Lists of candidates: the best first, the right item among them, nothing that is masked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.popularity_clock import PopularityClock
from recsys.rank_features import FEATURES, RankFacts, RankFeatures
from recsys.ranker_lists import ListMaker, training_cases
from recsys.sequences import Sequences, make_sequences
from recsys.splits import Cases

SCORES = np.array([0.5, 0.4, 0.3, 0.2, 0.1], np.float32)
FACTS = RankFacts(np.zeros(5, np.float32), np.zeros(5, np.int32), np.zeros((5, 0), np.float16))


@pytest.fixture
def sequences() -> Sequences:
    """Shopper u had a, d, then a again and e; v had b and c."""
    rows = [("u", "a"), ("u", "d"), ("u", "a"), ("u", "e"), ("v", "b"), ("v", "c")]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(event="view")
    frame["timestamp"] = np.arange(len(frame), dtype=float) * 86_400
    return make_sequences(frame, list("abcde"), {"view": 1.0})


def _maker(sequences: Sequences) -> ListMaker:
    return ListMaker(
        lambda cases: np.tile(SCORES, (len(cases), 1)), RankFeatures(FACTS),
        PopularityClock.of(sequences, 5), 10, True, np.array([True, True, True, True, False]),
    )  # fmt: skip


def test_the_best_that_may_be_shown_with_the_right_one_among_them(sequences):
    cases = Cases(sequences, np.array([5, 1]), np.ones(2))
    lists = _maker(sequences).make(cases, 2, with_target=True)
    # v has seen b: a and c are left, and c is right; u has seen a: b and c, and d is put in
    assert lists.rows.tolist() == [[0, 2], [1, 3]]
    assert lists.place.tolist() == [1, 1]
    assert lists.scores == pytest.approx(np.array([[0.5, 0.3], [0.4, 0.2]]))


def test_without_it_a_right_item_may_be_missing(sequences):
    lists = _maker(sequences).make(
        Cases(sequences, np.array([1]), np.ones(1)), 2, with_target=False
    )
    assert lists.rows.tolist() == [[1, 2]] and lists.place.tolist() == [-1]


def test_an_item_that_is_not_ranked_is_no_candidate_though_it_is_right(sequences):
    lists = _maker(sequences).make(Cases(sequences, np.array([3]), np.ones(1)), 5, with_target=True)
    assert 4 not in lists.rows and lists.place.tolist() == [-1]


def test_features_are_of_the_moment(sequences):
    lists = _maker(sequences).make(Cases(sequences, np.array([5]), np.ones(1)), 2, with_target=True)
    # before day 5 item a was touched twice and c never
    found = lists.features[0, :, FEATURES.index("popularity")]
    assert found == pytest.approx(np.log([3.0, 1.0]))


def test_training_moments_have_a_past_and_are_first_events(sequences):
    cases = training_cases(sequences, True, 100, 0)
    # u's second a is no target; first events of u and v have no past
    assert cases.positions.tolist() == [1, 3, 5]
    assert len(training_cases(sequences, True, 2, 0)) == 2


def test_no_cases_make_no_lists(sequences):
    lists = _maker(sequences).make(Cases(sequences, np.zeros(0, np.int64), np.zeros(0)), 3,
                                   with_target=True)  # fmt: skip
    assert len(lists) == 0 and lists.features.shape == (0, 3, len(FEATURES))
