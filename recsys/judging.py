"""Measures of one model on the cases of one split: all of them, groups, segments, and its lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import beyond_accuracy, columns, metrics
from recsys.bootstrap import Resamples
from recsys.config import EvaluationConfig
from recsys.ranking import Scorer, rank_cases
from recsys.segments import ItemFacts, segments
from recsys.sequences import Masks
from recsys.splits import Cases, Split, sample_cases


@dataclass(frozen=True)
class Judged:
    """What every model of a split is judged on.

    Attributes:
        cases: the moments to recommend at.
        cold: cases whose right item has no event in training.
        known: bool [num_items] the items that `cases` are ranked among.
        shelf: bool [num_items] the items without an event in training.
        mask_seen: leave out what the shopper had before.
        settings: what is measured.
        facts: of the items; None measures neither segments nor lists.
        events: int [num_items] events of each item in training.
        shoppers: int [num_items] shoppers of each item in training.
        num_shoppers: how many shoppers training has.
    """

    cases: Cases
    cold: Cases
    known: NDArray[np.bool_]
    shelf: NDArray[np.bool_]
    mask_seen: Masks
    settings: EvaluationConfig
    facts: ItemFacts | None
    events: NDArray[np.int64]
    shoppers: NDArray[np.int64]
    num_shoppers: int

    @classmethod
    def of(
        cls, split: Split, settings: EvaluationConfig, *, mask_seen: Masks,
        facts: ItemFacts | None = None,
    ) -> Judged:  # fmt: skip
        """What a split is judged on under these settings."""
        most, seed, train = settings.max_cases, settings.seed, split.train
        size = len(split.known)
        return cls(
            sample_cases(split.test, most, seed), sample_cases(split.cold, most, seed),
            split.ranked(settings.rank), split.shelf(settings.rank), mask_seen, settings, facts,
            np.bincount(train.rows, minlength=size),
            np.bincount(train.rows[train.is_first], minlength=size),
            int((train.lengths > 0).sum()),
        )  # fmt: skip

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Name → which cases; groups without a case are left out."""
        before = self.cases.positions - self.cases.starts
        groups = {
            "all": np.ones(len(self.cases), bool),
            "cold users": before < self.settings.cold_user_events,
            "cold items": self.shelf[self.cases.targets],
        }
        return {name: chosen for name, chosen in groups.items() if chosen.any()}

    @cached_property
    def segments(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        """Dimension → segment → which cases."""
        return segments(self.cases, self.facts, self.events) if self.facts else {}

    @cached_property
    def resamples(self) -> Resamples:
        """The shoppers drawn for every interval of segments and lists."""
        return Resamples.of(self.cases.users, self.settings.num_bootstrap, self.settings.seed)

    @cached_property
    def wanted(self) -> NDArray[np.float64]:
        """The shares of the kinds in each case's history, [num_cases, num_kinds]."""
        assert self.facts is not None
        case, rows, _ = self.cases.history()
        return beyond_accuracy.mean_kinds(case, rows, len(self.cases), self.facts.kinds)


@dataclass(frozen=True)
class Judgement:
    """What was found about one model.

    Attributes:
        rows: measures of each group of cases.
        segments: one row for each segment of each dimension.
        lists: what its lists are like, apart from being right; empty without facts.
        cases: one row for each case, to compare with another run case by case.
    """

    rows: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    lists: dict[str, Any]
    cases: pd.DataFrame


def judge(name: str, scorer: Scorer, judged: Judged) -> Judgement:
    """Ranks every case by one model and measures it.

    The last row, `cold items apart`, ranks the items that training never saw among themselves:
    what a shelf of new items would show. Its `random` is the Recall of a shuffled shelf.
    """
    settings = judged.settings
    ranks, tops = _rank(scorer, judged.cases, judged.known, judged)
    rows = []
    for group, chosen in judged.groups().items():
        found = measure(ranks[chosen], judged.cases.take(chosen), settings)
        shown = metrics.coverage(tops[chosen], int(judged.known.sum()))
        rows.append({"model": name, "group": group, **found, "coverage": shown})
    cases = [_as_table(name, judged.cases, ranks, shelf=False)]
    if len(judged.cold):
        size = int(judged.shelf.sum())
        cold_ranks, cold_tops = _rank(scorer, judged.cold, judged.shelf, judged)
        found = measure(cold_ranks, judged.cold, settings)
        rows.append({
            "model": name, "group": "cold items apart", **found,
            "coverage": metrics.coverage(cold_tops, size), "items": size,
            "random": min(1.0, 2 * settings.k / size),
        })  # fmt: skip
        cases.append(_as_table(name, judged.cold, cold_ranks, shelf=True))
    return Judgement(rows, _segment_rows(name, ranks, judged), _lists(name, tops, judged),
                     pd.concat(cases, ignore_index=True))  # fmt: skip


def _rank(
    scorer: Scorer, cases: Cases, known: NDArray[np.bool_], judged: Judged
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return rank_cases(scorer, cases, len(known), mask_seen=judged.mask_seen, known=known,
                      k=judged.settings.k)  # fmt: skip


def measure(ranks: NDArray[np.float64], cases: Cases, settings: EvaluationConfig) -> dict[str, Any]:
    """Each measure's mean and 95% interval; shoppers are resampled, not cases."""
    users = cases.users
    found: dict[str, Any] = {"cases": len(cases), "users": len(np.unique(users))}
    for name, value in values_of(ranks, settings.k).items():
        mean, low, high = metrics.bootstrap_interval(
            value, cases.weights, users, num_resamples=settings.num_bootstrap, seed=settings.seed
        )
        found[name] = {"mean": mean, "low": low, "high": high}
    return found


def values_of(ranks: NDArray[np.float64], k: int) -> dict[str, NDArray[np.floating]]:
    """Each measure of each case, by name."""
    return {
        f"ndcg@{k}": metrics.ndcg_at_k(ranks, k), f"recall@{k}": metrics.recall_at_k(ranks, k),
        f"recall@{2 * k}": metrics.recall_at_k(ranks, 2 * k), "mrr": metrics.reciprocal_rank(ranks),
    }  # fmt: skip


def _segment_rows(name: str, ranks: NDArray[np.float64], judged: Judged) -> list[dict[str, Any]]:
    k = judged.settings.k
    values = {
        f"ndcg@{k}": metrics.ndcg_at_k(ranks, k),
        f"recall@{k}": metrics.recall_at_k(ranks, k),
    }
    return [
        {"model": name, "dimension": dimension, "segment": segment, "cases": int(chosen.sum()),
         **{measure: judged.resamples.interval(value, judged.cases.weights, chosen)
            for measure, value in values.items()}}
        for dimension, parts in judged.segments.items() for segment, chosen in parts.items()
    ]  # fmt: skip


def _lists(name: str, tops: NDArray[np.int64], judged: Judged) -> dict[str, Any]:
    """Novelty, diversity, calibration, coverage and Gini; those that say nothing are left out."""
    if judged.facts is None:
        return {}
    kinds, size = judged.facts.kinds, int(judged.known.sum())
    of_lists = {
        "novelty": beyond_accuracy.novelty(tops, judged.shoppers, judged.num_shoppers),
        "diversity": beyond_accuracy.intra_list_diversity(tops, kinds),
        "miscalibration": beyond_accuracy.miscalibration(tops, judged.wanted, kinds),
    }
    found: dict[str, Any] = {"model": name, "coverage": metrics.coverage(tops, size)}
    if not np.isnan(unequal := beyond_accuracy.gini(tops, size)):
        found["gini"] = unequal
    return found | {
        measure: judged.resamples.interval(value, judged.cases.weights)
        for measure, value in of_lists.items() if np.isfinite(value).any()
    }  # fmt: skip


def _as_table(
    name: str, cases: Cases, ranks: NDArray[np.float64], *, shelf: bool
) -> pd.DataFrame:  # fmt: skip
    users = np.array(cases.sequences.user_ids, object)[cases.users]
    return pd.DataFrame({
        "model": name, "shelf": shelf, columns.USER_ID: users, "target": cases.targets,
        columns.TIMESTAMP: cases.now, "before": cases.positions - cases.starts,
        "weight": cases.weights, "rank": ranks,
    })  # fmt: skip
