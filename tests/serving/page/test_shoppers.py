"""Shoppers: their history, what is recommended and why."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_shopper_has_a_history_and_recommendations_with_reasons(page: Any):
    page.get_by_role("link", name="Shoppers").click()
    page.get_by_role("heading", name="For a new visitor").wait_for()
    page.get_by_role("link", name="ann").click()
    page.get_by_role("heading", name="Recommended").wait_for()
    page.wait_for_selector(".shopper .card .reason")
    assert page.locator(".history .name").all_inner_texts()[:2] == ["Red thing 5", "Blue thing 20"]
    reasons = page.locator(".reason").all_inner_texts()
    assert "similar to Red thing 5 you viewed" in reasons
    assert float(page.locator(".score").first.inner_text().split()[-1]) <= 1


def test_an_event_recorded_on_the_page_changes_what_is_recommended(page: Any):
    page.goto("/#/shoppers/ann")
    page.wait_for_selector(".shopper .card .reason")
    page.goto("/#/items/50")
    page.get_by_role("button", name="Record a view").click()
    page.get_by_role("link", name="The next recommendations see it.").click()
    page.get_by_text("similar to Blue thing 50 you viewed").first.wait_for()


def test_an_unknown_shopper_is_explained(page: Any):
    page.goto("/#/shoppers")
    page.get_by_label("User id").fill("anne")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("Did you mean `ann`?").first.wait_for()
