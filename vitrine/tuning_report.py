"""What a search found: its course, its best trials, and which settings mattered."""

from __future__ import annotations

from typing import Any

from vitrine.study_page import Part

SHOWN = 20  # trials in the table, best first


def render_note(report: dict[str, Any]) -> str:
    """How many trials there were and what they were judged by."""
    best = report["best"]
    failed = f", {report['failed']} failed" if report["failed"] else ""
    return (
        f"{len(report['trials'])} trials{failed}; judged by validation NDCG@10 alone, best "
        f"{best['value']:.4f} in trial {best['number']}. The best of many is flattered: what it is "
        "worth, `vitrine evaluate` says on cases that no trial has seen"
    )


def parts_of(report: dict[str, Any]) -> list[Part]:
    """The trials, best first, and the settings by importance."""
    parts = [Part("Trials", "best first", _trial_cells(report), _course(report["trials"]))]
    if report["importances"]:
        cells = [["", "importance"]]
        cells += [[name, f"{value:.2f}"] for name, value in report["importances"].items()]
        note = "share of what sets the best tenth of the trials apart (PED-ANOVA)"
        parts.append(Part("Which settings mattered", note, cells))
    return parts


def _trial_cells(report: dict[str, Any]) -> list[list[str]]:
    names = report["space"]
    cells = [["trial", "NDCG@10", "epochs", "seconds",
              *(name.rpartition(".")[2] for name in names)]]  # fmt: skip
    for trial in sorted(report["trials"], key=lambda trial: -trial["value"])[:SHOWN]:
        settings = (_short(trial["settings"][name]) for name in names)
        cells.append([str(trial["number"]), f"{trial['value']:.4f}", str(trial["best_epoch"]),
                      f"{trial['seconds']:.0f}", *settings])  # fmt: skip
    return cells


def _course(trials: list[dict[str, Any]]) -> str:
    from recsys.svg import COLORS, MUTED, new_figure, to_svg

    figure, axes = new_figure(6.4, 2.4)
    values = [trial["value"] for trial in trials]
    best = [max(values[: place + 1]) for place in range(len(values))]
    axes.plot([trial["number"] for trial in trials], values, "o", color=MUTED, markersize=3)
    axes.step([trial["number"] for trial in trials], best, where="post", color=COLORS[0])
    axes.set_xlabel("trial")
    axes.set_ylabel("validation NDCG@10, the best so far as a line")
    return to_svg(figure)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
