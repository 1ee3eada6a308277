"""The page and the text of a study: a few tables, each with a note and a plot."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

TEMPLATE = "study.html"


@dataclass(frozen=True)
class Part:
    """One table of a study.

    Attributes:
        title: above it.
        note: one sentence on how to read it.
        cells: rows of text, the heading first.
        plot: an `<svg>` element, or nothing.
    """

    title: str
    note: str
    cells: list[list[str]]
    plot: str = ""


def render_html(title: str, note: str, parts: list[Part]) -> str:
    """One page that needs nothing else: styles and plots are in it."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    template = resources.files("vitrine").joinpath("templates", TEMPLATE)
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        title=title, note=note, parts=parts
    )


def render_text(note: str, parts: list[Part]) -> str:
    """The same for a terminal: aligned tables."""
    lines = [note]
    for part in parts:
        lines += ["", part.title + (f" ({part.note})" if part.note else ""), *align(part.cells)]
    return "\n".join(lines)


def align(cells: list[list[str]]) -> list[str]:
    """Rows of text in columns: the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return [
        "  " + row[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in cells
    ]  # fmt: skip
