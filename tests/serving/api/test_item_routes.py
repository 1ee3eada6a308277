"""Browsing over the app: lists, one item, its photo, what is similar."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from serving.service import Service
from tests.serving.api.circle import CircleClient


def ids(answer) -> list[str]:
    return [item["item_id"] for item in answer.json()["items"]]


def test_a_list_holds_a_part_and_the_total(api: Client):
    answer = api.get("/v1/items?limit=3&offset=2")
    assert ids(answer) == ["2", "3", "4"]
    assert answer.json()["total"] == 19  # of 20, one is withdrawn
    assert api.get("/v1/items?available=false").json()["total"] == 20


def test_a_list_is_filtered_by_category_words_and_price(api: Client):
    answer = api.get("/v1/items?category=Women > Bags&words=red THING&max_price=90")
    # bags are 0, 3, 6, 9, …; the red ones odd; up to a price of 90: 3 and 9
    assert ids(answer) == ["3", "9"]


def test_a_category_holds_all_below_it(api: Client):
    assert api.get("/v1/items?category=Women").json()["total"] == 19
    categories = api.get("/v1/categories").json()["categories"]
    assert categories["Women"] == 20
    assert categories["Women > Bags"] == 7  # 0, 3, …, 18


def test_a_list_can_be_sorted(api: Client):
    assert ids(api.get("/v1/items?limit=4&sort=popular")) == ["3", "4", "7", "10"]
    assert ids(api.get("/v1/items?limit=2&sort=new")) == ["19", "18"]
    assert ids(api.get("/v1/items?limit=2&sort=price")) == ["0", "1"]


def test_an_empty_price_range_is_refused(api: Client):
    answer = api.get("/v1/items?min_price=5&max_price=1")
    assert answer.status_code == 422
    assert answer.json()["mend"] == "Swap the two."


def test_one_item_shows_all_that_is_known(api: Client):
    item = api.get("/v1/items/3").json()["item"]
    assert item["title"] == "Red thing 3"
    assert item["attributes"] == {"color": "red"}
    assert item["num_events"] == 1
    assert item["photo"] == "/v1/items/3/photo"


def test_an_unknown_item_is_told_the_nearest_one(api: Client):
    answer = api.get("/v1/items/1O")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "there is no item `1O`."
    assert answer.json()["mend"].startswith("Did you mean `1")


def test_similar_items_are_the_neighbors_on_the_circle(api: Client, model_server: CircleClient):
    answer = api.get("/v1/items/10/similar?k=3")
    # one step from 10 lie 9 and 11; two steps away 8 (12 is withdrawn)
    assert set(ids(answer)[:2]) == {"9", "11"}
    assert ids(answer)[2] == "8"
    assert answer.json()["items"][0]["reason"] == "similar to item 10"
    assert model_server.calls[-1] == ("similar_items", "", 3)


def test_an_item_without_a_photo_is_compared_by_behavior(
    api: Client, service: Service, model_server: CircleClient
):
    service.items.has_photo = np.arange(20) != 10
    assert set(ids(api.get("/v1/items/10/similar?k=2"))) == {"9", "11"}
    assert model_server.calls[-1] == ("recommend", "by_item", 3)


def test_k_above_the_catalog_gives_all_other_items(api: Client):
    assert len(ids(api.get("/v1/items/10/similar?k=50"))) == 18  # not itself, not the withdrawn


def test_the_engine_can_be_chosen(api: Client, service: Service, model_server: CircleClient):
    service.recommender.served._engine = "scann"
    api.get("/v1/users/ann/recommendations?k=2")
    # there is a scann servable for recommend only; reasons ask it as well
    assert {call[0] for call in model_server.calls} == {"recommend_scann"}


def test_two_bundles_are_never_mixed(api: Client, model_server: CircleClient):
    model_server.fingerprint = "square"
    answer = api.get("/v1/items/10/similar")
    assert answer.status_code == 503
    assert "two bundles are never mixed" in answer.json()["detail"]


def test_an_id_with_slashes_and_spaces_can_be_asked_for(api: Client, service: Service):
    items = service.items
    items.item_ids[5] = "a/b c"
    items.rows["a/b c"] = 5
    photo = api.get("/v1/items/a%2Fb%20c").json()["item"]["photo"]
    assert photo == "/v1/items/a%2Fb%20c/photo"
    assert api.get(photo).status_code == 200


def test_a_photo_is_a_small_jpeg_that_is_remembered(api: Client):
    answer = api.get("/v1/items/3/photo?size=128")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (60, 40)  # never enlarged
    again = api.get("/v1/items/3/photo?size=128", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("size", ["100", "0", "99999", "x"])
def test_only_offered_sizes_are_made(api: Client, size: str):
    assert api.get(f"/v1/items/3/photo?size={size}").status_code == 422


def test_a_photo_at_an_address_is_never_fetched(api: Client, service: Service):
    service.items._texts["image"][3] = "http://127.0.0.1:1/secret.png"
    answer = api.get("/v1/items/3/photo")
    assert answer.status_code == 404
    assert "none is fetched" in answer.json()["detail"]
    assert "127.0.0.1" not in answer.text
    assert api.get("/v1/items/3").json()["item"]["photo"] is None


def test_a_file_that_is_no_photo_is_not_served(api: Client, service: Service, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the password is swordfish")
    service.items._texts["image"][3] = str(secret)
    answer = api.get("/v1/items/3/photo")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "it cannot be shown: not_a_photo."
    assert "swordfish" not in answer.text
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("item_id", ["..", "../3", "..%2f..%2fetc%2fpasswd", "%00", "%ff"])
def test_a_path_in_an_id_leads_nowhere(api: Client, item_id: str):
    assert api.get(f"/v1/items/{item_id}/photo").status_code in (404, 422)


def test_a_filter_in_the_address_holds_everywhere(api: Client):
    query = {"filter": '{"attr_color": "red", "not": {"price": {"max": 100}}}'}
    listed = api.get("/v1/items", params=query).json()
    assert [item["item_id"] for item in listed["items"]] == ["11", "13", "15", "17", "19"]
    similar = api.get("/v1/items/12/similar", params={**query, "limit": 2}).json()
    assert {item["item_id"] for item in similar["items"]} == {"11", "13"}
    mine = api.get("/v1/users/bob/recommendations", params={**query, "k": 50}).json()
    assert {item["item_id"] for item in mine["items"]} == {"11", "13", "15", "17", "19"}


def test_a_list_is_arranged_as_the_address_says(api: Client):
    def similar(**query: object) -> list[str]:
        found = api.get("/v1/items/10/similar", params={"k": 2, **query}).json()["items"]
        return [item["item_id"] for item in found]

    assert set(similar()) == {"9", "11"}
    # 12 is withdrawn, and 7 and 13 are as near as each other
    assert set(similar(exclude=["9", "11"])) in ({"8", "7"}, {"8", "13"})
    far = '[{"filter": {"item_id": "0"}, "by": 3}]'
    assert similar(boost=far)[0] == "0"
    assert set(similar(diversity=1.0)) != {"9", "11"}


def test_a_column_that_there_is_not_is_told_the_nearest(api: Client):
    answer = api.get("/v1/items", params={"filter": '{"colour": "red"}'})
    assert (answer.status_code, answer.json()["where"]) == (422, "filter.colour")
    assert answer.json()["mend"] == "Did you mean `attr_color`?"
