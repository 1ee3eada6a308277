"""Tables aligned for a terminal, and one page without parts from elsewhere."""

from __future__ import annotations

from vitrine.study_page import Part, align, render_html, render_text

PART = Part("Trials", "best first", [["", "NDCG@10"], ["a longer name", "0.1"]], "<svg></svg>")


def test_columns_are_aligned():
    assert align(PART.cells) == ["                 NDCG@10", "  a longer name      0.1"]


def test_the_text_has_note_title_and_rows():
    lines = render_text("two runs", [PART]).splitlines()
    assert lines[:3] == ["two runs", "", "Trials (best first)"]
    assert len(lines) == 5


def test_the_page_is_whole_and_escapes_names():
    page = render_html("A study", "x < y", [PART])
    assert "<svg></svg>" in page and "x &lt; y" in page
    assert "src=" not in page and 'href="http' not in page
