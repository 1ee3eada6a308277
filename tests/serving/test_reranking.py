"""The first candidates change places, the others stay after them, and pages fit together."""

from __future__ import annotations

import numpy as np
import pytest

from serving.candidates import Candidates
from serving.reranking import reranked

HISTORY = {"history": [["a"]], "ages": np.zeros((1, 1), np.float32)}


class Served:
    """A ranker that lowers item c by 1 and knows no other."""

    def predict(self, servable, inputs, signature=""):
        assert servable == "rank"
        self.asked = inputs["item_ids"][0]
        lowered = [1.0 if item == "c" else 0.0 for item in self.asked]
        return {"scores": inputs["scores"] - np.array([lowered], np.float32)}


def _ranked(scores, rows, count):
    best = Candidates(np.array(scores, np.float32), np.array(rows), None, True)
    served = Served()
    return reranked(best, served, HISTORY, ["a", "b", "c", "d"], count), served


def test_the_first_candidates_are_put_into_the_ranker_s_order():
    found, served = _ranked([0.9, 0.8, 0.7], [2, 0, 1], 3)
    assert served.asked == ["c", "a", "b"]
    assert found.rows.tolist() == [0, 1, 2]
    assert found.scores == pytest.approx([0.8, 0.7, -0.1])


def test_the_others_stay_after_them_in_their_order():
    found, served = _ranked([0.9, 0.8, 0.7, 0.6], [2, 0, 1, 3], 2)
    assert served.asked == ["c", "a"]
    assert found.rows.tolist() == [0, 2, 1, 3]
    # the last of the ranked has -0.1; the others keep their distance of 0.1
    assert found.scores == pytest.approx([0.8, -0.1, -0.101, -0.201])


def test_a_longer_list_begins_as_a_shorter_one():
    short, _ = _ranked([0.9, 0.8], [2, 0], 2)
    long, _ = _ranked([0.9, 0.8, 0.7], [2, 0, 1], 2)
    assert long.rows[:2].tolist() == short.rows.tolist()


def test_one_candidate_needs_no_order():
    found, served = _ranked([0.9], [2], 3)
    assert found.rows.tolist() == [2] and not hasattr(served, "asked")
