"""The evaluation report as text for a terminal and as a page with plots."""

from __future__ import annotations

import textwrap
from importlib import resources
from typing import Any

from recsys.report_plots import draw_plots
from recsys.report_segments import LISTS_NOTE, list_cells, segment_cells

NAMES = {
    "two_tower": "two-tower", "popularity": "popularity", "item_knn": "item-kNN",
    "markov": "Markov chain", "ease": "EASE", "transitions": "transitions",
    "blend": "blend (served)",
    "ranked": "ranked (served)",
}  # fmt: skip
MEASURES = ("ndcg", "recall", "mrr")  # from left to right
SHORT = {"r@1": "R@1", "p@10": "P@10", "map": "mAP", "mrr": "MRR"}


def render_text(report: dict[str, Any], *, whole: bool = True) -> str:
    """The report as aligned tables; figures in brackets are 95% intervals.

    Args:
        report: as in report.json.
        whole: with what lists are like and where a model is weak; else how models compare.
    """
    counts = report["catalog"]
    lines = [f"{counts['items']:,} items, {counts['users']:,} shoppers, "
             f"{counts['events']:,} events"]  # fmt: skip
    if training := report["training"]:
        lines.append(_training_line(training))
    for protocol in report["protocols"]:
        lines += ["", *_protocol_lines(protocol)]
        for _, title, cells in _further_tables(report, protocol) if whole else ():
            lines += ["", *textwrap.wrap(title, 100, initial_indent="  ", subsequent_indent="  "),
                      *_aligned(cells)]  # fmt: skip
    if retrieval := report["photo_retrieval"]:
        lines += ["", f"photo retrieval by category: {retrieval['queries']:,} test photos among "
                  f"{retrieval['gallery']:,} of training, {retrieval['categories']} categories",
                  "  " + "   ".join(f"{SHORT[name]} {_figure(retrieval[name])}"
                                    for name in ("r@1", "p@10", "map"))]  # fmt: skip
    if report["index"]:
        lines += ["", *_index_lines(report["index"])]
    return "\n".join(lines)


def render_html(report: dict[str, Any]) -> str:
    """The report as one page that needs nothing else: styles and plots are in it."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    template = resources.files("recsys").joinpath("templates", "report.html")
    tables = [
        {"head": f"{protocol['title']}", "note": _describe(protocol), "rows": _cells(protocol),
         "settings": protocol["peer_settings"], "further": _further_tables(report, protocol),
         "name": protocol["name"]}
        for protocol in report["protocols"]
    ]  # fmt: skip
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        report=report, tables=tables, plots=draw_plots(report), names=NAMES, short=SHORT,
        figure=_figure, training=_training_line(report["training"]) if report["training"] else "",
        index_lines=_index_lines(report["index"]) if report["index"] else [],
    )  # fmt: skip


def _training_line(training: dict[str, Any]) -> str:
    ndcg = training["validation_ndcg_at_10"]
    validated = "no validation" if ndcg is None else f"validation NDCG@10 {ndcg:.4f}"
    return (f"two-tower: best epoch {training['best_epoch']}, {validated}, "
            f"{training['seconds']:.0f} s, {training['examples_per_second']:,.0f} examples per "
            "second")  # fmt: skip


def _names(protocol: dict[str, Any]) -> dict[str, str]:
    """Model → its name in words; with a ranker the blend alone is not what is served."""
    has_ranker = any(row["model"] == "ranked" for row in protocol["rows"])
    return {**NAMES, "blend": "blend"} if has_ranker else NAMES


def _protocol_lines(protocol: dict[str, Any]) -> list[str]:
    return [protocol["title"], f"  {_describe(protocol)}", *_aligned(_cells(protocol))]


def _describe(protocol: dict[str, Any]) -> str:
    checked = protocol.get("time_travel_cases")
    return (
        f"{protocol['cases']:,} cases of {protocol['users']:,} shoppers, "
        f"{protocol['items_ranked']:,} items ranked, seen items {protocol['seen_items']}"
        + (f"; {checked} answered again from the log cut before them" if checked else "")
    )


def _further_tables(
    report: dict[str, Any], protocol: dict[str, Any]
) -> list[tuple[str, str, list[list[str]]]]:
    """The tables after the main one, each with its name, its title and its cells."""
    measure = f"ndcg@{report['k']}"
    names = _names(protocol)
    tables = [
        ("lists", f"lists of {report['k']}: {LISTS_NOTE}", list_cells(protocol, names)),
        ("segments", f"{_heading(measure)} by segment", segment_cells(protocol, measure, names)),
    ]
    return [table for table in tables if table[2]]


def _cells(protocol: dict[str, Any]) -> list[list[str]]:
    """The table of a protocol as text cells, the heading first; groups one after another."""
    rows, names = protocol["rows"], _names(protocol)
    measures = sorted(
        (name for name, value in rows[0].items() if isinstance(value, dict)), key=_place
    )
    cells = [["", *(_heading(name) for name in measures), "coverage"]]
    for group in dict.fromkeys(row["group"] for row in rows):
        for row in (row for row in rows if row["group"] == group):
            if group != "all" and row["model"] == rows[0]["model"]:
                cells.append([_group_title(row), *[""] * (len(measures) + 1)])
            cells.append([f"  {names[row['model']]}", *(_figure(row[name]) for name in measures),
                          f"{row['coverage']:.3f}"])  # fmt: skip
    return cells


def _place(measure: str) -> tuple[int, int]:
    """Where a measure's column stands, however the report was read."""
    name, _, k = measure.partition("@")
    return (MEASURES.index(name) if name in MEASURES else len(MEASURES), int(k or 0))


def _group_title(row: dict[str, Any]) -> str:
    title = f"{row['group']} ({row['cases']:,} cases)"
    if "random" not in row:
        return title
    return f"{title} among {row['items']:,} items, random Recall {row['random']:.3f}"


def _aligned(cells: list[list[str]]) -> list[str]:
    # a row without figures is a heading: it may be as long as it likes
    full = [row for row in cells if any(row[1:])]
    widths = [max(len(row[i]) for row in full) for i in range(len(cells[0]))]
    return [
        "  " + row[0].ljust(widths[0])
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        if any(row[1:]) else f"  {row[0]}"
        for row in cells
    ]  # fmt: skip


def _heading(name: str) -> str:
    return SHORT.get(name, name.replace("ndcg", "NDCG").replace("recall", "Recall"))


def _figure(value: dict[str, float]) -> str:
    return f"{value['mean']:.4f} [{value['low']:.3f}, {value['high']:.3f}]"


def _index_lines(index: dict[str, Any]) -> list[str]:
    lines = ["index"]
    for name, space in index.get("spaces", {}).items():
        lines.append(
            f"  {name}: {space['engine']}, ScaNN recall@{index['k']} {space['recall']:.3f} "
            f"({space['scann_ms']:.2f} ms a query, exact {space['exact_ms']:.2f} ms)"
        )
    return lines
