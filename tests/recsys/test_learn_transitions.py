"""The transitions step on a small shop: what it writes, and that it follows new events."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys.artifact import open_artifact
from recsys.config import ModelConfig, TransitionsConfig
from recsys.errors import ArtifactError
from recsys.learn_transitions import KIND, fit_source, learn_transitions, open_source, tuned
from recsys.prepare import prepare
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out
from recsys.train import train
from recsys.two_tower import load_two_tower
from recsys.workdir import Workdir
from tests.recsys.small_shop import chain_events, make_shop

QUICK = {"epochs": 2}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory):
    config, workdir = make_shop(tmp_path_factory.mktemp("shop"), num_users=40, train=QUICK)
    train(config, workdir)
    return learn_transitions(config, workdir), config, workdir


def test_each_source_is_measured_alone_and_together(learned):
    ndcg = learned[0]["validation_ndcg_at_10"]
    assert list(ndcg) == ["two_tower", "transitions", "blend"]
    # shoppers walk i, i + 1, …: the transitions know the next item, two epochs do not
    assert ndcg["transitions"] > 0.9 > ndcg["two_tower"]
    assert ndcg["blend"] >= ndcg["transitions"] - 0.05


def test_the_artifact_names_the_model_it_was_fitted_to(learned):
    _, _, workdir = learned
    model = open_artifact(workdir.model, "model", mend="")
    assert open_artifact(workdir.transitions, KIND, mend="").inputs["model"] == model.fingerprint
    loaded = load_two_tower(workdir.model)
    source = open_source(workdir, loaded)
    assert source is not None and source.table.num_items == 12
    loaded.trained = "another"
    with pytest.raises(ArtifactError, match=r"another model.*vitrine transitions"):
        open_source(workdir, loaded)


def test_a_table_of_other_items_is_refused_whatever_the_model(learned):
    _, _, workdir = learned
    loaded = load_two_tower(workdir.model)
    loaded.item_ids = [*loaded.item_ids[1:], "new"]
    with pytest.raises(ArtifactError, match=r"another catalog.*vitrine transitions"):
        open_source(workdir, loaded)


def test_the_table_holds_training_events_only_unless_all_are_asked_for(learned):
    _, config, workdir = learned
    model = load_two_tower(workdir.model)
    whole = config.model_copy(update={"transitions": TransitionsConfig(learn_from="all")})
    held_back = open_source(workdir, model)
    learn_transitions(whole, workdir)
    everything = open_source(workdir, model)
    learn_transitions(config, workdir)
    assert held_back is not None and everything is not None
    # 40 shoppers of 6 events: the moments' row counts 4 of each or 6
    assert everything.mixture == held_back.mixture
    assert everything.table.rates.sum() > held_back.table.rates.sum()


@pytest.fixture
def shop(learned, tmp_path):
    """A copy of the shop that may be changed."""
    _, config, workdir = learned
    root = shutil.copytree(workdir.root.parent, tmp_path / "shop")
    data = config.data.model_copy(update={"root": str(root)})
    return config.model_copy(update={"data": data}), Workdir(root / workdir.root.name)


def test_new_events_need_no_training(shop):
    config, workdir = shop
    before = open_artifact(workdir.transitions, KIND, mend="")
    model = open_artifact(workdir.model, "model", mend="")
    events = Path(config.data.root) / "events.csv"
    newer = chain_events(30, 12, 9, seed=1)
    newer["user_id"] = "new " + newer["user_id"]
    pd.concat([pd.read_csv(events), newer]).to_csv(events, index=False)
    prepare(config, workdir)
    learn_transitions(config, workdir)
    after = open_artifact(workdir.transitions, KIND, mend="")
    assert after.fingerprint != before.fingerprint
    assert open_artifact(workdir.model, "model", mend="").fingerprint == model.fingerprint
    assert open_source(workdir, load_two_tower(workdir.model)) is not None


def test_another_catalog_needs_training(shop):
    config, workdir = shop
    path = Path(config.data.root) / "catalog.csv"
    pd.read_csv(path).iloc[:-1].to_csv(path, index=False)
    prepare(config, workdir)
    with pytest.raises(ArtifactError, match="vitrine train"):
        learn_transitions(config, workdir)


def test_switched_off_it_is_not_served(shop):
    config, workdir = shop
    off = config.model_copy(update={"transitions": TransitionsConfig(enabled=False)})
    learn_transitions(off, workdir)
    assert open_source(workdir, load_two_tower(workdir.model)) is None


def test_ages_are_chosen_on_validation():
    # what follows changed from b to c: shoppers of the last days are the ones judged
    rows = [(f"u{user:03d}", item, "view", user * 86_400.0 + step)
            for user in range(200)
            for step, item in enumerate("abd" if user < 120 else "acd")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "event", "timestamp"])
    sequences = make_sequences(frame, list("abcd"), {"view": 1.0})
    split = leave_last_out(sequences, 4, mask_repeats=True)
    late = split.validation.take(split.validation.now > 150 * 86_400)
    known = np.ones(4, bool)
    train = sequences.keep(sequences.times < 150 * 86_400)
    found = tuned(TransitionsConfig(popularity_damping=0.0), train, late, known, mask=True)
    assert found.half_life_days == pytest.approx(150 / 8, rel=0.02)
    kept = TransitionsConfig(tune=False)
    assert tuned(kept, train, late, known, mask=True) is kept


def test_without_validation_the_mixture_adds_nothing():
    split = leave_last_out(
        make_sequences(chain_events(5, 12, 2), [f"i{n}" for n in range(12)], {"view": 1.0}),
        12, mask_repeats=True,
    )  # fmt: skip
    towers = lambda cases: np.zeros((len(cases), 12), np.float32)  # noqa: E731
    source = fit_source(
        towers,
        split.train,
        split.validation,
        TransitionsConfig(),
        np.ones(12, bool),
        ModelConfig(),
    )
    assert set(source.mixture.weights) == {0.0}
