"""Search by words, photos and parts of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.serving.page.titles import titles

pytestmark = pytest.mark.browser


def test_a_photo_shows_what_it_is_and_what_is_similar(page: Any, photos: list[Path]):
    page.get_by_role("link", name="Search").click()
    page.get_by_role("heading", name="Search").wait_for()
    page.set_input_files("#file", photos[15])
    page.get_by_role("heading", name="What it shows").wait_for()
    assert page.locator(".bars li").first.inner_text().split() == ["Dresses", "70%"]
    page.wait_for_selector("section .card .name")
    assert titles(page, "section")[0] == "Red thing 15"


def test_a_file_that_is_no_photo_is_explained(page: Any, tmp_path: Path):
    (tmp_path / "notes.jpg").write_text("not a photo")
    page.goto("/#/search")
    page.set_input_files("#file", tmp_path / "notes.jpg")
    page.get_by_role("alert").wait_for()
    assert "not a photo" in page.get_by_role("alert").inner_text()


def search(page: Any, **wanted: Any) -> None:
    """Opens the search and waits for what it finds."""
    page.goto("/#/search")
    page.set_input_files("#file", wanted["photos"])
    page.wait_for_selector("section .card .name")


def test_words_find_what_they_say(page: Any):
    page.goto("/#/search")
    page.get_by_text("Say what you look for").wait_for()
    page.get_by_label("Words", exact=True).fill("something at 0.25")
    page.get_by_role("button", name="Search", exact=True).click()
    # a quarter of a turn is item 15 of 60
    page.get_by_text("matches “something at 0.25”").first.wait_for()
    assert titles(page, "section")[0] == "Red thing 15"


def test_two_photos_are_weighed(page: Any, photos: list[Path]):
    from playwright.sync_api import expect

    search(page, photos=[photos[10], photos[20]])
    first = page.locator("section .card .name").first
    expect(first).to_have_text("Red thing 15")  # half-way between them
    page.locator(".query-photo input[type=range]").first.fill("0")
    expect(first).to_have_text("Blue thing 20")  # only the second one counts
    page.get_by_role("button", name="Remove photo 20.png").click()
    page.get_by_role("alert").wait_for()  # a weight of 0 alone says nothing
    page.locator(".query-photo input[type=range]").first.fill("1")
    expect(first).to_have_text("Blue thing 10")


def test_a_part_of_a_photo_is_given_in_percent(page: Any, halves: Path):
    from playwright.sync_api import expect

    search(page, photos=[halves])
    first = page.locator("section .card .name").first
    page.get_by_text("Only a part").click()
    page.get_by_label("Left").fill("55")
    page.get_by_label("Top").fill("10")
    expect(first).to_have_text("Red thing 45")  # the right half's red
    page.get_by_role("button", name="Whole photo").click()
    page.get_by_label("Right").fill("45")
    page.get_by_label("Bottom").fill("90")
    expect(first).to_have_text("Blue thing 10")  # the left half's


def test_a_box_is_drawn_on_a_photo(page: Any, halves: Path):
    from playwright.sync_api import expect

    search(page, photos=[halves])
    page.locator(".stage").scroll_into_view_if_needed()
    stage = page.locator(".stage").bounding_box()
    x, y, width, height = (stage[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(x + width * 0.55, y + height * 0.05)
    page.mouse.down()
    page.mouse.move(x + width * 0.99, y + height * 0.93, steps=4)
    page.mouse.up()
    expect(page.locator(".box")).to_be_visible()
    expect(page.locator("section .card .name").first).to_have_text("Red thing 45")


def test_filters_and_caps_narrow_what_is_found(page: Any, photos: list[Path]):
    from playwright.sync_api import expect

    search(page, photos=[photos[15]])
    page.get_by_text("Filter and arrange").click()
    page.get_by_label("Category").select_option("Women > Shoes")
    expect(page.get_by_text("Filter and arrange (1)")).to_be_visible()
    # shoes are 2, 5, 8 and so on: 14 and 17 are nearest to 15
    expect(page.locator("section .card .name").first).to_have_text("Blue thing 14")
    page.get_by_label("Price from").fill("150")
    expect(page.locator("section .card .name").first).to_have_text("Red thing 17")
    page.get_by_label("More, as JSON").fill('{"colour": "red"}')
    page.get_by_role("alert").filter(has_text="colour").wait_for()
    page.get_by_label("More, as JSON").fill('{"attr_color"')
    expect(page.locator("#r-fault")).to_have_text("This is no JSON yet.")
    page.get_by_label("More, as JSON").fill('{"attr_color": "blue"}')
    expect(page.locator("section .card .name").first).to_have_text("Blue thing 20")


def test_an_item_is_part_of_a_query(page: Any):
    from playwright.sync_api import expect

    page.goto("/#/items/30")
    page.get_by_role("link", name="Search with this").click()
    page.get_by_text("Like Blue thing 30").wait_for()
    page.get_by_text("similar to item 30").first.wait_for()
    assert set(titles(page, "section")[:2]) == {"Red thing 29", "Red thing 31"}
    page.get_by_role("button", name="Without it").click()
    expect(page.get_by_text("Say what you look for")).to_be_visible()
