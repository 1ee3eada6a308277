"""Two runs, case by case; ranks written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys.artifact import write_artifact
from recsys.comparing import compare, measures_of, pair_cases, render_text
from recsys.errors import ArtifactError, NotFoundError


def _cases(ranks: dict[str, float], model: str = "two_tower") -> pd.DataFrame:
    return pd.DataFrame({
        "model": model, "shelf": False, "user_id": list(ranks), "item_id": "a", "timestamp": 1.0,
        "before": 3, "weight": 1.0, "rank": list(ranks.values()), "protocol": "leave_last_out",
    })  # fmt: skip


def _run(folder: Path, *cases: pd.DataFrame) -> Path:
    with write_artifact(folder / "evaluation", "evaluation") as draft:
        pd.concat(cases).to_parquet(draft.path / "cases.parquet", index=False)
    return folder


def test_means_and_difference_by_hand(tmp_path):
    first = _run(tmp_path / "a", _cases({"u": 1.0, "v": 3.0, "w": 99.0}))
    second = _run(tmp_path / "b", _cases({"w": 3.0, "v": 3.0, "u": 1.0}))  # another order
    (protocol,) = compare(first, second, num_resamples=100)["protocols"]
    ndcg = protocol["measures"]["ndcg@10"]
    # 1 / log2(1 + 1) = 1 and 1 / log2(1 + 3) = 0.5
    assert ndcg["first"] == pytest.approx(1.5 / 3)
    assert ndcg["second"] == pytest.approx(2.0 / 3)
    assert ndcg["difference"]["mean"] == pytest.approx(0.5 / 3)
    assert protocol["cases"] == 3
    assert protocol["measures"]["mrr"]["first"] == pytest.approx((1 + 1 / 3 + 1 / 99) / 3)


def test_two_models_of_one_run(tmp_path):
    run = _run(tmp_path, _cases({"u": 2.0}), _cases({"u": 1.0}, "ease"))
    report = compare(run, run, against="ease", num_resamples=10)
    assert report["protocols"][0]["measures"]["recall@10"]["difference"]["mean"] == 0.0
    assert "ease of" in render_text(report) and "+0.0000 [" in render_text(report)


def test_what_is_served_is_compared_unless_another_is_named(tmp_path):
    first = _run(tmp_path / "a", _cases({"u": 2.0}), _cases({"u": 1.0}, "blend"))
    second = _run(tmp_path / "b", _cases({"u": 2.0}))
    report = compare(first, second, against="two_tower", num_resamples=10)
    assert report["first"]["model"] == "blend"
    assert compare(first, first, num_resamples=10)["second"]["model"] == "blend"


def test_only_cases_in_common_are_compared():
    pairs = pair_cases([_cases({"u": 1.0, "v": 2.0}), _cases({"v": 5.0, "w": 1.0})])
    assert pairs[["user_id", "rank_0", "rank_1"]].to_numpy().tolist() == [["v", 2.0, 5.0]]


def test_cases_that_are_alike_pair_in_their_order():
    twice = pd.concat([_cases({"u": 1.0}), _cases({"u": 2.0})])
    pairs = pair_cases([twice, twice])
    assert pairs["rank_0"].tolist() == pairs["rank_1"].tolist() == [1.0, 2.0]


def test_of_several_seeds_the_mean_of_each_case_counts():
    pairs = pair_cases([_cases({"u": rank}) for rank in (1.0, 3.0, 1.0)])
    found = measures_of(pairs, 10, 10, 0, first=["rank_0", "rank_1"], second=["rank_2"])
    assert found["ndcg@10"]["first"] == pytest.approx((1 + 0.5) / 2)


def test_what_cannot_be_compared_says_why(tmp_path):
    first = _run(tmp_path / "a", _cases({"u": 1.0}))
    with pytest.raises(ArtifactError, match="no case in common"):
        compare(first, _run(tmp_path / "b", _cases({"v": np.inf})))
    with pytest.raises(NotFoundError, match="It has two_tower"):
        compare(first, first, against="ease")
    with pytest.raises(ArtifactError, match="vitrine evaluate"):
        compare(first, tmp_path / "nothing")
