"""Vectors of new items, asked of a bundle's servables."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.features import Vocabulary
from serving.new_items import NewItems


class Asked:
    """A bundle whose encoder answers set vectors and whose tower adds 10 per known token."""

    def __init__(self, *vectors, has=("image_encoder", "recommend")):
        self.vectors, self.names = np.array(vectors, np.float32), has

    def has(self, servable):
        return servable in self.names

    def predict(self, servable, inputs, signature=""):
        if servable == "image_encoder":
            return {"embedding": self.vectors[: len(inputs["photo"])]}
        assert (servable, signature) == ("recommend", "place")
        return {"embedding": inputs["embedding"] + 10 * (inputs["brand"] > 0)}


VOCABULARY = Vocabulary({"brand": ["Acme"]}, [], image_dim=2, widths={"brand": 1})


def test_photos_are_joined_in_the_middle_of_their_directions():
    found = NewItems(Asked([1, 0], [0, 1]), None).embed([b"one", b"two"])
    np.testing.assert_allclose(found, [0.5**0.5, 0.5**0.5], atol=1e-6)


def test_photos_that_point_opposite_ways_are_the_first():
    assert NewItems(Asked([1, 0], [-1, 0]), None).embed([b"one", b"two"]).tolist() == [1, 0]


@pytest.mark.parametrize(("photos", "has"), [([], ("image_encoder",)), ([b"one"], ())])
def test_no_photos_or_no_tower_is_no_vector(photos, has):
    assert NewItems(Asked([1, 0], has=has), None).embed(photos) is None


def test_an_item_is_placed_by_photo_and_features():
    items = NewItems(Asked(), VOCABULARY)
    photo = np.array([1, 2], np.float32)
    assert items.place("x", {"brand": "Acme"}, photo).tolist() == [11, 12]
    assert items.place("x", {"brand": "unheard of"}, None).tolist() == [0, 0]


def test_a_bundle_without_events_places_nothing():
    assert NewItems(Asked(has=("image_encoder",)), VOCABULARY).place("x", {}, None) is None
    assert NewItems(Asked(), None).place("x", {}, None) is None
