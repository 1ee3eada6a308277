"""How much of an answer stays, by numbers to redo by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vitrine.health.agreement import agreement, asked_in_parts, joined

NONE = -np.inf


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scores(*lines: list[float]) -> np.ndarray:
    return np.array(lines, np.float32)


def test_the_share_of_the_new_answer_that_the_old_gave_too():
    old = scores([0.9, 0.8, 0.1, 0.0])  # the first two: columns 0 and 1
    new = scores([0.9, 0.1, 0.8, 0.0])  # columns 0 and 2
    found = agreement(old, new, rows(0, 1, 2, 3), k=2)
    assert found.kept.tolist() == [0.5]
    assert found.overlap == 0.5
    assert found.old_best.tolist() == scores([0.9, 0.8]).tolist()
    assert found.new_best.tolist() == scores([0.9, 0.8]).tolist()


def test_of_items_that_score_the_same_any_will_do():
    old = scores([0.9, 0.5, 0.5, 0.5])
    new = scores([0.9, 0.1, 0.1, 0.5])  # column 3 tied for the second place
    assert agreement(old, new, rows(0, 1, 2, 3), k=2).kept.tolist() == [1.0]


def test_new_items_were_in_no_old_answer_and_lists_may_have_moved():
    old = scores([0.9, 0.8, 0.7])
    # the new columns are: a new item, the old column 2, the old column 0
    new = scores([0.95, 0.2, 0.9])
    found = agreement(old, new, rows(-1, 2, 0), k=2)
    assert found.kept.tolist() == [0.5]


def test_an_answer_that_is_gone_is_counted_and_one_that_never_was_is_not():
    old = scores([0.9, 0.8], [NONE, NONE], [0.9, NONE])
    new = scores([NONE, NONE], [0.5, 0.4], [0.9, 0.8])
    found = agreement(old, new, rows(0, 1), k=2)
    assert found.rows.tolist() == [0, 2]
    assert found.emptied.tolist() == [True, False]
    assert found.kept.tolist() == [0.0, 1.0]  # the old one had a single place


def test_fewer_items_than_places_are_compared_as_they_are():
    found = agreement(scores([0.9, 0.8]), scores([0.8, 0.9, 0.1]), rows(0, 1, -1), k=10)
    assert found.kept.tolist() == [1.0]
    assert found.old_best.shape == (1, 2)
    assert found.new_best.shape == (1, 3)


def test_parts_say_the_same_as_the_whole(monkeypatch):
    monkeypatch.setattr("vitrine.health.agreement.MAX_SCORES", 12)  # two questions of six items
    rng = np.random.default_rng(0)
    old, new = rng.random((2, 5, 6), np.float32)
    old[3] = NONE
    whole = agreement(old, new, np.arange(6), k=3)
    parts: list[int] = []

    def ask(part: slice):
        parts.append(part.stop - part.start)
        return agreement(old[part], new[part], np.arange(6), k=3)

    found = asked_in_parts(5, 6, ask)
    assert parts == [2, 2, 1]
    assert found.rows.tolist() == [0, 1, 2, 4]
    assert found.kept.tolist() == whole.kept.tolist()
    assert found.new_best == pytest.approx(whole.new_best)


def test_nothing_asked_has_no_overlap():
    assert joined([]).overlap is None
    assert asked_in_parts(0, 100, lambda part: pytest.fail("asked")).overlap is None
    nobody = agreement(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32), rows())
    assert nobody.overlap is None
