"""The page of one refresh: needs nothing else, styles and plots are in it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import Any

TEMPLATE = "refresh.html"
VERDICTS = {
    "done": "Published",
    "gate_failed": "Not published: the bundle that was served stays",
    "out_of_time": "Stopped in time: the next refresh goes on",
    "unchanged": "Nothing changed",
}
CHANGES = {
    "items": "items", "before": "items before", "added": "added", "removed": "removed",
    "photo_changed": "with another photo", "metadata_changed": "with other facts",
}  # fmt: skip


def render_html(report: dict[str, Any]) -> str:
    """A report, as `vitrine.health.report.make_report` gives it, as a page."""
    import jinja2

    from vitrine.health.plots import draw_plots

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters |= {"count": _count, "figure": _figure}
    template = resources.files("vitrine").joinpath("templates", TEMPLATE)
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        **report, plots=draw_plots(report), verdict=_verdict(report),
        when=datetime.fromtimestamp(report["written_at"], UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tiles=_tiles(report),
    )  # fmt: skip


def _verdict(report: dict[str, Any]) -> str:
    said = VERDICTS.get(report["status"], "Not refreshed")
    if report["status"] == "done" and report["version"] is not None:
        said = f"{said} as bundle {report['version']}"
    return said


def _tiles(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of what changed, and what of it cost work."""
    changes = report["changes"]
    tiles = [(words, _count(changes[name])) for name, words in CHANGES.items() if name in changes]
    tiles += [(words, "yes") for name, words in (("tower_changed", "another tower"),
                                                 ("recommender_changed", "another recommender"))
              if changes.get(name)]  # fmt: skip
    photos = sum(stage["photos"] or 0 for stage in report["stages"])
    return [*tiles, ("photos embedded", _count(photos)),
            ("seconds", f"{report['seconds']:.1f}")]  # fmt: skip


def _count(value: float) -> str:
    return f"{value:,}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
