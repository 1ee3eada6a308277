"""The table of what followed what, by hand on shops of a few events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys import transitions as module
from recsys.config import TransitionsConfig
from recsys.sequences import Sequences, make_sequences
from recsys.splits import Cases, leave_last_out
from recsys.transitions import (
    Transitions,
    count_transitions,
    history_votes,
    load_transitions,
    moment_rows,
)

ITEMS = list("abcde")
PLAIN = TransitionsConfig(damping=0.0, popularity_damping=0.0)
KINDS = {"v": "view", "p": "purchase", "d": "dislike"}
WEIGHTS = {"view": 1.0, "purchase": 3.0, "dislike": 0.0}


def _sequences(*histories: str, kinds: str = "", days: float = 0.0) -> Sequences:
    rows = [
        (f"u{user:03d}", item, KINDS[(kinds or "v" * 99)[step]], step + user * days * 86_400.0)
        for user, items in enumerate(histories) for step, item in enumerate(items)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    return make_sequences(frame, ITEMS, WEIGHTS)


def _table(sequences: Sequences, mask: bool = True, **settings: float) -> np.ndarray:
    config = PLAIN.model_copy(update=settings)
    return count_transitions(sequences, 5, config, mask_repeats=mask).matrix().toarray()


def _asked(history: str, kinds: str = "") -> Cases:
    return leave_last_out(_sequences(history + "e", kinds=kinds), 5, mask_repeats=False).test


def test_a_follower_counts_one_over_its_distance():
    table = _table(_sequences("abc"))
    assert table[0, :3].tolist() == [0, 1, 0.5]
    assert table[1, :3].tolist() == [0, 0, 1]


def test_lags_bound_the_distance_and_shoppers_are_apart():
    assert _table(_sequences("abc"), lags=1)[0].tolist() == [0, 1, 0, 0, 0]
    assert _table(_sequences("ab", "cd"))[1].tolist() == [0] * 5


def test_what_is_masked_when_serving_is_no_follower():
    # a comes again after b: masked, only a → b counts; allowed, b → a and a → a (1/2) too
    assert _table(_sequences("aba"))[:2, :2].tolist() == [[0, 1], [0, 0]]
    assert _table(_sequences("aba"), mask=False)[:2, :2].tolist() == [[0.5, 1], [1, 0]]


def test_stronger_kinds_count_more_and_a_dislike_not_at_all():
    table = _table(_sequences("abc", kinds="vpd"))
    assert table[0].tolist() == [0, 3, 0, 0, 0]


def test_an_old_event_counts_less():
    # u000's b came 10 days before the end of the log, u001's c at the end
    table = _table(_sequences("ab", "ac", days=10.0), half_life_days=10.0)
    np.testing.assert_allclose(table[0, 1:3], [0.5, 1.0], rtol=1e-6)


def test_rates_are_damped_by_both_sides():
    # a is followed by b twice, by c once: total 3; b was had by two, c by one
    table = _table(_sequences("ab", "ab", "ac"), damping=0.5, popularity_damping=1.0)
    np.testing.assert_allclose(table[0, 1:3], [2 / 3**0.5 / 2, 1 / 3**0.5 / 1], rtol=1e-6)


def test_the_strongest_followers_are_kept_first():
    sequences = _sequences("ab", "ac", "ac", "ad", "ad", "ad")
    table = count_transitions(
        sequences, 5, PLAIN.model_copy(update={"width": 2}), mask_repeats=True
    )
    assert table.followers[:2].tolist() == [3, 2]
    assert table.rates[:2].tolist() == [3, 2]


def test_a_table_too_large_is_cut_row_by_row():
    sequences = _sequences("ab", "ac", "ac", "bd", "be")
    cut = count_transitions(
        sequences, 5, PLAIN.model_copy(update={"max_entries": 40}), mask_repeats=True
    )
    # 32 rows for moments hold 5 items each: 40 entries leave one to each row
    assert cut.width == 1 and len(cut.rates) == 2 + module.NUM_CONTEXTS
    assert cut.followers[:2].tolist() == [2, 3]


def test_counting_in_blocks_gives_the_same_table(monkeypatch):
    rng = np.random.default_rng(0)
    sequences = _sequences(*["".join(rng.permutation(ITEMS)) for _ in range(30)])
    whole = _table(sequences)
    monkeypatch.setattr(module, "MAX_PAIRS", 60)
    np.testing.assert_allclose(_table(sequences), whole, rtol=1e-6)


def test_the_last_event_votes_most():
    votes = history_votes(_asked("abc"), 5, PLAIN).toarray()[0]
    np.testing.assert_allclose(votes[:5], [1 / 3, 1 / 2, 1, 0, 0], rtol=1e-6)
    short = PLAIN.model_copy(update={"history": 1})
    assert history_votes(_asked("abc"), 5, short).toarray()[0, :5].tolist() == [0, 0, 1, 0, 0]


def test_what_was_disliked_does_not_vote():
    votes = history_votes(_asked("ab", kinds="vdv"), 5, PLAIN).toarray()[0]
    assert votes[:5].tolist() == [0.5, 0, 0, 0, 0]


def test_a_new_visitor_asks_the_moment():
    # Friday 1970-01-02 at 03:00 UTC: any moment is row 5, hour 3 row 9, weekday 4 row 34
    assert moment_rows(np.array([86_400 + 3 * 3600.0]), 5).tolist() == [[5, 9, 34]]
    sequences = _sequences("a")
    nobody = Cases(sequences, np.array([0]), np.ones(1))
    votes = history_votes(nobody, 5, PLAIN).toarray()[0]
    np.testing.assert_allclose(votes[[5, 6, 33]], [1 / 3] * 3, rtol=1e-6)
    assert votes.sum() == pytest.approx(1)


def test_an_hour_leans_towards_what_was_wanted_then():
    # at hour 0 two had a; at hour 5 one had b: a's share is 2/3 at any moment
    frame = pd.DataFrame(
        [("u", "a", "view", 0.0), ("v", "a", "view", 1.0), ("w", "b", "view", 5 * 3600.0)],
        columns=["user_id", "item_id", "event", "timestamp"],
    )
    table = _table(make_sequences(frame, ITEMS, WEIGHTS))
    assert table[5, 0] == pytest.approx(2 / 3)
    assert table[5 + 1 + 5, 1] == pytest.approx((1 + 1000 / 3) / 1001)
    assert table[5 + 1, 0] > table[5, 0] > table[5 + 1 + 5, 0]


def test_a_table_comes_back_as_it_was_saved(tmp_path):
    table = count_transitions(_sequences("abc", "bd"), 5, PLAIN, mask_repeats=True)
    table.save(tmp_path / "table.npz")
    loaded = load_transitions(tmp_path / "table.npz")
    for name in ("offsets", "followers", "rates"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(table, name))
    assert isinstance(loaded, Transitions) and loaded.num_items == 5


def test_without_events_no_item_has_followers():
    empty = _sequences("a").keep(np.array([False]))
    table = count_transitions(empty, 5, PLAIN, mask_repeats=True)
    assert np.diff(table.offsets)[:5].sum() == 0
