"""The page: figures, definitions and photos are in it; a shop's text is never markup."""

import pytest

from recsys.analysis import page as page_module
from recsys.analysis.page import render_html, render_text
from tests.recsys.analysis.hand_shop import hand_events
from tests.recsys.analysis.test_analysis import SECTIONS, analyzed

REPORT = analyzed(hand_events(), min_support=2)
PHOTO = "data:image/jpeg;base64,AAAA"


@pytest.fixture
def plain(monkeypatch):
    """Pages without plots, which take a second to draw."""
    monkeypatch.setattr(page_module, "draw_plots", lambda report: {})


@pytest.fixture(scope="module")
def whole():
    return render_html(REPORT, lambda location: "")


def test_every_definition_stands_on_the_page(whole):
    page = " ".join(whole.replace("&#39;", "'").split())
    for name in SECTIONS:
        assert REPORT[name]["definition"].partition("“")[0] in page


def test_the_page_needs_nothing_else(whole):
    page = whole.replace("http://www.w3.org/", "")
    assert "<svg" in page
    for foreign in ("http://", "https://", "<script", 'src="/', "<link"):
        assert foreign not in page


def test_photos_are_shown_where_there_are_any(plain):
    items = {name: {**item, "image": "x.jpg"} for name, item in REPORT["items"].items()}
    page = render_html({**REPORT, "items": items}, lambda location: PHOTO)
    assert page.count(PHOTO) >= len(items)


def test_what_a_shop_writes_is_text(plain):
    items = {name: {**item, "title": "<img src=x>"} for name, item in REPORT["items"].items()}
    page = render_html({**REPORT, "items": items}, lambda location: "")
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page


def test_a_log_of_ratings_gives_a_page_too(plain):
    report = analyzed(hand_events().assign(event="rating"))
    page = render_html(report, lambda location: "")
    assert "The log has no view, cart or purchase events." in page
    assert "what counts as bought is “rating”" in page
    assert "funnel" not in render_text(report)


def test_the_text_has_the_main_figures():
    text = render_text(REPORT)
    assert "7 pairs viewed, 71.4% carted, 57.1% bought" in text
    assert "6, 1.5 a shopper" in text
    assert "Chair + Lamp: lift 1.0, 2 baskets" in text
