"""Plots as SVG text for a page: one look, and the same figures always give the same text."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, PAPER = "#26302e", "#5d6a65", "#dfe6e2"
COLORS = ("#1f6f64", "#d98c3f", "#7a4f9a", "#3f7fc1", "#b5484f", "#7d8a3c")
_METADATA = ("Date", "Creator", "Format", "Type")


def new_figure(width: float, height: float, size: float = 8) -> tuple[Figure, Axes]:
    """An empty plot without a display.

    Args:
        width, height: inches.
        size: of the letters, in points.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PAPER)
    axes.tick_params(colors=INK, labelsize=size, length=0)
    axes.xaxis.label.set(color=MUTED, size=size)
    axes.yaxis.label.set(color=MUTED, size=size)
    axes.grid(axis="both", color=PAPER, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def plain(text: str) -> str:
    """Text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")


def to_svg(figure: Figure) -> str:
    """A figure as an `<svg>` element whose letters stay text."""
    buffer = io.StringIO()
    # a fixed salt and no date: the same report gives the same page
    with mpl.rc_context({"svg.hashsalt": "vitrine", "svg.fonttype": "none",
                         "font.family": "sans-serif"}):  # fmt: skip
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(_METADATA))
    text = buffer.getvalue()
    return text[text.index("<svg") :]
