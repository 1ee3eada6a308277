"""Groups of cases and their measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys.config import EvaluationConfig
from recsys.judging import Judged, judge
from recsys.segments import ItemFacts
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out

SETTINGS = EvaluationConfig(num_bootstrap=20, cold_user_events=2)


@pytest.fixture
def judged() -> Judged:
    """Shopper u has a long history and ends at c; v has one event before d, which is new."""
    walks = {"u": ("abec", 0), "v": ("cd", 4), "w": ("abcef", 0)}
    rows = [(user, item, begin + step) for user, (items, begin) in walks.items()
            for step, item in enumerate(items)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]).assign(event="view")
    sequences = make_sequences(frame, list("abcdef"), {"view": 1.0})
    split = leave_last_out(sequences, 6, mask_repeats=True)
    return Judged.of(split, SETTINGS, mask_seen=True)


def _scorer(cases):
    return np.tile(np.array([6, 5, 4, 3, 2, 1], np.float32), (len(cases), 1))


def test_each_group_is_a_row_of_its_own(judged):
    rows = {row["group"]: row for row in judge("markov", _scorer, judged).rows}
    assert set(rows) == {"all", "cold users", "cold items", "cold items apart"}
    # v alone has fewer than two events before; d and f had none in training, nor had e
    assert {name: row["cases"] for name, row in rows.items()} == {
        "all": 3, "cold users": 1, "cold items": 2, "cold items apart": 2,
    }  # fmt: skip


def test_figures_by_hand(judged):
    rows = {row["group"]: row for row in judge("markov", _scorer, judged).rows}
    # u: a, b, e are seen, so c is first; v: c is seen, a and b are better than d -> third;
    # w: a, b, c, e are seen, so d is first and f second
    assert rows["all"]["mrr"]["mean"] == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)
    assert rows["cold users"]["mrr"]["mean"] == pytest.approx(1 / 3)
    # among d, e and f: d is first for v; for w e is seen, d first, f second
    apart = rows["cold items apart"]
    assert apart["mrr"]["mean"] == pytest.approx((1 + 1 / 2) / 2)
    assert apart["random"] == 1.0  # three items, and twenty places


def test_coverage_is_of_the_items_that_are_ranked(judged):
    shorter = replace(judged, settings=SETTINGS.model_copy(update={"k": 1}))
    rows = judge("markov", _scorer, shorter).rows
    # u is shown c, v a, w d: 3 of 6
    assert rows[0]["coverage"] == 0.5


def test_lists_and_segments_by_hand(judged):
    # a, b and c are lamps, d, e and f chairs; everybody is shown the first items not yet seen
    facts = ItemFacts(np.zeros(6), ["Lamps"] * 3 + ["Chairs"] * 3,
                      np.repeat(np.eye(2), 3, axis=0))  # fmt: skip
    first = replace(judged, settings=SETTINGS.model_copy(update={"k": 2}), facts=facts)
    found = judge("markov", _scorer, first)
    # u saw a, b, e and is shown c, d; v saw c and is shown a, b; w saw a, b, c, e, is shown d, f
    assert found.lists["coverage"] == pytest.approx(5 / 6)
    # lamp and chair are all unlike, two lamps or two chairs all alike
    assert found.lists["diversity"]["mean"] == pytest.approx(1 / 3)
    rows = {(row["dimension"], row["segment"]): row for row in found.segments}
    # u alone wants a lamp, and it is its first
    assert rows["category", "Lamps"]["cases"] == 1
    assert rows["category", "Lamps"]["ndcg@2"]["mean"] == pytest.approx(1.0)
    assert rows["category", "Chairs"]["recall@2"]["mean"] == pytest.approx(1 / 2)


def test_every_case_is_kept_with_its_rank(judged):
    cases = judge("markov", _scorer, judged).cases
    assert len(cases) == 5 and cases["shelf"].sum() == 2
    ranked = cases[~cases["shelf"]].set_index("user_id")
    assert ranked["rank"].to_dict() == {"u": 1.0, "v": 3.0, "w": 2.0}
    assert ranked["before"].to_dict() == {"u": 3, "v": 1, "w": 4}
