"""What is measured through the published servables is what the evaluation said of the blend."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from served_quality import served_quality, summary


def test_the_servables_reach_what_the_report_says(demo_workdir):
    report = json.loads((demo_workdir.evaluation / "report.json").read_text())
    rows = report["protocols"][0]["rows"]
    blend = next(row for row in rows if (row["model"], row["group"]) == ("blend", "all"))
    exact = served_quality(demo_workdir, "exact")
    assert exact.cases == blend["cases"]
    assert exact.ndcg == pytest.approx(blend["ndcg@10"]["mean"], abs=0.002)
    assert exact.recall == pytest.approx(blend["recall@10"]["mean"], abs=0.002)
    # a small catalog's ScaNN index searches nearly all of it
    assert served_quality(demo_workdir, "scann").ndcg == pytest.approx(exact.ndcg, abs=0.01)


def test_the_table_has_a_line_for_each_run_and_the_spread(demo_workdir):
    text = summary([demo_workdir.root, demo_workdir.root])
    # two runs that are one and the same spread by nothing
    assert text.count("seed 0:") == 2 and "(0.0000)" in text and "blend" in text
