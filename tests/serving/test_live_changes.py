"""Items put and withdrawn: in the next answer, after a restart, in a new bundle."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recsys.config import Config
from recsys.errors import DataError, NotFoundError, ServingError
from serving.items import Items
from serving.recommender import Recommender
from serving.rules import Page
from serving.service import Service
from serving.store import Event, Store
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items

FIELDS = {"title": "Green thing", "category": "Women > Hats", "price": 35.0, "attr_color": "green"}


def pngs(*places: float):
    """Photos that the circle's tower lays at these item numbers of 20."""

    def square(side: int, fit: str) -> list[bytes]:
        photos = []
        for place in places:
            buffer = io.BytesIO()
            red = round(place * 256 / 20)
            Image.new("RGB", (side, side), (red, 0, 0)).save(buffer, "PNG")
            photos.append(buffer.getvalue())
        return photos

    return square  # fmt: skip


def open_service(store: Store, count: int = 20, fingerprint: str = "circle") -> Service:
    table = circle_items(count, image="photo.png")
    bundle = CircleBundle(table, fingerprint=fingerprint)
    client = CircleClient(table["item_id"].tolist(), fingerprint=fingerprint)
    recommender = Recommender(bundle, client, Items(table, {}), Config().serving, clock=lambda: 0)
    return Service(recommender, store, Config(), clock=lambda: 1000.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'store.db'}")


def similar(service: Service, item_id: str, k: int = 3) -> list[str]:
    asked = service.recommender
    return [asked.items.item_ids[each.row] for each in asked.similar_items(item_id, Page(k))]


def test_an_item_put_with_a_photo_is_in_the_next_answer(store):
    service = open_service(store)
    assert service.live.put("new", FIELDS, pngs(3.4)) is True
    assert similar(service, "3")[0] == "new"
    assert similar(service, "new")[0] == "3"
    item = service.items.item(service.items.row("new"))
    assert (item.title, item.price, item.attributes["color"]) == ("Green thing", 35.0, "green")
    assert (item.available, item.has_photo, item.created_at) == (True, True, 1000.0)


def test_several_photos_lie_at_their_mean(store):
    service = open_service(store)
    service.live.put("new", FIELDS, pngs(2, 4.5))
    # half way between 2 and 4.5 is 3.25
    assert similar(service, "new", 2) == ["3", "4"]


def test_a_price_changes_without_a_photo_and_the_rest_stays(store):
    service = open_service(store)
    assert service.live.put("4", {"price": 1.5}) is False
    item = service.items.item(service.items.row("4"))
    assert (item.price, item.title, item.has_photo) == (1.5, "Blue thing 4", True)
    assert set(similar(service, "3", 2)) == {"2", "4"}
    service.live.put("4", {"available": False})
    assert set(similar(service, "3", 2)) == {"2", "5"} or set(similar(service, "3", 2)) == {
        "2", "1",
    }  # fmt: skip
    assert service.items.price[service.items.row("4")] == 1.5


def test_a_live_item_keeps_its_photo_when_its_price_changes(store):
    service = open_service(store)
    service.live.put("new", FIELDS, pngs(3.4))
    service.live.put("new", {"price": 1.0})
    assert similar(service, "3")[0] == "new"
    assert service.live.photo("new", 0) is not None
    assert service.live.photo("new", 1) is None


def test_a_withdrawn_item_is_gone_until_it_is_put_again(store):
    service = open_service(store)
    service.live.withdraw("4")
    assert "4" not in similar(service, "3", 19)
    with pytest.raises(NotFoundError):
        service.live.withdraw("4")
    # a shopper's page may still tell of it
    assert service.add_events([Event("ann", "4", "view", math.nan)]) == 1
    service.live.put("4", {"title": "back"}, pngs(4))
    assert "4" in similar(service, "3", 2)


def test_a_restart_keeps_both(store):
    service = open_service(store)
    service.live.put("new", FIELDS, pngs(3.4))
    service.live.withdraw("4")
    again = open_service(store)
    # the vectors are kept too: nothing is embedded again
    assert "image_encoder" not in [call[0] for call in again.recommender.served._client.calls]
    assert similar(again, "3")[:2] == ["new", "2"]


def test_another_bundle_embeds_live_items_by_its_own_tower(store):
    open_service(store).live.put("new", FIELDS, pngs(3.4))
    other = open_service(store, fingerprint="other")
    assert ("image_encoder", "", 3) in other.recommender.served._client.calls
    assert similar(other, "3")[0] == "new"


def test_a_bundle_that_has_the_item_already_takes_it_as_its_own(store):
    service = open_service(store)
    fields = {"title": "Blue thing 20", "category": "Women > Shoes", "brand": "Acme",
              "price": 200.0, "attr_color": "blue"}  # fmt: skip
    service.live.put("20", fields)
    assert len(service.items.item_ids) == 21
    newer = open_service(store, count=21, fingerprint="newer")
    assert len(newer.items.item_ids) == 21
    assert newer.recommender.overlay.rows("behavior").tolist() == []
    service.live.put("20", {"price": 5.0})
    newer.releases.look()
    assert newer.items.price[newer.items.row("20")] == 5.0


def test_an_unknown_attribute_suggests_the_nearest(store):
    with pytest.raises(DataError) as error:
        open_service(store).live.put("new", {"attr_colour": "red"})
    assert error.value.mend == "Did you mean `color`?"


def test_nothing_is_kept_where_the_model_server_is_down(store):
    service = open_service(store)
    service.recommender.served._client.down = True
    with pytest.raises(ServingError):
        service.live.put("new", FIELDS, pngs(3.4))
    assert store.live_items() == []


def test_a_pinned_service_sees_no_change_and_the_next_request_does(store):
    service = open_service(store)
    request = service.pinned("ann")
    service.live.put("new", FIELDS, pngs(3.4))
    assert "new" not in similar(request, "3", 19)
    assert similar(service.pinned("ann"), "3")[0] == "new"
    assert service.pin("ann").items is service.items


def test_placed_vectors_have_norm_one(store):
    service = open_service(store)
    service.live.put("new", FIELDS, pngs(2, 4.5))
    vector = service.recommender.overlay.vector(20, "photo")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
