"""The latest refresh, as its report tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recsys.workdir import Workdir
from serving.refreshes import latest_refresh


def report(**changed: Any) -> dict[str, Any]:
    """What `vitrine refresh` writes, as far as it is read here."""
    return {
        "written_at": 1795259200.0, "status": "done", "error": "", "version": 4, "seconds": 30.6,
        "slowest": "embeddings", "failed_gates": [],
        "stages": [{"photos": None}, {"photos": 57}],
        "changes": {"items": 600, "added": 4, "removed": 2, "photo_changed": 51,
                    "metadata_changed": 9, "tower_changed": False},
        "figures": {"failures": {"photos": {"total": 3}}}, **changed,
    }  # fmt: skip


def write(root: Path, name: str, text: str) -> None:
    folder = root / "refreshes" / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(text)


def test_the_newest_is_told_in_a_few_figures(tmp_path):
    write(tmp_path, "20261120T030000-aa", json.dumps(report(version=3)))
    write(tmp_path, "20261121T030000-bb", json.dumps(report()))
    assert latest_refresh(Workdir(tmp_path)) == {
        "name": "20261121T030000-bb", "written_at": 1795259200.0, "status": "done", "error": "",
        "version": 4, "seconds": 30.6, "slowest": "embeddings", "photos": 57,
        "changes": {"added": 4, "removed": 2, "photo_changed": 51, "metadata_changed": 9},
        "failed_gates": [], "failures": 3,
    }  # fmt: skip


def test_one_that_was_killed_or_cannot_be_read_is_passed_over(tmp_path):
    write(tmp_path, "20261120T030000-aa", json.dumps(report(version=None)))
    write(tmp_path, "20261121T030000-bb", "{")
    write(tmp_path, "20261122T030000-cc", json.dumps({"status": "done"}))
    (tmp_path / "refreshes" / "20261123T030000-dd").mkdir()
    (tmp_path / "refreshes" / "unfinished.json").write_text("{}")
    found = latest_refresh(Workdir(tmp_path))
    assert found is not None
    assert (found["name"], found["version"]) == ("20261120T030000-aa", None)


def test_there_may_be_none(tmp_path):
    assert latest_refresh(Workdir(tmp_path)) is None
