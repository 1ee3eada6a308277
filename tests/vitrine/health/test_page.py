"""The page of one refresh."""

from __future__ import annotations

import pytest

from tests.vitrine.health.a_report import a_report
from vitrine.health import plots
from vitrine.health.page import render_html


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take a second each, and are tested where they are drawn."""
    monkeypatch.setattr(plots, "draw_plots", lambda report: {})


@pytest.mark.usefixtures("without_plots")
def test_a_failed_gate_stands_first_with_by_how_much():
    page = render_html(a_report())
    verdict = page[page.index('class="verdict') : page.index("</div>")]
    assert "Not published: the bundle that was served stays" in verdict
    assert "neighbors: overlap of nearest photos 0.41, 0.29 under" in verdict
    assert "failed by 0.29" in page


@pytest.mark.usefixtures("without_plots")
def test_a_published_bundle_is_named():
    assert "Published as bundle 4." in render_html(a_report(status="done", version=4))


def test_every_part_is_on_the_page():
    page = render_html(a_report())
    for text in ("photos embedded", "The slowest stage was embeddings", "Over 396 items", "404",
                 "not found", "i7, new-1, new-2", "i8, i9", "0.970"):  # fmt: skip
        assert text in page, text
    assert page.count("<svg") == 4


@pytest.mark.usefixtures("without_plots")
def test_ids_are_text_and_nothing_comes_from_elsewhere():
    page = render_html(a_report())
    assert "i&lt;7&gt;" in page
    assert "i<7>" not in page
    assert "<script" not in page
    assert 'src="http' not in page
    assert "<link" not in page


@pytest.mark.usefixtures("without_plots")
def test_a_refresh_with_nothing_to_compare_with_has_a_page_too():
    report = a_report(stages={}, changes={})
    report["figures"] |= {"drift": None, "neighbors": None, "near_duplicates": None,
                          "canaries": {"similar": None, "recommended": None}}  # fmt: skip
    page = render_html(report)
    assert "no vectors of the same items before" in page
    assert "<svg" not in page


@pytest.mark.usefixtures("without_plots")
def test_another_tower_is_told():
    report = a_report()
    report["figures"]["drift"]["same_tower"] = False
    assert "of another tower" in render_html(report)
