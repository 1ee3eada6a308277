"""The table of an ablation: each variant's figures and what it loses or gains."""

from __future__ import annotations

from typing import Any

from vitrine.study_page import Part

NOTE = "the difference from the first row, on the same cases; 95% interval of resampled shoppers"


def render_note(report: dict[str, Any]) -> str:
    """How the variants were made alike."""
    seeds = ", ".join(str(seed) for seed in report["seeds"])
    return (f"{len(report['variants'])} variants, each trained with seed {seeds}; of several seeds "
            "each case counts its mean")  # fmt: skip


def parts_of(report: dict[str, Any]) -> list[Part]:
    """One table for each split, and for new items ranked among themselves."""
    return [
        Part(_title(entry), NOTE, _cells(entry, report), _plot(entry, f"ndcg@{report['k']}"))
        for entry in report["protocols"]
    ]


def _title(entry: dict[str, Any]) -> str:
    name = entry["name"].replace("_", "-")
    return f"{name}{', cold items apart' if entry['shelf'] else ''}: {entry['cases']:,} cases"


def _cells(entry: dict[str, Any], report: dict[str, Any]) -> list[list[str]]:
    k = report["k"]
    measures = {f"ndcg@{k}": f"NDCG@{k}", f"recall@{k}": f"Recall@{k}",
                f"recall@{2 * k}": f"Recall@{2 * k}"}  # fmt: skip
    head = [""]
    for name in measures.values():
        head += [name, "difference", "p"]
    cells = [[*head, "training, s"]]
    for row in entry["rows"]:
        line = [row["variant"]]
        for measure in measures:
            found = row["measures"][measure]
            line += [f"{found['mean']:.4f}", *_difference(row is entry["rows"][0], found)]
        cells.append([*line, f"{report['training_seconds'][row['variant']]:.0f}"])
    return cells


def _difference(is_base: bool, found: dict[str, Any]) -> list[str]:
    if is_base:
        return ["", ""]
    gain = found["difference"]
    return [f"{gain['mean']:+.4f} [{gain['low']:+.3f}, {gain['high']:+.3f}]", f"{gain['p']:.3f}"]


def _plot(entry: dict[str, Any], measure: str) -> str:
    from recsys.svg import COLORS, INK, new_figure, plain, to_svg

    rows = entry["rows"][1:][::-1]
    if not rows:
        return ""
    gains = [row["measures"][measure]["difference"] for row in rows]
    figure, axes = new_figure(6.4, 0.8 + 0.34 * len(rows))
    errors = [[gain["mean"] - gain["low"] for gain in gains],
              [gain["high"] - gain["mean"] for gain in gains]]  # fmt: skip
    axes.errorbar([gain["mean"] for gain in gains], range(len(rows)), xerr=errors, fmt="o",
                  color=COLORS[0], capsize=3)  # fmt: skip
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [plain(row["variant"]) for row in rows])
    axes.set_xlabel(f"difference in {measure.upper()}, 95% interval")
    axes.margins(y=0.3)
    return to_svg(figure)
