"""Tables of the evaluation report beside the main one: by segment, and what the lists are like."""

from __future__ import annotations

from typing import Any

Cells = list[list[str]]

OWN = ("two_tower", "transitions", "blend", "ranked")  # our models; all others are peers

LISTS = {
    "novelty": "novelty, bits", "diversity": "diversity", "miscalibration": "miscalibration",
    "coverage": "coverage", "gini": "Gini",
}  # fmt: skip
LISTS_NOTE = (
    "novelty: mean -log2 of the share of shoppers who had the item; diversity: 1 - mean cosine of "
    "the kinds in a list; miscalibration: divergence of the list's kinds from the history's, 0 is "
    "calibrated; Gini: 0 shows all items alike"
)


def list_cells(protocol: dict[str, Any], names: dict[str, str]) -> Cells:
    """What each model's lists are like, the heading first; measures that nobody has are left out.

    Args:
        protocol: as in report.json.
        names: model → its name in words.
    """
    rows = [row for row in protocol.get("lists", []) if row]
    measures = [name for name in LISTS if any(name in row for row in rows)]
    if not measures:
        return []
    return [
        ["", *(LISTS[name] for name in measures)],
        *([names.get(row["model"], row["model"]), *(_cell(row.get(name)) for name in measures)]
          for row in rows),
    ]  # fmt: skip


def segment_cells(protocol: dict[str, Any], measure: str, names: dict[str, str]) -> Cells:
    """One measure of every model by segment, the heading first; a row without figures is a title.

    The figures of what is served have their interval, the others are means.
    """
    rows = protocol.get("segments", [])
    models = list(dict.fromkeys(row["model"] for row in rows))
    if not models:
        return []
    cells = [["", "cases", *(names.get(model, model) for model in models)]]
    found = {(row["model"], row["dimension"], row["segment"]): row for row in rows}
    for dimension in dict.fromkeys(row["dimension"] for row in rows):
        cells.append([dimension, *[""] * (len(models) + 1)])
        for row in rows:
            if (row["model"], row["dimension"]) != (models[0], dimension):
                continue
            figures = {model: found[model, dimension, row["segment"]][measure] for model in models}
            cells.append([f"  {row['segment']}", f"{row['cases']:,}",
                          *(_cell(figure) if model == served(models) else f"{figure['mean']:.4f}"
                            for model, figure in figures.items())])  # fmt: skip
    return cells


def served(models: list[str]) -> str:
    """Which of the judged models a bundle answers with."""
    return next(name for name in ("ranked", "blend", models[0]) if name in models)


def _cell(value: dict[str, float] | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return f"{value['mean']:.4f} [{value['low']:.3f}, {value['high']:.3f}]"
    return f"{value:.3f}"
