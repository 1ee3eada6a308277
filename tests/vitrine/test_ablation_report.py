"""The table of an ablation, cell by cell."""

from __future__ import annotations

from vitrine.ablation_report import parts_of, render_note


def _row(name: str, mean: float, gain: float) -> dict:
    difference = {"mean": gain, "low": gain - 0.01, "high": gain + 0.01, "p": 0.02}
    found = {"mean": mean, "difference": difference}
    return {
        "variant": name,
        "measures": dict.fromkeys(("ndcg@10", "recall@10", "recall@20"), found),
    }


REPORT = {
    "seeds": [0, 1], "k": 10, "variants": ["everything", "model.use_image=false"],
    "training_seconds": {"everything": 12.0, "model.use_image=false": 9.6},
    "protocols": [{"name": "leave_last_out", "shelf": True, "cases": 1200, "rows": [
        _row("everything", 0.1, 0.0), _row("model.use_image=false", 0.05, -0.05),
    ]}],
}  # fmt: skip


def test_the_base_has_no_difference_and_the_variant_has():
    (part,) = parts_of(REPORT)
    assert part.title == "leave-last-out, cold items apart: 1,200 cases"
    assert part.cells[1] == ["everything", *["0.1000", "", ""] * 3, "12"]
    loss = ["0.0500", "-0.0500 [-0.060, -0.040]", "0.020"]
    assert part.cells[2] == ["model.use_image=false", *loss * 3, "10"]
    assert len(part.cells[0]) == len(part.cells[1]) == len(part.cells[2])


def test_the_plot_names_the_variants_and_the_note_the_seeds():
    assert "model.use_image=false" in parts_of(REPORT)[0].plot
    assert "seed 0, 1" in render_note(REPORT)


def test_a_base_alone_has_nothing_to_plot():
    entry = {**REPORT["protocols"][0], "rows": REPORT["protocols"][0]["rows"][:1]}
    assert parts_of({**REPORT, "protocols": [entry]})[0].plot == ""
