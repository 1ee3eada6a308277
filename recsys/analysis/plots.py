"""The plots of the behavior analysis."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from recsys.svg import COLORS, new_figure, plain, to_svg

WIDTH, LETTERS = 4.4, 9  # a phone shows it at about this width: letters stay readable
LONGEST_NAME = 26


def draw_plots(report: dict[str, Any]) -> dict[str, str]:
    """SVG text by name; a plot whose figures are not in the report is left out."""
    funnel, sessions = report["funnel"], report["sessions"]
    plots = {"activity": _activity(report["activity"])}
    if funnel["all"]["viewed"]:
        plots["funnel"] = _steps(funnel["all"])
        plots["by_category"] = _rates(funnel["by_category"], "view_to_purchase")
        if funnel["by_price"]:
            plots["by_price"] = _rates(funnel["by_price"], "view_to_purchase")
        if any(band["conversion"]["rate"] is not None for band in report["prices"]["bands"]):
            plots["relative_price"] = _rates(report["prices"]["bands"], "conversion")
    plots["session_sizes"] = _bars(
        [row["events"] for row in sessions["by_size"]],
        [row["sessions"] for row in sessions["by_size"]], "events in a session", "sessions",
    )  # fmt: skip
    plots["session_hours"] = _bars(
        [f"{hour}" for hour in range(24)], sessions["by_hour"], "hour of the start, UTC",
        "sessions", every=3,
    )  # fmt: skip
    if report["repeats"]["orders"]:
        plots["orders"] = _bars(["1", "2", "3", "4", "5+"],
                                report["repeats"]["orders_per_buyer"], "orders of a buyer", "buyers"
                                )  # fmt: skip
    return plots


def sparkline(counts: list[int]) -> str:
    """Small bars of a few counts, oldest first, as SVG text."""
    top, height = max([*counts, 1]), 18
    bars = "".join(
        f'<rect x="{7 * place}" y="{height - max(1.0, height * n / top):.1f}" width="5" '
        f'height="{max(1.0, height * n / top):.1f}"/>'
        for place, n in enumerate(counts)
    )
    return (f'<svg class="spark" viewBox="0 0 {7 * len(counts)} {height}" role="img" '
            f'aria-label="{", ".join(map(str, counts))}">{bars}</svg>')  # fmt: skip


def _activity(activity: dict[str, Any]) -> str:
    figure, axes = _figure(2.4)
    starts = activity["starts"]
    for color, (kind, counts) in zip(COLORS, activity["counts"].items(), strict=False):
        axes.plot(range(len(starts)), counts, color=color, label=plain(kind), linewidth=1.4)
    ticks = sorted({0, (len(starts) - 1) // 2, len(starts) - 1})
    axes.set_xticks(ticks, [starts[tick] for tick in ticks])
    axes.tick_params(axis="x", pad=6)  # clear of the zero beside it
    axes.set_ylim(0, 1.35 * max(max(counts) for counts in activity["counts"].values()))
    axes.set_ylabel(f"events of a {activity['unit']}")
    axes.legend(frameon=False, ncols=3, fontsize=LETTERS - 1, loc="upper left")
    return to_svg(figure)


def _steps(measured: dict[str, Any]) -> str:
    figure, axes = _figure(1.6)
    names = ["viewed", "carted", "bought"]
    counts = [measured[name] for name in names]
    axes.barh(names[::-1], counts[::-1], color=COLORS[0], height=0.6)
    for place, count in enumerate(counts[::-1]):
        axes.text(count, place, f" {count:,} ({count / counts[0]:.1%})", va="center",
                  size=LETTERS)  # fmt: skip
    axes.set_xlim(0, counts[0] * 1.35)
    axes.set_xlabel("pairs of shopper and item")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return to_svg(figure)


def _rates(rows: list[dict[str, Any]], name: str) -> str:
    known = [row for row in rows if row[name]["rate"] is not None][::-1]
    figure, axes = _figure(0.7 + 0.26 * len(known))
    shares = [row[name]["rate"] for row in known]
    errors = [[row[name]["rate"] - row[name]["low"] for row in known],
              [row[name]["high"] - row[name]["rate"] for row in known]]  # fmt: skip
    axes.errorbar(shares, range(len(known)), xerr=errors, fmt="o", color=COLORS[0],
                  ecolor=COLORS[0], elinewidth=1.2, capsize=2.5, markersize=4)  # fmt: skip
    axes.set_yticks(range(len(known)), [plain(_short(row["name"])) for row in known])
    axes.set_ylim(-0.6, len(known) - 0.4)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("view → purchase, 95% interval")
    return to_svg(figure)


def _bars(names: list[str], counts: list[int], what: str, of: str, every: int = 1) -> str:
    figure, axes = _figure(2.0)
    axes.bar(range(len(counts)), counts, color=COLORS[0], width=0.75)
    axes.set_xticks(range(0, len(names), every), names[::every])
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(visible=False, axis="x")
    axes.set(xlabel=what, ylabel=of)
    return to_svg(figure)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _figure(height: float) -> tuple[Figure, Axes]:
    return new_figure(WIDTH, height, LETTERS)
