"""The evaluate step on a small shop: every row is there, and the model learns the chain."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from recsys.errors import ArtifactError
from recsys.evaluate import evaluate
from recsys.train import train
from tests.recsys.small_shop import make_shop, write_embeddings


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory):
    config, workdir = make_shop(tmp_path_factory.mktemp("shop"), photos=True, num_users=60)
    train(config, workdir)
    return evaluate(config, workdir), workdir


def _rows(report: dict, protocol: int = 0, group: str = "all") -> dict[str, dict]:
    rows = report["protocols"][protocol]["rows"]
    return {row["model"]: row for row in rows if row["group"] == group}


def test_both_splits_hold_the_model_and_every_peer(evaluated):
    report, _ = evaluated
    assert [protocol["name"] for protocol in report["protocols"]] == ["leave_last_out", "temporal"]
    for place in (0, 1):
        assert list(_rows(report, place)) == [
            "two_tower", "transitions", "blend", "popularity", "item_knn", "markov", "ease",
        ]  # fmt: skip


def test_every_shopper_is_one_case_of_leave_last_out(evaluated):
    protocol = evaluated[0]["protocols"][0]
    assert (protocol["cases"], protocol["users"]) == (60, 60)


def test_the_mean_lies_within_its_interval(evaluated):
    for protocol in evaluated[0]["protocols"]:
        for row in protocol["rows"]:
            for name, value in row.items():
                if isinstance(value, dict):
                    assert 0 <= value["low"] <= value["mean"] <= value["high"] <= 1, name


def test_model_and_chain_learn_the_walk_and_popularity_cannot(evaluated):
    # shoppers walk i, i + 1, …: the next item is certain, and all are equally popular
    rows = _rows(evaluated[0])
    assert rows["markov"]["ndcg@10"]["mean"] > 0.8
    assert rows["two_tower"]["ndcg@10"]["mean"] > rows["popularity"]["ndcg@10"]["mean"] + 0.2


def test_the_report_is_written_in_three_forms(evaluated):
    report, workdir = evaluated
    assert json.loads((workdir.evaluation / "report.json").read_text()) == report
    text = (workdir.evaluation / "report.txt").read_text()
    assert "two-tower" in text and "Markov chain" in text
    assert "<svg" in (workdir.evaluation / "report.html").read_text()


def test_a_catalog_without_events_gets_photo_retrieval_alone(tmp_path):
    config, workdir = make_shop(tmp_path, num_items=40, events=pd.DataFrame())
    write_embeddings(workdir, [f"i{n}" for n in range(40)])
    report = evaluate(config, workdir)
    assert report["protocols"] == [] and report["training"] is None
    # the embeddings of one category point one way, so the nearest photo is of the same one
    assert report["photo_retrieval"]["r@1"]["mean"] == 1.0
    assert not math.isnan(report["photo_retrieval"]["map"]["mean"])


def test_without_a_model_it_says_to_train(tmp_path):
    config, workdir = make_shop(tmp_path)
    with pytest.raises(ArtifactError, match="vitrine train"):
        evaluate(config, workdir)
