"""`vitrine analyze` over a small shop's tables."""

import json

from recsys.artifact import open_artifact, verify_artifact
from recsys.workdir import Workdir
from tests.recsys.small_shop import make_shop
from vitrine.__main__ import main
from vitrine.analyze import analyze


def test_tables_alone_are_enough_and_the_report_is_an_artifact(tmp_path):
    config, workdir = make_shop(tmp_path)
    report = analyze(config, workdir)
    artifact = open_artifact(workdir.analysis, "analysis", mend="")
    verify_artifact(artifact)
    assert json.loads((workdir.analysis / "report.json").read_text()) == report
    assert "<svg" in (workdir.analysis / "report.html").read_text()
    assert report["audiences"]["source"] == "category"


def test_photos_make_the_audiences_where_there_are_any(tmp_path):
    config, workdir = make_shop(tmp_path, photos=True)
    assert analyze(config, workdir)["audiences"]["source"] == "photo"


def test_the_command_prints_the_main_figures(tmp_path, capsys):
    _, workdir = make_shop(tmp_path)
    data = {"root": tmp_path, "catalog": "catalog.csv", "events": "events.csv"}
    tables = [f"--set=data.{name}={value}" for name, value in data.items()]
    assert main(["analyze", "-w", str(workdir.root), *tables]) == 0
    captured = capsys.readouterr()
    assert "12 items, 40 shoppers, 240 events" in captured.out
    assert "report.html" in captured.err


def test_a_shop_without_events_is_told_so(tmp_path, capsys):
    (tmp_path / "catalog.csv").write_text("item_id\na\n")
    tables = [f"--set=data.root={tmp_path}", "--set=data.catalog=catalog.csv"]
    assert main(["analyze", "-w", str(tmp_path / "w"), *tables]) == 1
    assert "there are no events to analyze" in capsys.readouterr().err
    assert not Workdir(tmp_path / "w").analysis.exists()
