"""The plots of the evaluation page, as SVG text."""

from __future__ import annotations

import io
import re
from typing import Any

from recsys.report_segments import OWN, served

INK, ACCENT, QUIET = "#222222", "#b3541e", "#9a9a9a"


def draw_plots(report: dict[str, Any]) -> dict[str, str]:
    """Name → SVG: NDCG of every model and by segment, the lists, and the course of the training."""
    measure = f"ndcg@{report['k']}"
    plots = {}
    for protocol in report["protocols"]:
        plots[protocol["name"]] = _bars(protocol, measure)
        if protocol.get("segments"):
            plots[f"{protocol['name']} segments"] = _segments(protocol, measure)
        if any("novelty" in row for row in protocol.get("lists", [])):
            plots[f"{protocol['name']} lists"] = _lists(protocol, measure)
    if report["training"] and report["training"]["validation_ndcg_at_10"] is not None:
        plots["training"] = _course(report["training"])
    return plots


def _bars(protocol: dict[str, Any], measure: str) -> str:
    figure, (axes,) = _figure(5.6, 2.6)
    rows = [row for row in protocol["rows"] if row["group"] == "all"][::-1]
    means = [row[measure]["mean"] for row in rows]
    errors = [[row[measure]["mean"] - row[measure]["low"] for row in rows],
              [row[measure]["high"] - row[measure]["mean"] for row in rows]]  # fmt: skip
    colors = [ACCENT if row["model"] == "two_tower" else QUIET for row in rows]
    names = [row["model"].replace("_", " ") for row in rows]
    axes.barh(names, means, xerr=errors, color=colors, ecolor=INK, capsize=3, height=0.6)
    axes.set_xlabel(f"{measure.upper()}, 95% interval")
    return _svg(figure)


def _segments(protocol: dict[str, Any], measure: str) -> str:
    """The model's measure by segment, one small plot for each dimension; the best peer as dots."""
    rows, (best, peer) = protocol["segments"], _model_and_peer(protocol, measure)
    dimensions = list(dict.fromkeys(row["dimension"] for row in rows))
    figure, places = _figure(9.0, 2.6, len(dimensions))
    for axes, dimension in zip(places, dimensions, strict=True):
        for model, color in ((peer, QUIET), (best, ACCENT)):
            mine = [row for row in rows if (row["model"], row["dimension"]) == (model, dimension)]
            figures = [row[measure] for row in mine]
            errors = [[one["mean"] - one["low"] for one in figures],
                      [one["high"] - one["mean"] for one in figures]]  # fmt: skip
            names = [row["segment"][:18] for row in mine]
            axes.errorbar(names, [one["mean"] for one in figures], yerr=errors, fmt="o",
                          capsize=2, markersize=4, color=color)  # fmt: skip
        axes.set_title(dimension, fontsize=9)
        axes.tick_params(axis="x", rotation=90, labelsize=7)
        axes.set_ylim(bottom=0)
    places[0].set_ylabel(measure.upper())
    return _svg(figure)


def _lists(protocol: dict[str, Any], measure: str) -> str:
    """Right against novel: each model's measure over the novelty of its lists."""
    figure, (axes,) = _figure(5.6, 2.6)
    right = {row["model"]: row[measure]["mean"] for row in protocol["rows"]
             if row["group"] == "all"}  # fmt: skip
    for row in (row for row in protocol["lists"] if "novelty" in row):
        place = row["novelty"]["mean"], right[row["model"]]
        axes.plot(*place, "o", color=ACCENT if row["model"] in OWN else QUIET)
        axes.annotate(row["model"].replace("_", " "), place, textcoords="offset points",
                      xytext=(5, 3), fontsize=8)  # fmt: skip
    axes.set_xlabel("novelty of the lists, bits")
    axes.set_ylabel(measure.upper())
    axes.margins(0.2)
    return _svg(figure)


def _model_and_peer(protocol: dict[str, Any], measure: str) -> tuple[str, str]:
    """What is served and, of the peers, the best; the same again where it stands alone."""
    means = {row["model"]: row[measure]["mean"] for row in protocol["rows"]
             if row["group"] == "all"}  # fmt: skip
    mine = served(list(means))
    peers = [model for model in means if model not in OWN] or [mine]
    return mine, max(peers, key=lambda model: means[model])


def _course(training: dict[str, Any]) -> str:
    figure, (axes,) = _figure(5.6, 2.6)
    epochs = range(1, len(training["epochs"]) + 1)
    axes.plot(epochs, [epoch["validation_ndcg"] for epoch in training["epochs"]], color=ACCENT)
    axes.axvline(training["best_epoch"], color=QUIET, linestyle=":")
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation NDCG@10")
    return _svg(figure)


def _figure(width: float, height: float, count: int = 1) -> tuple[Any, list[Any]]:
    """A figure and its plots, side by side."""
    from matplotlib.figure import Figure  # the class, not pyplot: no global state, no display

    figure = Figure(figsize=(width, height), layout="constrained")
    plots = [figure.add_subplot(1, count, place + 1) for place in range(count)]
    for axes in plots:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, plots


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    # inline SVG starts at its own tag
    return re.sub(r"^.*?(?=<svg)", "", text.getvalue(), flags=re.DOTALL)
