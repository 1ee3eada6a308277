"""The train step: what it writes, what it refuses, odd shops that must work."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys.artifact import open_artifact, verify_artifact
from recsys.errors import TrainingError
from recsys.features import Vocabulary, item_features
from recsys.train import idle_items, train, training_draft
from recsys.two_tower import load_two_tower
from tests.recsys.small_shop import chain_events, make_shop

QUICK = {"train": {"epochs": 1}}


@pytest.fixture(autouse=True)
def eagerly():
    """A few steps without a graph are quicker than making the graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def _events(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return frame.assign(event="view")


def _trained(folder, **sections) -> np.ndarray:
    config, workdir = make_shop(folder, **{**QUICK, **sections})
    summary = train(config, workdir)
    json.dumps(summary, allow_nan=False)
    vectors = load_two_tower(workdir.model).candidate_vectors
    assert np.isfinite(vectors).all()
    return vectors


def test_the_artifact_is_whole_and_says_what_it_came_from(tmp_path):
    config, workdir = make_shop(tmp_path, photos=True, **QUICK)
    train(config, workdir)
    artifact = open_artifact(workdir.model, "model", mend="")
    verify_artifact(artifact)
    assert set(artifact.inputs) == {"tables", "embeddings"}
    assert artifact.info["best_epoch"] == 1
    assert artifact.info["examples_per_second"] > 0
    assert load_two_tower(workdir.model).item_ids == [f"i{n}" for n in range(12)]


def test_the_same_seed_gives_the_same_model(tmp_path):
    first = _trained(tmp_path / "a")
    np.testing.assert_allclose(_trained(tmp_path / "b"), first, atol=1e-5)
    other = _trained(tmp_path / "c", train={"epochs": 1, "seed": 1})
    assert np.abs(other - first).max() > 0.01


def test_one_shopper_with_one_event_is_enough(tmp_path):
    assert _trained(tmp_path, events=_events(("u", "i3", 5.0))).shape == (12, 16)


def test_one_item_is_enough(tmp_path):
    events = _events(("u", "i0", 1.0), ("v", "i0", 2.0))
    assert _trained(tmp_path, events=events, num_items=1).shape == (1, 16)


def test_a_very_long_history_is_cut_into_windows(tmp_path):
    events = chain_events(num_users=1, num_items=12, length=3000)
    quick = {"epochs": 1, "batch_size": 64}
    _trained(tmp_path, events=events, model={"repeat_consumption": "allow"}, train=quick)


def test_all_events_at_one_time_are_in_the_order_of_the_table(tmp_path):
    events = chain_events(num_users=5, num_items=12, length=5).assign(timestamp=1000.0)
    _trained(tmp_path, events=events)


def test_items_without_an_id_vector_are_possible(tmp_path):
    _trained(tmp_path, model={"use_id": False})


def test_inputs_may_have_vectors_of_their_own(tmp_path):
    config, workdir = make_shop(tmp_path, model={"share_item_vectors": False}, **QUICK)
    train(config, workdir)
    assert (workdir.model / "input_vectors.npy").is_file()
    asked = load_two_tower(workdir.model).query([[1, 2]], [["view", "view"]], [[9.0, 1.0]], {})
    assert np.isfinite(asked.numpy()).all()


def test_a_large_catalog_is_trained_on_a_sample(tmp_path):
    tf.config.run_functions_eagerly(False)  # TFRS's task goes another way in a graph
    sampled = {"full_softmax_up_to": 5, "num_sampled": 6, "epochs": 12, "learning_rate": 0.01}
    config, workdir = make_shop(tmp_path, num_users=60, train=sampled)
    losses = [epoch["loss"] for epoch in train(config, workdir)["epochs"]]
    assert losses[-1] < losses[0] - 0.3


def test_an_item_is_idle_once_it_has_been_there_for_long(tmp_path):
    config, workdir = make_shop(tmp_path, train={"idle_days": 10})
    from recsys.catalog import load_catalog
    from recsys.interactions import load_interactions
    from recsys.sequences import make_sequences

    catalog = load_catalog(workdir)
    sequences = make_sequences(load_interactions(workdir), catalog["item_id"].tolist(), {})
    last = sequences.times.max()
    # twenty days old, five days old, and of unknown age
    catalog.loc[[0, 1], "created_at"] = [last - 20 * 86_400, last - 5 * 86_400]
    assert idle_items(catalog, sequences, config)[:3].tolist() == [True, False, True]


def test_no_event_that_counts_is_refused_with_what_is_needed(tmp_path):
    events = _events(("u", "i1", 1.0)).assign(event="dislike")
    config, workdir = make_shop(tmp_path, events=events, **QUICK)
    with pytest.raises(TrainingError, match="at least 1 event"):
        train(config, workdir)
    assert not workdir.model.exists()


def test_no_events_at_all_is_refused(tmp_path):
    config, workdir = make_shop(tmp_path, events=pd.DataFrame())
    with pytest.raises(TrainingError, match="at least 1 shopper"):
        train(config, workdir)


def test_a_loss_that_is_no_number_is_an_error_with_its_cure(tmp_path, monkeypatch):
    config, workdir = make_shop(tmp_path, photos=True, **QUICK)
    from recsys.embedding_table import EmbeddingTable

    broken = lambda table, ids: (np.full((len(ids), 4), 3e38, np.float32),  # noqa: E731
                                 np.ones(len(ids), bool))  # fmt: skip
    monkeypatch.setattr(EmbeddingTable, "vectors_for", broken)
    with pytest.raises(TrainingError, match="learning_rate"):
        train(config, workdir)


def test_a_killed_training_is_refused_under_other_settings_and_done_with_when_written(tmp_path):
    config, workdir = make_shop(tmp_path, **QUICK)
    train(config, workdir)
    draft = training_draft(
        config, workdir, dict(open_artifact(workdir.model, "model", mend="").inputs)
    )
    assert not draft.folder.exists()
    draft.save(1, {}, {"state": [], "best": []})
    other = config.model_copy(update={"model": config.model.model_copy(update={"dropout": 0.5})})
    with pytest.raises(TrainingError, match=r"`model.dropout` was 0.2 and is 0.5"):
        train(other, workdir)


@pytest.mark.parametrize("full_softmax_up_to", [1, 100])
def test_a_catalog_smaller_than_the_batch_and_the_sample(tmp_path, full_softmax_up_to):
    settings = {"epochs": 1, "batch_size": 512, "full_softmax_up_to": full_softmax_up_to}
    assert _trained(tmp_path, train=settings).shape == (12, 16)


@pytest.mark.parametrize("kind", ["view", "a kind that the settings do not know"])
def test_events_of_one_kind_only(tmp_path, kind):
    events = chain_events(10, 12, 6).assign(event=kind)
    settings = {"event_weights": {"view": 1.0}}
    if kind == "view":
        assert len(_trained(tmp_path, events=events, model=settings)) == 12
    else:
        with pytest.raises(TrainingError, match="no event to learn from"):
            _trained(tmp_path, events=events, model=settings)


def test_ties_in_time_keep_the_order_of_the_log_and_disorder_is_sorted(tmp_path):
    events = chain_events(12, 12, 6)
    shuffled = events.sample(frac=1.0, random_state=1)
    np.testing.assert_allclose(
        _trained(tmp_path / "a", events=shuffled),
        _trained(tmp_path / "b", events=events),
        atol=1e-4,
    )
    assert len(_trained(tmp_path / "c", events=events.assign(timestamp=5.0))) == 12


def test_shoppers_and_items_that_only_validation_knows(tmp_path):
    # of the last three, one is the test, one the validation, and one alone is learned from
    events = pd.concat([
        chain_events(10, 8, 6),
        _events(("new", "i10", 1.0), ("new", "i11", 2.0), ("new", "i9", 3.0)),
    ])  # fmt: skip
    vectors = _trained(tmp_path, events=events)
    assert vectors.shape == (12, 16)


def test_one_shopper_of_a_hundred_thousand_events(tmp_path):
    count, rng = 100_000, np.random.default_rng(0)
    events = pd.DataFrame({
        "user_id": "u", "item_id": [f"i{n}" for n in rng.integers(0, 12, count)],
        "event": "view", "timestamp": np.arange(count, dtype=float),
    })  # fmt: skip
    # all but the first event with an item is a repeat: 12 targets in 12,500 windows
    assert len(_trained(tmp_path, events=pd.concat([events, chain_events(5, 12, 6)]))) == 12


def test_a_price_or_category_that_is_missing_or_new_places_items_all_the_same(tmp_path):
    config, workdir = make_shop(tmp_path, **QUICK)
    train(config, workdir)
    vocabulary = Vocabulary.load(workdir.model / "vocabulary.json")
    new = pd.DataFrame({"title": [""], "category": ["Never seen"], "brand": [""],
                        "price": [np.nan], "attr_color": ["mauve"]})  # fmt: skip
    features = item_features(new, vocabulary)
    assert not any(bag.any() for bag in features.bags.values())
