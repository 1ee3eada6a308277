"""The report of an image tower as text and as a page."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from recsys import svg
from recsys.artifact import write_text
from recsys.config import Config
from recsys.workdir import Workdir
from vitrine.check_report import thumbnail
from vitrine.study_page import Part, render_html, render_text

MOST_GROUPS = 8  # of a column, worst first
MOST_CLASSES = 40  # of a table in a terminal, rarest left out
UNKNOWN = "–"


def write_report(
    config: Config, workdir: Workdir, split: str, path: Path, groups: list[str] | None = None
) -> dict[str, Any]:
    """Measures a tower and writes what was found: JSON where the path says so, else a page.

    Returns:
        See `embeddings.tower_figures`.
    """
    from embeddings.tower_figures import tower_figures

    figures = tower_figures(config, workdir, split, groups)
    is_json = path.suffix.lower() == ".json"
    text = json.dumps(figures, indent=2) if is_json else tower_page(figures)
    write_text(path, text)
    return figures


def tower_text(figures: dict[str, Any]) -> str:
    """The report for a terminal, without the pictures."""
    return render_text(_note(figures), _parts(figures, with_plots=False))


def tower_page(figures: dict[str, Any]) -> str:
    """The report as one page that needs nothing else."""
    return render_html("The image tower", _note(figures), _parts(figures, with_plots=True))


def _note(figures: dict[str, Any]) -> str:
    return f"{figures['photos']} photos of the split `{figures['split']}`."


def _parts(figures: dict[str, Any], *, with_plots: bool) -> list[Part]:
    parts = [_heads(figures["heads"])]
    for name, found in figures["classes"].items():
        parts.append(_classes(name, found, with_plots=with_plots))
    if figures["robustness"]:
        parts.append(_robustness(figures["robustness"]))
    for name, rows in figures["gaps"].items():
        parts.append(_gaps(name, rows))
    if figures["mistakes"]:
        parts.append(_mistakes(figures["mistakes"], with_pictures=with_plots))
    return parts


def _heads(heads: dict[str, Any]) -> Part:
    cells = [["label", "photos", "classes", "accuracy", "macro-F1", "ECE", "ECE before"]]
    for name, row in heads.items():
        error = row["calibration_error"]
        cells.append([name, str(row["photos"]), str(row["classes"]), f"{row['accuracy']:.3f}",
                      f"{row['macro_f1']:.3f}", f"{error['after']:.3f}",
                      f"{error['before']:.3f}"])  # fmt: skip
    return Part("What it names", "ECE is the expected calibration error of its probabilities, "
                "after and before the temperature", cells)  # fmt: skip


def _classes(name: str, found: dict[str, Any], *, with_plots: bool) -> Part:
    rows = sorted(found["rows"], key=lambda row: -row["photos"])
    if not with_plots:
        rows = rows[:MOST_CLASSES]
    cells = [["class", "photos", "precision", "recall", "F1", "most often called"]]
    cells += [[row["class"], str(row["photos"]), *(_share(row[key]) for key in
              ("precision", "recall", "f1")), row["mistaken_for"]] for row in rows]  # fmt: skip
    plot = draw_confusion(found["names"], found["confusion"]) if with_plots else ""
    return Part(f"`{name}`, class by class", "", cells, plot)


def _robustness(found: dict[str, float]) -> Part:
    start = next(iter(found.values()))
    cells = [["change", "R@1", "lost"]]
    cells += [[name, f"{value:.3f}", f"{start - value:+.3f}"] for name, value in found.items()]
    return Part("What happens to photos", "share of changed photos whose nearest training photo "
                "has their category; the adversary moves every channel by so many of 255", cells
                )  # fmt: skip


def _gaps(name: str, rows: list[dict[str, Any]]) -> Part:
    cells = [[name, "photos", "accuracy", "below others", "±"]]
    cells += [[row["group"], str(row["photos"]), f"{row['accuracy']:.3f}",
               f"{row['below_others']:+.3f}", f"{row['doubt']:.3f}"]
              for row in rows[:MOST_GROUPS]]  # fmt: skip
    return Part(f"For whom it works less well: `{name}`", "accuracy of the category, worst first; "
                "a gap within ± may be chance", cells)  # fmt: skip


def _mistakes(rows: list[dict[str, Any]], *, with_pictures: bool) -> Part:
    cells = [["item", "is", "called", "probability", "photo"]]
    cells += [[row["item_id"], row["is"], row["named"], f"{row['probability']:.2f}", row["photo"]]
              for row in rows]  # fmt: skip
    picture = draw_mistakes(rows) if with_pictures else ""
    return Part("The worst mistakes", "where it was surest and wrong", cells, picture)


def draw_confusion(names: list[str], confusion: list[list[int]]) -> str:
    """A confusion matrix as an `<svg>`, shares of each row; nothing where it is too large."""
    if not names:
        return ""
    side = 1.6 + 0.28 * len(names)
    figure, axes = svg.new_figure(side, side, size=7)
    totals = [max(1, sum(row)) for row in confusion]
    shares = [[count / total for count in row]
              for row, total in zip(confusion, totals, strict=True)]  # fmt: skip
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    for row, counts in enumerate(confusion):
        for column, count in enumerate(counts):
            if count:
                color = "white" if shares[row][column] > 0.6 else svg.INK
                axes.text(column, row, str(count), ha="center", va="center", fontsize=6,
                          color=color)  # fmt: skip
    labels = [svg.plain(name) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90)
    axes.set_yticks(range(len(names)), labels)
    axes.set(xlabel="called", ylabel="is")
    axes.grid(visible=False)
    return svg.to_svg(figure)


def draw_mistakes(rows: list[dict[str, Any]]) -> str:
    """The photos with what each is and was called, as HTML."""
    figures = []
    for row in rows:
        words = html.escape(f"{row['is']}, called {row['named']} ({row['probability']:.2f})")
        source = thumbnail(row["photo"])
        figures.append(f'<figure><img src="{source}" alt="{words}"><figcaption>{words}'
                       "</figcaption></figure>")  # fmt: skip
    return f'<div class="sheet">{"".join(figures)}</div>'


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"
