"""A ranker that helps is kept, one that does not is left out, and the future is not read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.config import Config
from recsys.popularity_clock import PopularityClock
from recsys.rank_features import FEATURES, RankFacts, RankFeatures
from recsys.ranker_lists import ListMaker, Lists
from recsys.sequences import make_sequences
from recsys.splits import Split, leave_last_out
from recsys.time_travel import check_cases
from recsys.train_ranker import fit_ranker, ndcg, ranked_scorer, train_ranker
from tests.recsys.small_shop import make_shop

NUM_ITEMS, NUM_KINDS = 40, 4
CONFIG = Config.model_validate({"ranker": {"enabled": "auto", "candidates": 20, "negatives": 10,
                                           "batch_size": 16, "learning_rate": 0.02}})  # fmt: skip


def _split(*, faithful: bool) -> Split:
    """Shoppers who stay in one category, or who take anything."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):
        kind = user % NUM_KINDS
        own = np.arange(NUM_ITEMS) % NUM_KINDS == kind if faithful else np.ones(NUM_ITEMS, bool)
        for step, item in enumerate(rng.choice(np.flatnonzero(own), 8, replace=False)):
            rows.append((f"u{user}", f"i{item}", 3600.0 * step + user))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).assign(event="view")
    sequences = make_sequences(frame, [f"i{n}" for n in range(NUM_ITEMS)], {"view": 1.0})
    return leave_last_out(sequences, NUM_ITEMS, mask_repeats=True)


def _maker(split: Split) -> ListMaker:
    """Scores that say nothing: the same for everybody."""
    score = np.random.default_rng(1).random(NUM_ITEMS).astype(np.float32) * 0.01
    facts = RankFacts(np.full(NUM_ITEMS, np.nan, np.float32),
                      (np.arange(NUM_ITEMS) % NUM_KINDS).astype(np.int32),
                      np.zeros((NUM_ITEMS, 0), np.float16))  # fmt: skip
    return ListMaker(
        lambda cases: np.tile(score, (len(cases), 1)), RankFeatures(facts),
        PopularityClock.of(split.train, NUM_ITEMS), 50, True, np.ones(NUM_ITEMS, bool),
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    split = _split(faithful=True)
    return split, _maker(split), *fit_ranker(_maker(split), split, CONFIG)


def test_what_the_scores_do_not_see_is_learned_and_kept(fitted):
    _, _, _, summary = fitted
    assert summary["kept"] and summary["ndcg"] > summary["ndcg_before"] + 0.1


def test_where_there_is_nothing_to_learn_it_is_no_worse_than_before():
    split = _split(faithful=False)
    _, summary = fit_ranker(_maker(split), split, CONFIG)
    assert summary["ndcg"] >= summary["ndcg_before"]
    assert summary["kept"] == (summary["ndcg"] > summary["ndcg_before"])


def test_the_first_candidates_stay_before_all_others_and_nothing_is_lost(fitted):
    split, maker, ranker, _ = fitted
    cases = split.test.take(slice(0, 5))
    scores = ranked_scorer(ranker, maker, 10)(cases)
    first = maker.make(cases, 10, with_target=False).rows
    hidden = np.zeros(scores.shape, bool)
    hidden[cases.masked(True)] = True
    for case in range(5):
        order = np.argsort(-np.where(hidden[case], -np.inf, scores[case]))
        assert set(order[:10]) == set(first[case])


def test_it_reads_nothing_of_the_future(fitted):
    split, maker, ranker, _ = fitted
    assert check_cases(split.test, {"ranked": ranked_scorer(ranker, maker, 10)}, num_cases=6) == 6


def test_ndcg_by_hand():
    features = np.zeros((3, 2, len(FEATURES)), np.float32)
    rows = np.array([[4, 5], [4, 5], [4, -1]])
    lists = Lists(rows, features, np.array([0, 1, -1]), np.ones(3))
    # ranks: 2 -> 1 / log2 3; 1 -> 1; the right item of the third is not in its list
    scores = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 9.0]], np.float32)
    assert ndcg(lists, scores) == pytest.approx((1 / np.log2(3) + 1 + 0) / 3)
    assert ndcg(lists, np.zeros((3, 2), np.float32)) == pytest.approx(2 / np.log2(2.5) / 3)


def test_switched_off_it_says_so_and_trains_nothing(tmp_path):
    config, workdir = make_shop(tmp_path)
    from recsys.artifact import write_artifact

    with write_artifact(workdir.model, "model"):
        pass
    assert train_ranker(config, workdir) == {"kept": False}
