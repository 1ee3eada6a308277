"""The candidate tower: what an item's vector is made of, and new items."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys import candidate_tower
from recsys.candidate_tower import CandidateTower, as_items
from recsys.features import ItemFeatures, Vocabulary

VOCABULARY = Vocabulary({"brand": ["Acme", "Bolt"]}, [], image_dim=3, widths={"brand": 1})


def _features() -> ItemFeatures:
    """Two pairs of items alike in brand and photo; the last pair has no photo."""
    image = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    brand = np.array([[1], [1], [2], [2]], np.int32)
    return ItemFeatures({"brand": brand}, image, np.array([True, True, False, False]))


@pytest.fixture
def tower() -> CandidateTower:
    tf.keras.utils.set_random_seed(0)
    return CandidateTower(VOCABULARY, num_ids=4, dim=8, id_dropout=0.5)


def test_vectors_have_norm_one(tower):
    vectors = tower(as_items(_features(), np.arange(4, dtype=np.int32))).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_new_items_that_are_alike_are_placed_alike(tower):
    vectors = tower(as_items(_features())).numpy()
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert np.abs(vectors[0] - vectors[2]).max() > 0.01


def test_an_id_tells_alike_items_apart(tower):
    vectors = tower(as_items(_features(), np.arange(4, dtype=np.int32))).numpy()
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


def test_ids_are_dropped_in_training_alone(tower):
    items = as_items(_features(), np.arange(4, dtype=np.int32))
    asked = [tower(items).numpy() for _ in range(3)]
    np.testing.assert_array_equal(asked[0], asked[1])
    new = tower(as_items(_features())).numpy()
    dropped = np.mean([np.isclose(tower(items, training=True).numpy(), new).all(axis=1).mean()
                       for _ in range(200)])  # fmt: skip
    assert dropped == pytest.approx(0.5, abs=0.06)


def test_as_new_forgets_the_id_alone(tower):
    items = as_items(_features(), np.arange(4, dtype=np.int32))
    np.testing.assert_allclose(tower(items.as_new()), tower(as_items(_features())), atol=1e-6)


def test_features_are_dropped_in_training_alone():
    tf.keras.utils.set_random_seed(0)
    tower = CandidateTower(VOCABULARY, num_ids=0, dim=8, feature_dropout=0.5)
    items = as_items(_features())
    np.testing.assert_array_equal(tower(items), tower(items))
    bare = tower(items._replace(bags={"brand": tf.zeros([4, 1], tf.int32)})).numpy()[2]
    # the third item has a brand alone: half of the time nothing is left of it
    dropped = [np.allclose(tower(items, training=True).numpy()[2], bare, atol=1e-6)
               for _ in range(300)]  # fmt: skip
    assert np.mean(dropped) == pytest.approx(0.5, abs=0.1)


def test_place_in_chunks_changes_nothing(tower, monkeypatch):
    items = as_items(_features(), np.array([0, -1, 2, -1], np.int32))
    whole = tower.place(items)
    monkeypatch.setattr(candidate_tower, "CHUNK", 3)
    np.testing.assert_allclose(tower.place(items), whole, atol=1e-6)


def test_an_item_of_which_nothing_is_known_has_a_vector_too():
    tower = CandidateTower(Vocabulary({}, [], 0), num_ids=0, dim=8)
    features = ItemFeatures({}, np.zeros((2, 0), np.float32), np.zeros(2, bool))
    vectors = tower(as_items(features)).numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
