"""The behavior analysis as text for a terminal and as one page with plots and photos."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

from recsys.analysis.plots import draw_plots, sparkline

TEMPLATE = "analysis.html"


def render_html(report: dict[str, Any], thumbnail: Callable[[str], str]) -> str:
    """The report as one page that needs nothing else: styles, plots and photos are in it.

    Args:
        report: of `analyze`.
        thumbnail: the location of a photo → a data URL, empty where it cannot be read.
    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.filters.update(
        percent=percent, interval=interval, count=lambda n: f"{n:,}", signed=_signed,
        spark=sparkline,
        number=lambda value, form=".1f": "–" if value is None else format(value, form),
    )  # fmt: skip
    template = resources.files("recsys").joinpath("templates", TEMPLATE)
    photos = {item_id: thumbnail(item["image"]) if item["image"] else ""
              for item_id, item in report["items"].items()}  # fmt: skip
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        **report, plots=draw_plots(report), photos=photos
    )


def render_text(report: dict[str, Any]) -> str:
    """The main figures, a line each; the page has the rest."""
    counts, funnel, sessions = report["catalog"], report["funnel"]["all"], report["sessions"]
    repeats, audiences = report["repeats"], report["audiences"]
    lines = [f"{counts['items']:,} items, {counts['shoppers']:,} shoppers, "
             f"{counts['events']:,} events; sold means “{counts['sold']}”"]  # fmt: skip
    if funnel["viewed"]:
        lines.append(_line("funnel", f"{funnel['viewed']:,} pairs viewed, "
                           f"{percent(funnel['view_to_cart'])} carted, "
                           f"{percent(funnel['view_to_purchase'])} bought"))  # fmt: skip
    lines += [
        _line("sessions", f"{sessions['sessions']:,}, {sessions['per_shopper']:.1f} a shopper, "
              f"{sessions['events_median']:g} events and {sessions['minutes_median']:.1f} minutes "
              "in the middle one"),
        _line("coming back", f"{percent(repeats['returning'])} of shoppers, "
              f"{percent(repeats['repeat_buyers'])} of buyers"),
    ]  # fmt: skip
    for name in ("hot", "slow"):
        lines += [_line(f"{name} seller", _seller(row, report))
                  for row in report["sellers"][name][:3]]  # fmt: skip
    for number, each in enumerate(audiences["audiences"], start=1):
        likes = ", ".join(category["name"] for category in each["categories"][:2])
        lines.append(_line(f"audience {number}", f"{each['share']:.0%} of shoppers: {likes}"))
    for pair in report["together"]["pairs"][:3]:
        lines.append(_line("together", f"{_title(pair['one'], report)} + "
                           f"{_title(pair['other'], report)}: lift {pair['lift']:.1f}, "
                           f"{pair['support']} baskets"))  # fmt: skip
    return "\n".join(lines)


def percent(measured: dict[str, Any]) -> str:
    """A rate as a percentage, or a dash where it is not defined."""
    return "–" if measured["rate"] is None else f"{measured['rate']:.1%}"


def interval(measured: dict[str, Any]) -> str:
    """The 95% interval of a rate in brackets; empty where it is not defined."""
    if measured["rate"] is None:
        return ""
    return f"[{100 * measured['low']:.1f}, {100 * measured['high']:.1f}]"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{change:+.0%}" if change else "0%"


def _line(name: str, text: str) -> str:
    return f"  {name:<12} {text}"


def _seller(row: dict[str, Any], report: dict[str, Any]) -> str:
    return (f"{_title(row['item_id'], report)}: {row['recent']} sold, {row['before']} before, "
            f"{row['trend']}; {row['hint']}")  # fmt: skip


def _title(item_id: str, report: dict[str, Any]) -> str:
    return report["items"][item_id]["title"] or item_id
