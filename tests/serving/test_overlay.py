"""Items put and withdrawn since the publication, on a circle where neighbors can be named."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.config import ServingConfig
from recsys.errors import NotFoundError
from serving.filters import parse_filter
from serving.items import Items
from serving.overlay import Change, Overlay, Stacked, vectors_of
from serving.recommender import Recommender, Visit
from serving.rules import Filter, Page
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items, circle_vector

# item i of 20 lies at the angle i / 20
FIELDS = {"title": "Green thing", "category": "Women > Hats", "brand": "Bolt", "price": 35.0,
          "available": True, "created_at": 1e9, "attr_color": "green"}  # fmt: skip


def at(place: float) -> dict[str, np.ndarray]:
    """Vectors of an item at item number `place`, in both spaces."""
    return {"photo": circle_vector(place / 20), "behavior": circle_vector(place / 20)}


def recommender(*changes: Change) -> Recommender:
    table = circle_items(20, image="photo.png")
    bundle, items = CircleBundle(table), Items(table, {"5": 7})
    client = CircleClient(items.item_ids)
    overlay = Overlay(items, vectors_of(bundle), changes)
    return Recommender(bundle, client, items, ServingConfig(), clock=lambda: 0, overlay=overlay)


def similar(asked: Recommender, item_id: str, k: int = 3, **wanted) -> list[str]:
    found = asked.similar_items(item_id, Page(k), Filter(**wanted))
    return [asked.items.item_ids[each.row] for each in found]


def test_a_new_item_is_found_between_its_neighbors():
    asked = recommender(Change("new", FIELDS, at(3.4)))
    assert similar(asked, "3") == ["new", "2", "4"]
    assert similar(asked, "new") == ["3", "4", "2"]
    found = asked.similar_to_embedding(circle_vector(3.5 / 20), Page(1))
    assert asked.items.item(found[0].row).title == "Green thing"
    assert found[0].score == pytest.approx(np.cos(2 * np.pi * 0.1 / 20), abs=1e-6)


def test_a_new_item_is_recommended_by_its_candidate_vector():
    asked = recommender(Change("new", FIELDS, {"behavior": circle_vector(3.4 / 20)}))
    found = asked.recommend([Visit("3")], Page(2))
    assert [asked.items.item_ids[each.row] for each in found] == ["new", "2"]
    # it has no photo, so nothing is found by it and it is not found by photos
    assert "new" not in similar(asked, "3", k=20)


def test_a_withdrawn_item_is_in_no_answer():
    asked = recommender(Change("4", withdrawn=True))
    assert similar(asked, "3", k=30).count("4") == 0
    assert len(similar(asked, "3", k=30)) == 18
    found = asked.recommend([Visit("3")], Page(30))
    assert "4" not in [asked.items.item_ids[each.row] for each in found]
    assert not asked.items.everything.allowed[4]
    with pytest.raises(NotFoundError):
        asked.similar_items("4", Page(1))


def test_not_and_browsing_open_no_closed_row():
    asked = recommender(Change("4", withdrawn=True))
    condition = parse_filter({"not": {"brand": "Bolt"}}, asked.items)
    assert condition.mask(asked.items).count == 19
    assert asked.items.categories()["Women"] == 19


def test_filters_hold_for_the_overlay_too():
    asked = recommender(Change("new", FIELDS, at(3.4)))
    bolt = parse_filter({"brand": "Bolt"}, asked.items)
    assert similar(asked, "3", condition=bolt) == ["new"]
    assert similar(asked, "3", category="Women > Hats") == ["new"]
    assert similar(asked, "3", condition=parse_filter({"brand": "Acme"}, asked.items))[0] == "2"
    assert similar(asked, "3", min_price=34, max_price=36) == ["new"]


def test_an_item_that_cannot_be_bought_is_not_found():
    asked = recommender(Change("new", {**FIELDS, "available": False}, at(3.4)))
    assert set(similar(asked, "3", k=2)) == {"2", "4"}


def test_another_price_keeps_the_place_and_the_events():
    asked = recommender(Change("5", {**FIELDS, "price": 1.0}, at(5)))
    assert set(similar(asked, "4", k=2)) == {"3", "5"}
    row = asked.items.row("5")
    assert (row, asked.items.price[row], asked.items.popularity[row]) == (20, 1.0, 7)
    assert len(similar(asked, "4", k=30)) == 19


def test_another_photo_moves_an_item():
    asked = recommender(Change("5", FIELDS, {**at(5), "photo": circle_vector(0.5)}, new_photo=True))
    assert set(similar(asked, "4")) == {"3", "2", "6"}
    assert similar(asked, "10")[0] == "5"
    # by behavior it stays where it was
    found = asked.recommend([Visit("4")], Page(2))
    assert {asked.items.item_ids[each.row] for each in found} == {"3", "5"}


def test_stacked_vectors_are_read_as_one():
    first, second = np.eye(2, dtype=np.float32), np.full((1, 2), 3, np.float32)
    stacked = Stacked(first, second)
    assert (stacked @ np.array([1, 2], np.float32)).tolist() == [1, 2, 9]
    assert stacked[np.array([2, 0])].tolist() == [[3, 3], [1, 0]]
    assert len(stacked) == 3


def test_nothing_changed_is_the_bundle_itself():
    table = circle_items(3)
    items = Items(table, {})
    overlay = Overlay(items, vectors_of(CircleBundle(table)))
    assert overlay.items is items
    assert overlay.rows("photo").tolist() == []
