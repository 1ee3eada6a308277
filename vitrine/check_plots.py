"""Plots of the report of `vitrine check`, as SVG to put into a page."""

from __future__ import annotations

import itertools
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recsys.svg import COLORS, new_figure, plain, to_svg


def draw_plots(report: dict[str, Any]) -> dict[str, str]:
    """SVG text by name: `categories`, `prices`, `per_day`, `funnel`, `per_user`, `sizes`.

    A plot whose figures are not in the report is left out.
    """
    catalog, events, photos = report["catalog"], report["events"], report["photos"]
    plots = {"categories": _bars(catalog["largest_categories"], "items")}
    if catalog["prices"]:
        plots["prices"] = _histogram(catalog["prices"], "price", "items")
    if events and events["events"]:
        plots["per_day"] = _days(events["per_day"])
        funnel = {stage["event"]: stage["pairs"] for stage in events["funnel"]}
        plots["funnel"] = _bars(funnel, "pairs of shopper and item")
        plots["per_user"] = _histogram(events["events_per_user"], "events of a user", "users")
    if photos and photos["sizes"]:
        plots["sizes"] = _sizes(photos["sizes"])
    return plots


def _bars(counts: dict[str, int], what: str) -> str:
    names = list(counts)[::-1]
    figure, axes = _figure(1.0 + 0.26 * len(names))
    axes.barh(range(len(names)), [counts[name] for name in names], color=COLORS[0], height=0.7)
    labels = [name if len(name) <= 36 else f"…{name[-35:]}" for name in names]
    axes.set_yticks(range(len(names)), [plain(label) for label in labels])
    axes.set_xlabel(what)
    return to_svg(figure)


def _histogram(histogram: dict[str, list[float]], what: str, of: str) -> str:
    figure, axes = _figure(2.6)
    edges = histogram["edges"]
    widths = [right - left for left, right in itertools.pairwise(edges)]
    axes.bar(edges[:-1], histogram["counts"], widths, align="edge", color=COLORS[0],
             edgecolor="white", linewidth=0.5)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=what, ylabel=of)
    return to_svg(figure)


def _days(per_day: dict[str, Any]) -> str:
    figure, axes = _figure(2.6)
    days = per_day["days"]
    for color, (kind, counts) in zip(COLORS, per_day["counts"].items(), strict=False):
        axes.plot(range(len(days)), counts, color=color, label=plain(kind), linewidth=1.4)
    ticks = sorted({0, len(days) // 3, 2 * len(days) // 3, len(days) - 1})
    axes.set_xticks(ticks, [days[tick] for tick in ticks])
    axes.set_ylim(0, 1.3 * max(max(counts) for counts in per_day["counts"].values()))
    axes.set_ylabel("events")
    axes.legend(frameon=False, ncols=3, fontsize=8)
    return to_svg(figure)


def _sizes(sizes: list[dict[str, int]]) -> str:
    figure, axes = _figure(3.0)
    most = max(size["count"] for size in sizes)
    area = [12 + 180 * size["count"] / most for size in sizes]
    axes.scatter([size["width"] for size in sizes], [size["height"] for size in sizes], area,
                 color=COLORS[0], alpha=0.5, linewidth=0)  # fmt: skip
    axes.set(xlabel="width", ylabel="height")
    axes.margins(0.15)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return to_svg(figure)


def _figure(height: float) -> tuple[Figure, Axes]:
    return new_figure(5.2, min(height, 6.5))
