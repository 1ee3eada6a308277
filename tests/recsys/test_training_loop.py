"""The loop: early stopping keeps the best weights, and learning is judged on validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys import training_loop
from recsys.features import item_features, learn_vocabulary
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out
from recsys.training_draft import TrainingDraft
from recsys.training_loop import fit, is_out_of_time, most_cases, validation_ndcg
from tests.recsys.small_shop import chain_events, small_catalog, small_config


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory):
    config = small_config(tmp_path_factory.mktemp("shop"), train={"epochs": 30, "patience": 2})
    catalog = small_catalog(12)
    ids = catalog["item_id"].tolist()
    sequences = make_sequences(chain_events(30, 12, 6), ids, config.model.event_weights)
    vocabulary = learn_vocabulary(_filled(catalog), config.model, 0)
    features = item_features(_filled(catalog), vocabulary)
    return config, leave_last_out(sequences, 12, mask_repeats=True), features, vocabulary


@pytest.fixture
def eagerly():
    """A few steps without a graph are quicker than making the graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def _filled(catalog: pd.DataFrame) -> pd.DataFrame:
    return catalog.fillna({"brand": "", "category": "", "title": ""})


def _fit(shop, **changes):
    config, split, features, vocabulary = shop
    train = config.train.model_copy(update=changes.pop("train", {}))
    config = config.model_copy(update={"train": train})
    return fit(split.train, split.validation, features, vocabulary, config, **changes), config


def test_it_stops_when_validation_does_and_keeps_the_best(shop, monkeypatch):
    scripted = iter([0.1, 0.5, 0.3, 0.2, 0.9])
    seen = []

    def judged(model, cases, config, known):
        seen.append(model.candidate_tower.place(model.items))
        return next(scripted)

    monkeypatch.setattr(training_loop, "validation_ndcg", judged)
    fitted, _ = _fit(shop)
    # best is epoch 2; two epochs of patience end it after epoch 4
    assert (fitted.best_epoch, fitted.validation_ndcg, len(fitted.epochs)) == (2, 0.5, 4)
    kept = fitted.model.candidate_tower.place(fitted.model.items)
    np.testing.assert_allclose(kept, seen[1], atol=1e-6)
    assert np.abs(kept - seen[3]).max() > 1e-3


def test_the_figure_it_reports_is_the_kept_model_s(shop):
    fitted, config = _fit(shop)
    again = validation_ndcg(fitted.model, shop[1].validation, config)
    assert again == pytest.approx(fitted.validation_ndcg, abs=1e-6)
    assert fitted.epochs[-1]["loss"] < fitted.epochs[0]["loss"]


def test_without_validation_all_epochs_are_trained(shop, eagerly):
    config, split, features, vocabulary = shop
    none = replace(split, validation=split.validation.take(slice(0)))
    fitted = fit(none.train, none.validation, features, vocabulary, config, epochs=4)
    assert (fitted.best_epoch, len(fitted.epochs)) == (4, 4)
    assert np.isnan(fitted.validation_ndcg)


def test_a_killed_training_goes_on_to_the_same_result(shop, tmp_path, monkeypatch, eagerly):
    inputs = {"draft": TrainingDraft(tmp_path / "whole", {"train": {"seed": 0}})}
    whole, _ = _fit(shop, train={"epochs": 4}, **inputs)
    draft = TrainingDraft(tmp_path / "killed", {"train": {"seed": 0}})
    judged, asked = training_loop.validation_ndcg, []

    def killing(*arguments):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return judged(*arguments)

    monkeypatch.setattr(training_loop, "validation_ndcg", killing)
    with pytest.raises(KeyboardInterrupt):
        _fit(shop, train={"epochs": 4}, draft=draft)
    monkeypatch.setattr(training_loop, "validation_ndcg", judged)
    resumed, _ = _fit(shop, train={"epochs": 4}, draft=draft)
    assert len(resumed.epochs) == 4
    # the two epochs before the end are the same to the last digit, the others up to dropout
    assert resumed.epochs[:2] == whole.epochs[:2]
    assert resumed.epochs[3]["loss"] == pytest.approx(whole.epochs[3]["loss"], rel=0.1)
    assert int(resumed.model.optimizer.iterations) == int(whole.model.optimizer.iterations)


def test_a_finished_training_is_not_trained_further(shop, tmp_path, eagerly):
    draft = TrainingDraft(tmp_path / "draft", {})
    first, _ = _fit(shop, train={"epochs": 2}, draft=draft)
    again, _ = _fit(shop, train={"epochs": 2}, draft=draft)
    assert again.epochs == first.epochs
    assert again.seconds == 0
    kept = [fitted.model.candidate_tower.place(fitted.model.items) for fitted in (first, again)]
    np.testing.assert_array_equal(*kept)


def test_curves_for_tensorboard_are_written_where_asked(shop, tmp_path, eagerly):
    _fit(shop, train={"epochs": 1}, logs=tmp_path / "logs")
    assert [path.name.startswith("events.") for path in (tmp_path / "logs").iterdir()] == [True]


def test_gathered_batches_and_halved_digits_learn_too(shop):
    fitted, _ = _fit(shop, train={"epochs": 3, "accumulate": 2, "precision": "bfloat16"})
    assert fitted.epochs[-1]["loss"] < fitted.epochs[0]["loss"]


def test_a_large_catalog_is_validated_on_fewer_cases():
    assert [most_cases(items) for items in (100, 400_000, 10_000_000)] == [5000, 1250, 500]


def test_idle_items_are_pushed_down_and_new_ones_are_not(shop):
    config, split, _, _ = shop
    # eight copies of the catalog's features, of which only the first has events
    catalog = pd.concat([_filled(small_catalog(12))] * 8, ignore_index=True)
    vocabulary = learn_vocabulary(catalog, config.model, 0)
    features = item_features(catalog, vocabulary)
    ndcg = {}
    for name, idle in (("idle", np.arange(96) >= 12), ("new", np.zeros(96, bool))):
        fitted = fit(split.train, split.validation, features, vocabulary, config, idle=idle)
        ndcg[name] = fitted.validation_ndcg
    assert ndcg["idle"] > ndcg["new"]


def test_untouched_items_get_no_id_vector(shop, eagerly):
    fitted, _ = _fit(shop, train={"epochs": 1})
    touched = np.bincount(shop[1].train.rows, minlength=12) > 0
    assert ((fitted.model.items.ids.numpy() >= 0) == touched).all()


def test_the_time_allowed_ends_a_training_with_its_best_epoch(shop, eagerly):
    fitted, _ = _fit(shop, train={"max_minutes": 1e-6})
    assert len(fitted.epochs) == fitted.best_epoch == 1


def test_an_epoch_that_would_end_late_does_not_begin():
    # three epochs took 3 minutes: a fourth ends at 4
    assert not is_out_of_time(3, 180.0, 4.0)
    assert is_out_of_time(3, 180.0, 3.9)
    assert not is_out_of_time(3, 1e9, 0.0) and not is_out_of_time(0, 1e9, 1.0)
