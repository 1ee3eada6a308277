"""The page as a whole: keyboard, names, size."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_everything_can_be_reached_by_keyboard_and_has_a_name(page: Any):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for path in ("/#/", "/#/search", "/#/shoppers/ann", "/#/items/30", "/#/add", "/#/operate"):
        page.goto(path)
        page.wait_for_selector("h1")
        unnamed = page.evaluate(
            """[...document.querySelectorAll('a, button, input, select, textarea')].filter((node) =>
               !node.textContent.trim() && !node.labels?.length && !node.ariaLabel).length"""
        )
        assert unnamed == 0
        assert page.locator("h1").count() == 1
        assert page.locator("[aria-current=page]").count() == 1
        assert page.evaluate("[...document.images].every((image) => image.hasAttribute('alt'))")
    page.goto("/#/search")
    page.wait_for_selector("#file", state="attached")
    page.locator("#file").focus()
    assert page.evaluate("document.activeElement.id") == "file"


VIEWS = ("/#/", "/#/search", "/#/items/30", "/#/shoppers/ann", "/#/shoppers", "/#/add",
         "/#/change/3", "/#/operate")  # fmt: skip


@pytest.mark.parametrize("path", VIEWS)
def test_axe_finds_no_serious_fault(page: Any, path: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                              reason="pip install axe-playwright-python")  # fmt: skip
    page.goto(path)
    page.wait_for_selector("h1")
    page.wait_for_load_state("networkidle")
    for details in page.locator("summary").all():
        details.click()
    faults = axe.Axe().run(page).response["violations"]
    grave = {
        fault["id"]: [node["html"] for node in fault["nodes"]]
        for fault in faults
        if fault["impact"] in ("serious", "critical")
    }
    assert grave == {}


def test_it_is_small(page: Any, address: str):
    sizes = page.evaluate(
        """performance.getEntriesByType('resource').filter((e) => e.name.includes('/page/'))
           .map((e) => e.decodedBodySize)"""
    )
    assert sum(sizes) < 90_000
