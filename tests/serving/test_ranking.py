"""Lists of the circle through filters, arrangement and merchandising."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.config import ServingConfig
from serving.arrangement import Arrangement
from serving.boosts import Boost
from serving.filters import parse_filter
from serving.items import Items
from serving.recommender import Recommender, Visit
from serving.rules import Filter, Page
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items, circle_vector

COUNT = 200


def recommender(serving: dict[str, object] | None = None, without_photo: int = 0) -> Recommender:
    table = circle_items(COUNT, image="x.png")
    table.loc[: without_photo - 1, "has_photo"] = False
    table["brand"] = [f"Brand {i % 5}" for i in range(COUNT)]
    bundle = CircleBundle(table)
    client = CircleClient(table["item_id"].tolist())
    config = ServingConfig.model_validate({"exact_rows": 1, **(serving or {})})
    return Recommender(bundle, client, Items(table, {}), config)


def rows(found) -> list[int]:
    return [each.row for each in found]


def test_a_filter_that_allows_few_costs_one_call_and_finds_them_all():
    subject = recommender({"exact_below": 0.1})
    wanted = Filter(condition=parse_filter({"item_id": ["100", "90", "120"]}, subject.items))
    assert rows(subject.similar_items("0", Page(2), wanted)) == [120, 90]
    assert len(subject.served._client.calls) == 1


def test_items_without_a_photo_are_not_waited_for_in_the_photo_space():
    subject = recommender(without_photo=150)
    found = subject.similar_to_embedding(circle_vector(0), Page(COUNT))
    assert rows(found)[0] == 199
    assert sorted(rows(found)) == list(range(150, 200))


def test_excluded_items_are_left_out_of_every_list():
    subject, wanted = recommender(), Filter(exclude=("21", "19", "no such item"))
    assert set(rows(subject.similar_items("20", Page(2), wanted))) == {18, 22}
    found = subject.similar_to_embedding(circle_vector(20 / COUNT), Page(3), wanted)
    assert set(rows(found)) == {20, 18, 22}
    assert set(rows(subject.recommend([Visit("20")], Page(2), wanted))) == {18, 22}


def test_a_boost_brings_up_what_lies_on_the_far_side():
    subject = recommender()
    far = Boost(parse_filter({"item_id": "100"}, subject.items), 3.0)  # cosine -1 + 3 is above 1
    arrangement = Arrangement(boosts=(far,))
    found = subject.similar_items("0", Page(2), arrangement=arrangement)
    assert rows(found)[0] == 100
    assert found[0].score == pytest.approx(2.0)


def test_a_boost_below_zero_lowers():
    subject = recommender()
    near = Boost(parse_filter({"item_id": ["1", "199"]}, subject.items), -0.5)
    found = subject.similar_items("0", Page(2), arrangement=Arrangement(boosts=(near,)))
    assert set(rows(found)) == {2, 198}


def test_views_may_be_shown_again_though_the_model_leaves_them_out():
    history = [Visit("7", "purchase"), Visit("20")]
    again = recommender({"seen": {"view": "show"}})
    assert rows(again.recommend(history, Page(1))) == [20]
    assert 7 not in rows(again.recommend(history, Page(COUNT)))


def test_the_files_rules_hold_in_the_lists_that_they_name(tmp_path: Path):
    path = tmp_path / "rules.yaml"
    path.write_text("""
pins: [{filter: {brand: Brand 3}, position: 2, lists: [similar]}]
hides: [{filter: {item_id: "1"}}]
boosts: [{filter: {item_id: "50"}, by: 4, lists: [recommend]}]
""")
    subject = recommender({"merchandising": str(path)})
    # the nearest of brand 3 to 0 is 198; 1 is hidden
    assert rows(subject.similar_items("0", Page(3))) == [199, 198, 2]
    assert rows(subject.recommend([Visit("0")], Page(2))) == [50, 199]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02, 0.005])
def test_pages_stay_full_through_all_rules_at_once(share: float, tmp_path: Path):
    path = tmp_path / "rules.yaml"
    path.write_text("hides: [{filter: {brand: Brand 1}}]\npins: [{filter: {brand: Brand 2}}]")
    subject = recommender({"merchandising": str(path)})
    ids = [str(i) for i in range(COUNT) if i % 5 != 1][: int(share * COUNT)]
    wanted = Filter(condition=parse_filter({"item_id": ids}, subject.items))
    arrangement = Arrangement(diversity=0.5, max_per_brand=1, max_per_category=2, collapse=True)
    found: list[int] = []
    for offset in range(0, len(ids) + 7, 7):
        page = rows(subject.similar_to_embedding(
            circle_vector(0.3), Page(7, offset), wanted, arrangement
        ))  # fmt: skip
        assert len(page) == max(0, min(7, len(ids) - offset))
        found += page
    assert sorted(found) == sorted(int(each) for each in ids)


def test_without_vectors_everything_is_still_found():
    subject = recommender()
    subject._ranking._vectors = {"photo": None, "behavior": None}
    wanted = Filter(condition=parse_filter({"item_id": ["100", "90"]}, subject.items))
    arrangement = Arrangement(diversity=0.5, max_per_brand=1)
    found = subject.similar_items("0", Page(5), wanted, arrangement)
    assert sorted(rows(found)) == [90, 100]
    assert np.isfinite([each.score for each in found]).all()


class Reversing(CircleClient):
    """A circle with a ranker that turns the order of what it is given around."""

    def predict(self, model, inputs, *, signature="", version=None):
        if model != "rank":
            return super().predict(model, inputs, signature=signature, version=version)
        self.calls.append((model, signature, version))
        return {"scores": inputs["scores"][:, ::-1], "fingerprint": np.array([self.fingerprint])}


def with_ranker(first: int) -> Recommender:
    table = circle_items(COUNT)
    bundle = CircleBundle(table)
    bundle.info["ranked_first"] = first
    bundle.info["servables"].append("rank")
    client = Reversing(table["item_id"].tolist())
    return Recommender(bundle, client, Items(table, {}), ServingConfig())


def test_a_bundle_with_a_ranker_orders_the_first_candidates_by_it():
    subject, plain = with_ranker(6), recommender()
    nearest = rows(plain.recommend([Visit("20")], Page(8)))
    found = rows(subject.recommend([Visit("20")], Page(8)))
    assert set(found[:6]) == set(nearest[:6]) and found[0] != nearest[0]
    assert found[6:] == nearest[6:]
    # the same places, asked page by page
    pages = [rows(subject.recommend([Visit("20")], Page(4, offset))) for offset in (0, 4)]
    assert [*pages[0], *pages[1]] == found


def test_similar_items_are_not_ranked_by_it():
    subject = with_ranker(6)
    assert set(rows(subject.similar_items("20", Page(2)))) == {19, 21}
    assert "rank" not in [call[0] for call in subject.served._client.calls]
