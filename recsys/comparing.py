"""Two runs on the same cases: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.artifact import open_artifact
from recsys.bootstrap import Resamples
from recsys.errors import ArtifactError, NotFoundError
from recsys.judging import values_of

CASES = "cases.parquet"  # the rank of every right item
SERVED = ("ranked", "blend", "two_tower")  # what a bundle answers with: the first there is
MEND = "Run `vitrine evaluate` there first."
CASE = ["protocol", "shelf", columns.USER_ID, columns.ITEM_ID, columns.TIMESTAMP, "before"]


def compare(
    first: Path, second: Path, *, model: str = "", against: str = "", k: int = 10,
    num_resamples: int = 10_000, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The paired bootstrap between two runs, for every split that both judged.

    Args:
        first, second: workdirs, or their evaluation folders; the same one compares two models.
        model: which model of the first run, as in report.json; the one served where empty.
        against: which model of the second run; the same where empty.
        k: the page that NDCG and Recall are taken at.

    Returns:
        `protocols`: for each split and measure the two means, and the difference second - first
        with its 95% interval and p-value.

    Raises:
        ArtifactError: a run has no evaluation, or the two share no case.
        NotFoundError: a run holds no such model.
    """
    left = read_cases(first, model)
    right = read_cases(second, against or left["model"].iloc[0])
    compared = []
    for name, pairs in pair_cases([left, right]).groupby("protocol", sort=False):
        entry = {"name": str(name), "cases": len(pairs), "users": pairs[columns.USER_ID].nunique()}
        compared.append(entry | {"measures": measures_of(pairs, k, num_resamples, seed)})
    if not compared:
        raise ArtifactError(
            "the two runs judged no case in common.", where=f"{first} and {second}",
            mend="Both need the same tables, evaluation.protocols and evaluation.max_cases.",
        )  # fmt: skip
    return {
        "k": k, "protocols": compared,
        **{name: {"run": str(run), "model": str(cases["model"].iloc[0]), "cases": len(cases)}
           for name, run, cases in (("first", first, left), ("second", second, right))},
    }  # fmt: skip


def read_cases(run: Path, model: str = "", *, with_shelf: bool = False) -> pd.DataFrame:
    """The judged cases of one model of a run, of the one that is served where none is named.

    Args:
        with_shelf: also the cases that were ranked apart, among the new items alone.
    """
    folder = run / "evaluation" if (run / "evaluation").is_dir() else run
    artifact = open_artifact(folder, "evaluation", mend=MEND)
    path = artifact.path / CASES
    if not path.is_file():
        raise ArtifactError("this evaluation keeps no cases.", where=str(path), mend=MEND)
    cases = pd.read_parquet(path)
    if "model" not in cases:
        raise ArtifactError("this run judged no case.", where=str(path),
                            mend="It needs events to judge.")  # fmt: skip
    models = cases["model"].unique().tolist()
    model = model or next((name for name in SERVED if name in models), models[0])
    if model not in models:
        raise NotFoundError(f"this run judged no model `{model}`.", where=str(path),
                            mend=f"It has {', '.join(models)}.")  # fmt: skip
    chosen = (cases["model"] == model) & (with_shelf | ~cases["shelf"])
    return cases[chosen]


def pair_cases(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The cases that every run judged: CASE, `weight`, and the ranks as rank_0, rank_1, …"""
    paired = _numbered(runs[0]).rename(columns={"rank": "rank_0"})
    for place, run in enumerate(runs[1:], start=1):
        ranks = _numbered(run)[[*CASE, "same", "rank"]].rename(columns={"rank": f"rank_{place}"})
        paired = paired.merge(ranks, on=[*CASE, "same"], how="inner", validate="1:1")
    return paired.drop(columns=["same", "model"])


def measures_of(
    pairs: pd.DataFrame, k: int, num_resamples: int, seed: int, *,
    first: Sequence[str] = ("rank_0",), second: Sequence[str] = ("rank_1",),
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Each measure's two means and their difference; of several seeds' ranks the mean counts.

    Args:
        pairs: as `pair_cases`, of one split.
        first, second: the columns of ranks to compare.
    """
    users = pd.factorize(pairs[columns.USER_ID])[0]
    weights = pairs["weight"].to_numpy(np.float64)
    drawn = Resamples.of(users, num_resamples, seed)
    one, other = (_mean_values(pairs, ranks, k) for ranks in (first, second))
    return {
        name: {
            "first": float(np.average(one[name], weights=weights)),
            "second": float(np.average(other[name], weights=weights)),
            "difference": drawn.difference(other[name], one[name], weights),
        }
        for name in one
    }


def render_text(report: dict[str, Any]) -> str:
    """The comparison as aligned tables; the difference is second - first."""
    lines = [f"{name}: {report[name]['model']} of {report[name]['run']}"
             for name in ("first", "second")]  # fmt: skip
    for protocol in report["protocols"]:
        lines += [
            "",
            f"{protocol['name']}: {protocol['cases']:,} cases in common of "
            f"{protocol['users']:,} shoppers",
            f"  {'':<10}{'first':>8}{'second':>9}   difference and 95% interval        p",
        ]
        for name, found in protocol["measures"].items():
            gain = found["difference"]
            lines.append(
                f"  {name:<10}{found['first']:>8.4f}{found['second']:>9.4f}   "
                f"{gain['mean']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]{gain['p']:>9.4f}"
            )  # fmt: skip
    return "\n".join(lines)


def _mean_values(pairs: pd.DataFrame, ranks: Sequence[str], k: int) -> dict[str, Any]:
    found = [values_of(pairs[column].to_numpy(np.float64), k) for column in ranks]
    return {name: np.mean([values[name] for values in found], axis=0) for name in found[0]}


def _numbered(cases: pd.DataFrame) -> pd.DataFrame:
    """With `same`: the how-manieth of cases that are alike in everything."""
    return cases.assign(same=cases.groupby(CASE, sort=False).cumcount())
