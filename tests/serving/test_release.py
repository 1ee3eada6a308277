"""A loaded bundle knows who holds it, and what of the store's changes it has already."""

from __future__ import annotations

import numpy as np

from recsys.config import ServingConfig
from serving.items import Items
from serving.recommender import Recommender
from serving.release import Release, fields_of
from serving.store_items import LiveItem
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items, circle_vector


def release() -> Release:
    table = circle_items(20, image="photo.png")
    client = CircleClient(table["item_id"].tolist())
    recommender = Recommender(CircleBundle(table), client, Items(table, {}), ServingConfig())
    return Release(recommender)


def test_a_lease_ends_when_it_is_dropped():
    one = release()
    lease = one.lease()
    assert one.in_use
    del lease
    assert not one.in_use


def test_what_the_bundle_says_already_is_no_change():
    one = release()
    items = one.recommender.items
    same = LiveItem("4", fields_of(items.item(4)), timestamp=1.0)
    one.refresh([same])
    assert one.recommender.items is items
    dearer = {**same.fields, "price": 99.0}
    one.refresh([LiveItem("4", dearer, timestamp=2.0)])
    assert one.recommender.items.row("4") == 20
    assert one.recommender.items.price[20] == 99.0


def test_the_same_photo_embedded_again_is_no_change():
    one = release()
    fields = fields_of(one.recommender.items.item(4))
    nearly = circle_vector(4.01 / 20)  # the cosine of 0.01 / 20 of a turn is 0.999995
    one.refresh([LiveItem("4", fields, nearly, None, "circle", (b"png",), 1.0)])
    assert len(one.recommender.items) == 20
    one.refresh([LiveItem("4", fields, circle_vector(0.5), None, "circle", (b"png",), 2.0)])
    assert len(one.recommender.items.item_ids) == 21


def test_photos_are_asked_for_only_where_another_tower_embedded_them():
    one = release()
    mine = LiveItem("x", {}, np.ones(2, np.float32), None, "circle", (), 1.0)
    other = LiveItem("x", {}, np.ones(2, np.float32), None, "another", (), 1.0)
    assert not one.needs_photos([mine])
    assert one.needs_photos([other])
    assert not one.needs_photos([LiveItem("x", {}, None, None, "another", (), 1.0)])


def test_withdrawing_what_the_bundle_lacks_changes_nothing():
    one = release()
    one.refresh([LiveItem("unheard of", withdrawn=True)])
    assert len(one.recommender.items.item_ids) == 20
