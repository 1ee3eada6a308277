"""Figures beside their limits."""

from __future__ import annotations

from typing import Any

import pytest

from recsys.config import Config
from recsys.errors import DataError, IndexQualityError, ServingError
from vitrine.health.gate import (
    GATES,
    GateResult,
    check_forced,
    failed,
    gate,
    index_refused,
    parity,
)


def figures(**changed: Any) -> dict[str, Any]:
    """Those of a refresh that passes, some changed."""
    good = {
        "items": {"lost_share": 0.02, "photos_lost_share": 0.0},
        "drift": {"same_tower": True, "items": 500, "centroid_shift": 0.01,
                  "centroid_instability": 0.002, "neighbor_instability": 0.01},
        "neighbors": {"overlap": 0.97},
        "canaries": {"similar": {"asked": 100, "overlap": 0.9, "emptied": 0},
                     "recommended": {"asked": 50, "overlap": 0.8, "emptied": 0}},
        "index": {"photo": {"recall": 0.97, "scann": True},
                  "behavior": {"recall": 0.5, "scann": False}},
    }  # fmt: skip
    return {**good, **changed}


def names(results: list[GateResult]) -> list[str]:
    return [result.name for result in results]


def test_every_gate_is_judged_and_passes():
    results = gate(figures(), Config())
    assert names(results) == [*GATES[:9], "recall-photo", "recall-behavior"]
    assert failed(results) == []


def test_a_gate_that_fails_says_which_and_by_how_much():
    (miss,) = failed(gate(figures(neighbors={"overlap": 0.41}), Config()))
    assert miss.line == ("neighbors: overlap of nearest photos 0.41, 0.29 under "
                         "refresh.min_neighbor_overlap = 0.7")  # fmt: skip
    assert miss.missed_by == pytest.approx(0.29)
    lost = {"lost_share": 0.25, "photos_lost_share": 0.0}
    (miss,) = failed(gate(figures(items=lost), Config()))
    assert miss.line == ("items-lost: share of the items that left 0.25, 0.15 over "
                         "refresh.max_shrink = 0.1")  # fmt: skip


def test_the_limit_itself_passes():
    assert failed(gate(figures(neighbors={"overlap": 0.7}), Config())) == []
    edge = {"lost_share": 0.1, "photos_lost_share": 0.02}
    assert failed(gate(figures(items=edge), Config())) == []


def test_each_figure_has_a_gate_of_its_own():
    bad = figures(
        items={"lost_share": 1.0, "photos_lost_share": 1.0},
        drift={"same_tower": True, "items": 500, "centroid_shift": 1.0,
               "centroid_instability": 1.0, "neighbor_instability": 1.0},
        neighbors={"overlap": 0.0},
        canaries={"similar": {"asked": 100, "overlap": 0.0, "emptied": 2},
                  "recommended": {"asked": 50, "overlap": 0.0, "emptied": 0}},
        index={"photo": {"recall": 0.5, "scann": True},
               "behavior": {"recall": 0.5, "scann": True}},
    )  # fmt: skip
    assert names(failed(gate(bad, Config()))) == list(GATES)
    emptied = next(each for each in gate(bad, Config()) if each.name == "canaries-emptied")
    assert emptied.figure == pytest.approx(2 / 100)  # the worse of both verbs


def test_an_operator_lets_one_pass_and_no_other():
    bad = figures(neighbors={"overlap": 0.0}, items={"lost_share": 1.0, "photos_lost_share": 0.0})
    results = gate(bad, Config(), forced=["neighbors"])
    assert names(failed(results)) == ["items-lost"]
    assert results[5].line.endswith("= 0.7, forced")
    assert results[5].as_dict()["passed"] is True


def test_a_forced_name_that_is_no_gate_is_refused_with_the_nearest():
    with pytest.raises(DataError, match="Did you mean `neighbors`"):
        check_forced(["neighbours"])
    with pytest.raises(DataError, match="The gates are items-lost"):
        check_forced(["xyzzy"])


def test_what_could_not_be_measured_is_not_judged():
    first = figures(items={"lost_share": None, "photos_lost_share": None}, drift=None,
                    neighbors=None, canaries={"similar": None, "recommended": None})  # fmt: skip
    results = gate(first, Config())
    assert failed(results) == []
    assert results[0].line == "items-lost: not judged, nothing to compare with"
    assert results[-1].line == "recall-behavior: not judged, it answers exactly"


def test_vectors_of_another_tower_and_of_few_items_have_no_drift():
    wild = {"centroid_shift": 9.0, "centroid_instability": 9.0, "neighbor_instability": 9.0}
    other = gate(figures(drift={"same_tower": False, "items": 500, **wild}), Config())
    assert failed(other) == []
    assert other[2].line == "centroid-shift: not judged, another tower made the vectors"
    few = gate(figures(drift={"same_tower": True, "items": 99, **wild}), Config())
    assert failed(few) == []
    assert "99 items are too few" in few[2].line


def test_parity_is_judged_by_export():
    assert parity(None).passed
    unasked = parity(None, exported=False)
    assert unasked.line == "parity: not judged, nothing was exported"
    result = parity(ServingError("once loaded again it answers differently.", where="recommend"))
    assert not result.passed
    assert result.line.endswith("(recommend: once loaded again it answers differently.)")


def test_an_index_that_was_refused_is_a_gate_that_failed():
    (miss,) = failed([index_refused(IndexQualityError("finds 0.85, 0.05 less than 0.9."))])
    assert miss.name == "recall"
    assert "0.05 less" in miss.line
