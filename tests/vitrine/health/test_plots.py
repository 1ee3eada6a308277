"""Plots of a refresh's report."""

from __future__ import annotations

from tests.vitrine.health.a_report import a_report
from vitrine.health.plots import draw_plots


def test_what_there_is_is_drawn_and_a_stage_without_work_is_not():
    plots = draw_plots(a_report())
    assert list(plots) == ["stages", "center", "neighbors", "kept"]
    assert all(plot.startswith("<svg") for plot in plots.values())
    assert "nearest photos" in plots["kept"]
    assert "recommended" not in plots["kept"]  # nobody was asked
    assert "embeddings" in plots["stages"]
    assert "model" not in plots["stages"]


def test_the_same_report_gives_the_same_plots():
    report = a_report()
    report["figures"] |= {"drift": None, "neighbors": None}
    assert draw_plots(report) == draw_plots(report)
    assert list(draw_plots(report)) == ["stages", "kept"]
