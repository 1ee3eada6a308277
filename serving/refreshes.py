"""The latest refresh, as its report tells it: what an operator wants to know at a glance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recsys.workdir import Workdir

REPORT = "report.json"
CHANGES = ("added", "removed", "photo_changed", "metadata_changed")


def latest_refresh(workdir: Workdir) -> dict[str, Any] | None:
    """The newest refresh whose report can be read; None where there is none.

    Returns:
        name (of its folder), written_at (epoch seconds), status, error, version (of the bundle
        that it published), seconds, slowest (stage), photos (embedded), changes (name → count),
        failed_gates, and failures (photos that could not be used).
    """
    # the names begin with the time
    for folder in sorted(workdir.refreshes.glob("*-*"), reverse=True):
        try:
            return _figures(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # it was killed, or another version of Vitrine wrote it
    return None


def _figures(folder: Path) -> dict[str, Any]:
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    version = report["version"]
    return {
        "name": folder.name,
        "written_at": float(report["written_at"]),
        "status": str(report["status"]),
        "error": str(report["error"]),
        "version": None if version is None else int(version),
        "seconds": float(report["seconds"]),
        "slowest": str(report["slowest"]),
        "photos": sum(int(stage["photos"] or 0) for stage in report["stages"]),
        "changes": {name: int(report["changes"].get(name, 0)) for name in CHANGES},
        "failed_gates": [str(name) for name in report["failed_gates"]],
        "failures": int(report["figures"]["failures"]["photos"]["total"]),
    }
