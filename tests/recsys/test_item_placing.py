"""New items are placed by what was learned from the known ones, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.candidate_tower import IDLE, NEW, CandidateTower, as_items
from recsys.features import ItemFeatures, Vocabulary
from recsys.item_placing import ItemPlacing, fit_placing
from recsys.placement import load_candidate_tower, load_placement
from recsys.refresh_candidates import refresh_candidates
from recsys.train import train
from recsys.two_tower import load_two_tower
from tests.recsys.small_shop import chain_events, make_shop

NUM_ITEMS, NUM_NEW, DIM, IMAGE_DIM = 3000, 200, 8, 6
WIDTHS = {"category": 3, "title": 5}


def linear_shop(noise: float = 0.0, seed: int = 0):
    """Items whose vectors are the sum of what is known of them, and noise; the last are new."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(NUM_ITEMS, IMAGE_DIM))
    image = (image / np.linalg.norm(image, axis=1, keepdims=True)).astype(np.float32)
    has_image = rng.random(NUM_ITEMS) < 0.8
    image[~has_image] = 0.0
    bags = {
        "category": rng.integers(1, 4, (NUM_ITEMS, 1)).astype(np.int32),
        # one or two words; the second may be missing
        "title": np.stack([rng.integers(1, 6, NUM_ITEMS), rng.integers(0, 6, NUM_ITEMS)], 1)
        .astype(np.int32),
    }  # fmt: skip
    features = ItemFeatures(bags, image, has_image)
    truth = ItemPlacing(
        10 * _normal(rng)[0], _normal(rng, IMAGE_DIM), _normal(rng)[0],
        {name: _normal(rng, count + 1) for name, count in WIDTHS.items()}, {}, 1.0,
    )  # fmt: skip
    vectors = truth.vectors(features)
    vectors = vectors + noise * _normal(rng, NUM_ITEMS)
    counts = np.full(NUM_ITEMS, 20)
    counts[-NUM_NEW:] = 0
    return features, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), counts


def _normal(rng: np.random.Generator, count: int = 1) -> np.ndarray:
    return rng.normal(size=(count, DIM)).astype(np.float32)


def test_new_items_of_a_linear_shop_are_placed_where_they_belong():
    features, vectors, counts = linear_shop()
    placing = fit_placing(features, WIDTHS, vectors, counts)
    cosine = (placing.vectors(features) * vectors).sum(axis=1)[-NUM_NEW:]
    # vectors of norm 1 are not quite linear, and penalties draw towards the mean
    assert cosine.mean() > 0.95
    assert placing.cosine == pytest.approx(cosine.mean(), abs=0.02)
    np.testing.assert_allclose(np.linalg.norm(placing.vectors(features), axis=1), 1.0, rtol=1e-5)


def test_what_says_nothing_is_penalized_most():
    features, vectors, counts = linear_shop()
    # words and photos of other items: only the category still says something
    honest = fit_placing(features, WIDTHS, vectors, counts).penalties
    mixed = np.random.default_rng(1).permutation(NUM_ITEMS)
    bags = {**features.bags, "title": features.bags["title"][mixed]}
    confused = ItemFeatures(bags, features.image[mixed], features.has_image[mixed])
    placing = fit_placing(confused, WIDTHS, vectors, counts)
    assert honest["photo"] == 100.0  # the smallest that is offered
    assert honest["title"] < 10.0
    # the largest that are offered
    assert (placing.penalties["photo"], placing.penalties["title"]) == (1e5, 30.0)


def test_an_item_of_many_events_counts_more():
    # items of one kind lie in two places, one of them known by many events
    vectors = np.zeros((100, 2), np.float32)
    vectors[:50, 0], vectors[50:, 1] = 1.0, 1.0
    counts = np.where(np.arange(100) < 50, 10_000, 10)
    features = ItemFeatures({"category": np.ones((100, 1), np.int32)}, np.zeros((100, 0)),
                            np.zeros(100, bool))  # fmt: skip
    placed = fit_placing(features, {"category": 1}, vectors, counts).vectors(features)[0]
    # 10 events count half of very many
    assert placed[0] / placed[1] == pytest.approx(2.0, rel=1e-2)


def test_too_few_items_or_nothing_known_of_them_teach_nothing():
    features, vectors, counts = linear_shop()
    few = np.where(np.arange(NUM_ITEMS) < 49, 1, 0)
    assert fit_placing(features, WIDTHS, vectors, few) is None
    nothing = ItemFeatures({}, np.zeros((NUM_ITEMS, 0), np.float32), np.zeros(NUM_ITEMS, bool))
    assert fit_placing(nothing, {}, vectors, counts) is None


def test_a_field_with_more_tokens_than_fit_keeps_the_frequent_ones(monkeypatch):
    monkeypatch.setattr("recsys.item_placing.MAX_TOKENS", 3)
    features, vectors, counts = linear_shop()
    placing = fit_placing(features, WIDTHS, vectors, counts)
    kept = {(name, token) for name, table in placing.tables.items()
            for token in np.flatnonzero(table.any(axis=1))}  # fmt: skip
    frequency = {
        (name, token): (features.bags[name][counts > 0] == token).any(axis=1).sum()
        for name, count in WIDTHS.items() for token in range(1, count + 1)
    }  # fmt: skip
    assert kept == set(sorted(frequency, key=frequency.__getitem__)[-3:])


def test_what_is_saved_places_alike(tmp_path):
    features, vectors, counts = linear_shop()
    placing = fit_placing(features, WIDTHS, vectors, counts)
    placing.save(tmp_path / "placing.npz")
    found = ItemPlacing.load(tmp_path / "placing.npz")
    np.testing.assert_array_equal(found.vectors(features), placing.vectors(features))
    assert (found.penalties, found.cosine) == (placing.penalties, placing.cosine)


def test_the_tower_places_new_items_by_it_and_no_others():
    features, vectors, counts = linear_shop()
    placing = fit_placing(features, WIDTHS, vectors, counts)
    vocabulary = Vocabulary({"category": list("abc"), "title": list("abcde")}, [], IMAGE_DIM)
    tower = CandidateTower(vocabulary, num_ids=4, dim=DIM)
    ids = np.where(np.arange(NUM_ITEMS) % 3 == 0, NEW, np.where(np.arange(NUM_ITEMS) % 3, IDLE, 1))
    items = as_items(features, ids.astype(np.int32))
    before, weights = tower.place(items), len(tower.weights)
    tower.place_new_by(placing, vocabulary)
    expected = np.where(ids[:, None] == NEW, placing.vectors(features), before)
    np.testing.assert_allclose(tower.place(items), expected, atol=1e-5)
    assert len(tower.weights) == weights  # none that training would change


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A trained shop whose last 15 items nobody touched; they were on offer all along."""
    tf.config.run_functions_eagerly(True)  # a few steps without a graph are quicker
    try:
        config, workdir = make_shop(
            tmp_path_factory.mktemp("shop"), num_items=70, photos=True,
            train={"epochs": 1, "batch_size": 64},
            events=chain_events(num_users=150, num_items=55, length=5),
        )  # fmt: skip
        train(config, workdir)
    finally:
        tf.config.run_functions_eagerly(False)
    return config, workdir


def test_what_training_learned_is_read_by_serving(shop):
    from recsys.catalog import load_catalog
    from recsys.embedding_table import open_table
    from recsys.features import item_features

    _, workdir = shop
    tower, vocabulary, ids = load_candidate_tower(workdir.model)
    assert tower.placing is not None
    assert (ids[:55] >= 0).all()
    assert (ids[55:] == IDLE).all()
    catalog = load_catalog(workdir)
    vectors, present = open_table(workdir.embeddings).vectors_for(catalog["item_id"].tolist())
    features = item_features(catalog, vocabulary, vectors, present)
    stored = load_two_tower(workdir.model).candidate_vectors
    np.testing.assert_allclose(tower.place(as_items(features, ids)), stored, atol=1e-5)
    placed = load_placement(workdir.model).vectors(tf.constant(features.image), features.bags)
    np.testing.assert_allclose(placed, tower.placing.vectors(features), atol=1e-5)


def test_a_refresh_places_as_training_did(shop, tmp_path):
    config, workdir = shop
    before = load_two_tower(workdir.model).candidate_vectors
    draft = workdir.drafted(["model"], "again")
    refresh_candidates(config, workdir, draft)
    np.testing.assert_allclose(load_two_tower(draft.model).candidate_vectors, before, atol=1e-5)
    np.testing.assert_array_equal(np.load(draft.model / "ids.npy"),
                                  np.load(workdir.model / "ids.npy"))  # fmt: skip
    assert (draft.model / "candidate_placing.npz").is_file()
