"""Adding a product on the page, changing it and withdrawing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.serving.page.titles import titles

pytestmark = pytest.mark.browser


def test_an_added_product_is_found_changed_and_withdrawn(page: Any, photos: list[Path]):
    from playwright.sync_api import expect

    item_id = f"new-{page.viewport_size['width']}"
    page.get_by_role("link", name="Add a product").click()
    page.get_by_label("Id").fill(item_id)
    page.get_by_label("Title").fill("Velvet thing")
    page.get_by_label("Category").fill("Women > Bags")
    page.get_by_label("Price").fill("12.50")
    page.get_by_label("Attributes").fill("color: red")
    page.get_by_label("Photos").set_input_files(photos[33])
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("heading", name="Velvet thing", level=1).wait_for()
    expect(page.locator(".product .price")).to_have_text("12.50")
    page.wait_for_selector("section .card .name")
    assert "Red thing 33" in titles(page, "section")[:1]
    page.get_by_role("link", name="Change").click()
    page.get_by_label("Price").fill("9")
    page.get_by_role("button", name="Keep the change").click()
    page.get_by_role("link", name="Look at it").click()
    expect(page.locator(".product .price")).to_have_text("9.00")
    page.goto("/#/items/33")
    page.get_by_text("Velvet thing").first.wait_for()
    page.goto(f"/#/items/{item_id}")
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("button", name="Withdraw it now").click()
    page.get_by_text("Withdrawn. It is in no answer any more.").wait_for()
    page.goto("/#/items/33")
    page.wait_for_selector("section .card .name")
    assert "Velvet thing" not in titles(page, "section")


def test_what_is_wrong_with_a_product_is_explained(page: Any):
    page.goto("/#/add")
    page.get_by_label("Id").fill("odd")
    page.get_by_label("Attributes").fill("colour: red")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("alert").filter(has_text="colour").wait_for()
