"""Transitions counted again follow events and items, and keep what was fitted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys.artifact import MANIFEST, open_artifact, write_json
from recsys.config import TransitionsConfig
from recsys.errors import ArtifactError
from recsys.learn_transitions import KIND, learn_transitions, open_source
from recsys.prepare import prepare
from recsys.refresh_candidates import refresh_candidates
from recsys.refresh_transitions import refresh_transitions
from recsys.train import train
from recsys.two_tower import load_two_tower
from recsys.workdir import Workdir
from tests.recsys.small_shop import make_shop


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """12 items in a ring, walked along by 40 shoppers; every event may be counted."""
    tf.config.run_functions_eagerly(True)  # a few steps without a graph are quicker
    try:
        config, workdir = make_shop(
            tmp_path_factory.mktemp("shop"), train={"epochs": 1},
            transitions={"learn_from": "all", "tune": False}, data={"max_unknown_items": 1.0},
        )  # fmt: skip
        train(config, workdir)
    finally:
        tf.config.run_functions_eagerly(False)
    learn_transitions(config, workdir)
    return config, workdir


@pytest.fixture
def shop(fitted, tmp_path):
    """A copy of the shop that may be changed, and a workdir to refresh into."""
    config, workdir = fitted
    root = shutil.copytree(workdir.root.parent, tmp_path / "shop")
    data = config.data.model_copy(update={"root": str(root)})
    draft = Workdir(tmp_path / "draft")
    return config.model_copy(update={"data": data}), Workdir(root / "work"), draft


def _refresh(config, workdir: Workdir, draft: Workdir) -> dict:
    prepare(config, draft)
    refresh_candidates(config, workdir, draft)
    return refresh_transitions(config, workdir, draft)


def _source(workdir: Workdir):
    source = open_source(workdir, load_two_tower(workdir.model))
    assert source is not None
    return source


def _row(table, row: int) -> dict[int, float]:
    entries = slice(table.offsets[row], table.offsets[row + 1])
    rates = table.rates[entries].tolist()
    return dict(zip(table.followers[entries].tolist(), rates, strict=True))


def test_nothing_new_counts_the_same_table(shop):
    config, workdir, draft = shop
    assert _refresh(config, workdir, draft)["events"] == 240
    before, after = _source(workdir), _source(draft)
    np.testing.assert_array_equal(after.table.rates, before.table.rates)
    np.testing.assert_array_equal(after.table.followers, before.table.followers)
    assert (after.mixture, after.settings) == (before.mixture, before.settings)


def test_new_events_are_counted_and_nothing_is_fitted(shop):
    config, workdir, draft = shop
    path = Path(config.data.root) / "events.csv"
    # twenty new shoppers buy i7 after i0, which nobody did before
    new = [{"user_id": f"new{n}", "item_id": item, "event": "purchase", "timestamp": 2e6 + step}
           for n in range(20) for step, item in enumerate(["i0", "i7"])]  # fmt: skip
    pd.concat([pd.read_csv(path), pd.DataFrame(new)]).to_csv(path, index=False)
    _refresh(config, workdir, draft)
    assert max(_row(_source(draft).table, 0).items(), key=lambda pair: pair[1])[0] == 7
    assert 7 not in _row(_source(workdir).table, 0)
    assert _source(draft).mixture == _source(workdir).mixture


def test_rows_follow_the_items_of_today(shop):
    config, workdir, draft = shop
    path = Path(config.data.root) / "catalog.csv"
    catalog = pd.read_csv(path)
    pd.concat([catalog.iloc[:1].assign(item_id="i99"), catalog.iloc[1:]]).to_csv(path, index=False)
    _refresh(config, workdir, draft)
    table = _source(draft).table
    assert table.num_items == 12
    assert _row(table, 0) == {}  # i99 has no events; i0's place is its own now
    assert max(_row(table, 4).items(), key=lambda pair: pair[1])[0] == 5


def test_settings_that_hold_the_last_targets_back_still_do(shop):
    config, workdir, draft = shop
    kept = config.transitions.model_copy(update={"learn_from": "training"})
    learn_transitions(config.model_copy(update={"transitions": kept}), workdir)
    # 40 shoppers of 6 events: the last two of each are validation and test
    assert _refresh(config, workdir, draft)["events"] == 40 * 4


def test_switched_off_stays_switched_off(shop):
    config, workdir, draft = shop
    off = config.model_copy(update={"transitions": TransitionsConfig(enabled=False)})
    learn_transitions(off, workdir)
    _refresh(config, workdir, draft)
    assert open_source(draft, load_two_tower(draft.model)) is None


def test_transitions_of_another_training_are_refused(shop):
    config, workdir, draft = shop
    _refresh(config, workdir, draft)
    manifest = json.loads((draft.model / MANIFEST).read_text())
    manifest["info"]["trained"] = "another"
    write_json(draft.model / MANIFEST, manifest)
    with pytest.raises(ArtifactError, match=r"another model.*vitrine transitions"):
        refresh_transitions(config, workdir, draft)


def test_the_report_says_what_was_counted(shop):
    config, workdir, draft = shop
    summary = _refresh(config, workdir, draft)
    info = open_artifact(draft.transitions, KIND, mend="").info
    assert info["refreshed"] == summary and info["entries"] == summary["entries"]
    before = open_artifact(workdir.transitions, KIND, mend="").info
    assert info["validation_ndcg_at_10"] == before["validation_ndcg_at_10"]
