"""An ablation of a small shop: one table, the same cases, and nothing trained twice."""

from __future__ import annotations

import json

import pytest

from recsys.config import config_from, dump_config
from recsys.errors import ConfigError
from tests.recsys.small_shop import make_shop
from vitrine import ablation
from vitrine.ablation import BASE, ablate
from vitrine.variants import config_maker

QUICK = {"epochs": 3, "batch_size": 8}


@pytest.fixture(scope="module")
def ablated(tmp_path_factory: pytest.TempPathFactory):
    config, workdir = make_shop(
        tmp_path_factory.mktemp("shop"), train=QUICK, evaluation={"num_bootstrap": 20}
    )
    path = workdir.root / "config.yaml"
    path.write_text(dump_config(config))
    make = config_maker(path, workdir, [])
    return ablate(make, workdir, ["model.use_id=false model.use_title=false"], [0]), make, workdir


def test_every_variant_is_judged_on_every_shopper(ablated):
    (entry,) = ablated[0]["protocols"]
    assert entry["cases"] == 40 and not entry["shelf"]
    names = [row["variant"] for row in entry["rows"]]
    assert names == [BASE, "model.use_id=false model.use_title=false"]


def test_the_base_differs_from_itself_by_nothing(ablated):
    (entry,) = ablated[0]["protocols"]
    base, variant = entry["rows"]
    difference = base["measures"]["ndcg@10"]["difference"]
    assert (difference["mean"], difference["low"], difference["high"]) == (0.0, 0.0, 0.0)
    gain = variant["measures"]["ndcg@10"]
    assert gain["difference"]["mean"] == pytest.approx(
        gain["mean"] - base["measures"]["ndcg@10"]["mean"]
    )


def test_the_report_is_written_in_three_forms(ablated):
    report, _, workdir = ablated
    folder = workdir.root / "ablations"
    assert json.loads((folder / "report.json").read_text()) == report
    assert "everything" in (folder / "report.txt").read_text()
    assert "<svg" in (folder / "report.html").read_text()


def test_what_was_trained_is_not_trained_again(ablated, monkeypatch):
    report, make, workdir = ablated
    monkeypatch.setattr("recsys.train.train", None)  # would fail if called
    again = ablate(make, workdir, ["model.use_id=false model.use_title=false"], [0])
    assert again["protocols"] == report["protocols"]


def test_a_variant_that_changes_nothing_is_refused(tmp_path):
    def make(overrides):
        return config_from({}, where="test")

    for variant, words in (("train.epochs=50", "changes nothing"), (" ", "names no setting")):
        with pytest.raises(ConfigError, match=words):
            ablation.ablate(make, tmp_path, [variant], [0])
