"""What is kept of a refresh."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recsys.config import Config
from tests.vitrine.health.a_report import a_report, figures, outcome
from vitrine.health import plots
from vitrine.health.gate import gate
from vitrine.health.report import make_report, write_report


def test_the_slowest_stage_and_the_time_of_all_are_told():
    report = a_report()
    assert report["slowest"] == "embeddings"
    assert report["seconds"] == 10.0  # 1.5 + 6 + 2.5
    assert report["stages"][1] == {"name": "embeddings", "state": "made", "seconds": 6.0,
                                   "photos": 6, "photos_per_second": 2.5}  # fmt: skip
    assert report["failed_gates"] == ["neighbors"]
    assert report["changes"]["added"] == 4


def test_where_nothing_had_work_no_stage_is_slowest():
    kept = {"model": {"state": "kept", "seconds": 0.0}}
    assert a_report(stages=kept)["slowest"] == ""
    assert a_report(stages={})["stages"] == []


def test_both_files_are_written_and_the_json_reads_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plots, "draw_plots", lambda report: {})
    folder = tmp_path / "refreshes" / "20261121T030000-tag"
    report = write_report(folder, outcome(), figures(), gate(figures(), Config()))
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert json.loads((folder / "report.json").read_text()) == report
    assert "<title>Vitrine: refresh of " in (folder / "report.html").read_text()


def test_numbers_of_numpy_and_paths_become_plain():
    stages = {"embeddings": {"state": "made", "seconds": np.float64(1.5), "embedded": np.int64(3)}}
    report = make_report(outcome(stages=stages, version=np.int64(4)), figures(), [], 0.0)
    assert (report["version"], report["stages"][0]["photos"]) == (4, 3)
