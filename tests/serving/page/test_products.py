"""Browsing products, one of them, and what is similar to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.api.circle import CircleClient
from tests.serving.page.titles import titles

pytestmark = pytest.mark.browser


def test_products_are_browsed_and_filtered(page: Any):
    from playwright.sync_api import expect

    assert len(titles(page)) == 24
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".card")).to_have_count(48)
    page.get_by_label("Category").select_option("Women > Shoes")
    expect(page.locator(".count")).to_have_text("20 products")
    page.get_by_label("Search").fill("red")
    expect(page.locator(".count")).to_have_text("10 products")
    expect(page.locator(".card")).to_have_count(10)
    assert all(title.startswith("Red") for title in titles(page))
    page.get_by_label("Search").fill("nothing like this")
    page.get_by_text("Nothing to show here.").wait_for()


def test_a_product_opens_with_what_is_similar(page: Any):
    page.goto("/#/items/30")
    page.get_by_role("heading", name="Blue thing 30", level=1).wait_for()
    page.wait_for_selector("section .card .name")
    assert set(titles(page, "section")[:2]) == {"Red thing 29", "Red thing 31"}
    assert page.title() == "Blue thing 30 – Vitrine"
    page.locator("section .card a").first.click()
    page.get_by_role("heading", name="Red thing", level=1).wait_for()
    page.go_back()
    page.get_by_role("heading", name="Blue thing 30", level=1).wait_for()


def test_a_title_is_text_and_never_markup(page: Any):
    page.goto("/#/items/40")
    page.get_by_role("heading", name="<img src=x onerror=alert(1)>").wait_for()


def test_an_answer_without_the_model_server_says_so(page: Any, model_server: CircleClient):
    model_server.down = True
    try:
        page.goto("/#/items/30")
        page.get_by_text("Less than it should be").wait_for()
        assert page.get_by_role("heading", level=1).inner_text() == "Blue thing 30"
    finally:
        model_server.down = False
