"""Plots of a refresh's report, as SVG to put into its page."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import MaxNLocator

from recsys.svg import COLORS, MUTED, new_figure, plain, to_svg


def draw_plots(report: dict[str, Any]) -> dict[str, str]:
    """SVG text by name: `stages`, `center`, `neighbors`, `kept`.

    A plot whose figures are not in the report is left out.
    """
    figures, plots = report["figures"], {}
    worked = [stage for stage in report["stages"] if stage["seconds"] > 0]
    if worked:
        plots["stages"] = _bars([(stage["name"], stage["seconds"]) for stage in worked])
    histograms = (figures["drift"] or {}).get("histograms", {})
    for name, what in (("center", "cosine with the center of the old vectors"),
                       ("neighbors", "cosine with the nearest items")):  # fmt: skip
        if histograms.get(name):
            plots[name] = _two_histograms(histograms[name], what)
    kept = {"nearest photos": figures["neighbors"], **{
        f"{verb} as served": found for verb, found in figures["canaries"].items()
    }}  # fmt: skip
    asked = {name: found for name, found in kept.items() if found and found["asked"]}
    if asked:
        plots["kept"] = _kept(asked)
    return plots


def _bars(rows: list[tuple[str, float]]) -> str:
    figure, axes = new_figure(5.2, 0.8 + 0.3 * len(rows))
    names, values = zip(*rows[::-1], strict=True)
    slowest = max(values)
    colors = [COLORS[1] if value == slowest else COLORS[0] for value in values]
    axes.barh(range(len(rows)), values, color=colors, height=0.65)
    axes.set_yticks(range(len(rows)), [plain(name) for name in names])
    axes.set_xlabel("seconds")
    return to_svg(figure)


def _two_histograms(found: dict[str, list[float]], what: str) -> str:
    figure, axes = new_figure(5.2, 2.6)
    for name, color, style in (("old", MUTED, "--"), ("new", COLORS[0], "-")):
        total = max(1.0, sum(found[name]))
        shares = [count / total for count in found[name]]
        axes.stairs(shares, found["edges"], color=color, linestyle=style, linewidth=1.5,
                    label="before" if name == "old" else "after")  # fmt: skip
    axes.set(xlabel=what, ylabel="share")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)


def _kept(asked: dict[str, dict[str, Any]]) -> str:
    """How many questions kept how much of their answer, side by side."""
    figure, axes = new_figure(5.2, 2.6)
    width = 0.8 / len(asked)
    for place, (color, (name, found)) in enumerate(zip(COLORS, asked.items(), strict=False)):
        shares = [count / found["asked"] for count in found["shares"]]
        left = [tenth - 0.4 + width * (place + 0.5) for tenth in range(len(shares))]
        axes.bar(left, shares, width, color=color, label=plain(name))
    axes.set_xticks(range(11))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlabel="of the first ten stayed", ylabel="share of questions")
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)
