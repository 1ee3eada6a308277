"""The operator's view: health, bundles, moving between them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.api.circle import CircleClient

pytestmark = pytest.mark.browser


def test_bundles_are_shown_with_who_is_answered_by_them_and_moved(page: Any):
    from playwright.sync_api import expect

    page.get_by_role("link", name="Operate").click()
    expect(page.locator(".health")).to_contain_text("Ready")
    rows = page.get_by_role("region", name="Bundles").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Answers all")
    expect(rows.nth(0)).to_contain_text("circle-4")
    # a share of the users, then all of them, then back
    page.get_by_label("Percent of the users for bundle 4").fill("25")
    page.get_by_role("button", name="Give bundle 4 this percent of the users").click()
    page.get_by_text("Bundle 4 answers 25% of the users.").wait_for()
    expect(rows.nth(0)).to_contain_text("25%")
    expect(rows.nth(1)).to_contain_text("75%")
    page.get_by_role("button", name="All to 4").click()
    page.get_by_text("Everybody is answered by bundle 4.").wait_for()
    page.get_by_role("button", name="Go back to 3").click()
    page.get_by_text("Everybody is answered by bundle 3.").wait_for()
    expect(rows.nth(1)).to_contain_text("Answers all")


def test_the_latest_refresh_is_told(page: Any):
    from playwright.sync_api import expect

    page.goto("/#/operate")
    refresh = page.get_by_role("region", name="Latest refresh")
    expect(refresh).to_contain_text("Published as bundle 4")
    expect(refresh).to_contain_text("4 items came, 2 left, 51 have another photo")
    expect(refresh).to_contain_text("57 photos were embedded, 3 could not be used.")
    expect(refresh).to_contain_text("most of it for embeddings")


def test_a_model_server_that_is_down_is_told(page: Any, model_server: CircleClient):
    model_server.down = True
    try:
        page.goto("/#/operate")
        page.locator(".health").get_by_text("Not ready").wait_for()
        page.get_by_text("model server: ").wait_for()
    finally:
        model_server.down = False
    page.get_by_role("button", name="Look again").click()
    page.locator(".health").get_by_text("Ready", exact=True).wait_for()
