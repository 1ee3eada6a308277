"""The model's rows of the report: each source alone, and both, before the moment too."""

from __future__ import annotations

import numpy as np
import pytest

from recsys import columns
from recsys.artifact import open_artifact
from recsys.catalog import load_catalog
from recsys.config import TransitionsConfig
from recsys.interactions import load_interactions
from recsys.learn_transitions import learn_transitions
from recsys.model_scorers import model_scorers, recent
from recsys.sequences import make_sequences
from recsys.splits import leave_last_out, temporal
from recsys.train import train
from tests.recsys.small_shop import make_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory):
    config, workdir = make_shop(tmp_path_factory.mktemp("shop"), train={"epochs": 2})
    train(config, workdir)
    item_ids = load_catalog(workdir)[columns.ITEM_ID].tolist()
    sequences = make_sequences(load_interactions(workdir), item_ids, config.model.event_weights)
    return config, workdir, sequences, open_artifact(workdir.model, "model", mend="")


def _last_out(shop):
    config, workdir, sequences, model = shop
    split = leave_last_out(sequences, 12, mask_repeats=True)
    return split, model_scorers("leave_last_out", config, workdir, split, model)


def test_the_blend_is_the_towers_and_what_the_transitions_add(shop):
    split, scorers = _last_out(shop)
    assert list(scorers) == ["two_tower", "transitions", "blend"]
    towers, votes, blend = (scorer(split.test) for scorer in scorers.values())
    added = blend - towers
    assert (added[votes == 0] == 0).all() and (added[votes > 0] > 0).any()


def test_a_table_of_all_events_is_not_judged(shop):
    config, workdir, *_ = shop
    split, scorers = _last_out(shop)
    learn_transitions(
        config.model_copy(update={"transitions": TransitionsConfig(learn_from="all")}), workdir
    )
    fitted = _last_out(shop)[1]
    np.testing.assert_allclose(fitted["transitions"](split.test), scorers["transitions"](split.test)
                               , rtol=1e-5)  # fmt: skip


def test_before_the_moment_only_what_came_before_is_counted(shop):
    config, workdir, sequences, model = shop
    split = temporal(sequences, 12, 0.5, mask_repeats=True)
    scorers = model_scorers("temporal", config, workdir, split, model)
    assert list(scorers) == ["two_tower", "transitions", "blend"]
    votes = scorers["transitions"](split.test)
    untouched = np.bincount(split.train.rows, minlength=12) == 0
    assert votes.any() and not votes[:, untouched].any()


def test_switched_off_the_towers_stand_alone(shop):
    config, workdir, sequences, model = shop
    off = config.model_copy(update={"transitions": TransitionsConfig(enabled=False)})
    for name in ("leave_last_out", "temporal"):
        split = (leave_last_out(sequences, 12, mask_repeats=True) if name == "leave_last_out"
                 else temporal(sequences, 12, 0.5, mask_repeats=True))  # fmt: skip
        assert list(model_scorers(name, off, workdir, split, model)) == ["two_tower"]


def test_late_cases_weigh_more(shop):
    sequences = shop[2]
    cases = leave_last_out(sequences, 12, mask_repeats=True).test
    weights = recent(cases).weights
    ages = (cases.now.max() - cases.now) / np.ptp(sequences.times)
    # an eighth of the log's span halves the weight
    np.testing.assert_allclose(weights, 0.5 ** (8 * ages), rtol=1e-9)
    assert len(recent(cases.take(slice(0)))) == 0
