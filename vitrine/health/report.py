"""The report of one refresh: report.json for programs, report.html for people."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys.artifact import write_json, write_text
from vitrine.health.gate import GateResult
from vitrine.health.page import render_html

JSON, HTML = "report.json", "report.html"
FORMAT = 1

Report = dict[str, Any]


def write_report(
    folder: Path, outcome: Mapping[str, Any], figures: Mapping[str, Any],
    gates: Sequence[GateResult],
) -> Report:  # fmt: skip
    """Writes both files to a folder of this refresh; report.json comes last.

    Args:
        folder: such as `refreshes/20261121T030000-5f2c0a91d3e7`, made if need be.
        outcome: how it ended: `status`, `error`, `version`, `changes` (name → count) and
            `stages` (name → `state`, `seconds` and, where photos went through the network,
            `embedded` and `photos_per_second`).
        figures: of `vitrine.health.measure.measure`.
        gates: of `vitrine.health.gate.gate`, and `parity`.
    """
    report = make_report(outcome, figures, gates, time.time())
    write_text(folder / HTML, render_html(report))
    write_json(folder / JSON, report)  # who finds it finds the page too
    return report


def make_report(
    outcome: Mapping[str, Any], figures: Mapping[str, Any], gates: Sequence[GateResult],
    written_at: float,
) -> Report:  # fmt: skip
    """What report.json holds; see `write_report`."""
    stages = [_stage(name, stage) for name, stage in outcome.get("stages", {}).items()]
    worked = [stage for stage in stages if stage["seconds"] > 0]
    seconds = sum(stage["seconds"] for stage in worked)
    report = {
        "format": FORMAT,
        "written_at": round(written_at, 3),
        "status": outcome["status"],
        "error": outcome.get("error", ""),
        "version": outcome.get("version"),
        "fingerprint": outcome.get("fingerprint", ""),
        "changes": dict(outcome.get("changes", {})),
        "seconds": round(seconds, 2),
        "stages": stages,
        "slowest": max(worked, key=lambda stage: stage["seconds"])["name"] if worked else "",
        "gates": [gate.as_dict() for gate in gates],
        "failed_gates": [gate.name for gate in gates if not gate.passed],
        "figures": dict(figures),
    }
    # a stage's summary may hold paths or numpy's numbers
    return dict(json.loads(json.dumps(report, default=_plain)))


def _stage(name: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name, "state": stage["state"], "seconds": float(stage["seconds"]),
        "photos": stage.get("embedded"), "photos_per_second": stage.get("photos_per_second"),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
