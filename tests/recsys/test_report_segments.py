"""Tables by segment and of lists, cell by cell."""

from __future__ import annotations

from recsys.report_segments import list_cells, segment_cells

NAMES = {"two_tower": "two-tower", "ease": "EASE"}


def _interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}


def _segment(model: str, dimension: str, segment: str, mean: float) -> dict:
    return {"model": model, "dimension": dimension, "segment": segment, "cases": 12,
            "ndcg@10": _interval(mean)}  # fmt: skip


def test_segments_stand_under_their_dimension_with_every_model():
    protocol = {"segments": [
        _segment("two_tower", "category", "Home", 0.1), _segment("two_tower", "age", "0-6", 0.3),
        _segment("ease", "category", "Home", 0.05), _segment("ease", "age", "0-6", 0.06),
    ]}  # fmt: skip
    assert segment_cells(protocol, "ndcg@10", NAMES) == [
        ["", "cases", "two-tower", "EASE"],
        ["category", "", "", ""],
        ["  Home", "12", "0.1000 [0.090, 0.110]", "0.0500"],
        ["age", "", "", ""],
        ["  0-6", "12", "0.3000 [0.290, 0.310]", "0.0600"],
    ]  # fmt: skip


def test_what_is_served_has_the_interval():
    models = ("two_tower", "transitions", "blend", "ease")
    protocol = {"segments": [_segment(model, "age", "0-6", 0.2) for model in models]}
    assert segment_cells(protocol, "ndcg@10", NAMES)[2][2:] == [
        "0.2000", "0.2000", "0.2000 [0.190, 0.210]", "0.2000",
    ]  # fmt: skip


def test_lists_leave_out_what_nobody_has():
    protocol = {"lists": [
        {"model": "two_tower", "coverage": 0.5, "gini": 0.25, "novelty": _interval(7.0)},
        {"model": "ease", "coverage": 0.25},
    ]}  # fmt: skip
    assert list_cells(protocol, NAMES) == [
        ["", "novelty, bits", "coverage", "Gini"],
        ["two-tower", "7.0000 [6.990, 7.010]", "0.500", "0.250"],
        ["EASE", "-", "0.250", "-"],
    ]


def test_a_report_without_either_has_no_tables():
    assert segment_cells({}, "ndcg@10", NAMES) == list_cells({}, NAMES) == []
