"""The `index` step: ScaNN's settings for a target recall, and which engine answers.

Recall@10 counts a found item as right when its score reaches the tenth of the exact answer:
of items that score the same, any will do.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from recsys.artifact import write_artifact, write_json
from recsys.config import Config, IndexConfig
from recsys.errors import IndexQualityError
from recsys.index import ExactIndex, ScannIndex
from recsys.probes import Probes, make_probes
from recsys.progress import say
from recsys.scann_parts import BRUTE_FORCE, ScannSettings, save_parts
from recsys.spaces import Space, open_spaces
from recsys.workdir import Workdir

Index = ExactIndex | ScannIndex
Measured = tuple[dict[str, Any], ScannIndex | None]  # a space's report, and the index if it is good

K = 10
TREE_FROM = 2000  # items below which a tree saves nothing
TIE = 1e-6  # scores this close are the same: float32 sums differ by their order
BATCH = 64  # queries asked together when the batched time is taken
TIMED_CALLS = 50
# What is tried: leaves per square root of the catalog's size, and dimensions per 4-bit code.
SHAPES = ((1.0, 2), (2.0, 2), (1.0, 4))
# shares of the leaves
SEARCHED_SHARES = (0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.35, 0.6, 1.0)
REORDERS = (50, 100, 200, 400)


@dataclass(frozen=True)
class Trial:
    """One setting that was measured."""

    settings: ScannSettings
    recall: float
    ms: float  # per query, asked one by one


def tune_index(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Measures and keeps an index for each space that the workdir has.

    Returns:
        For each space its engine, settings, recall and times.

    Raises:
        IndexQualityError: an index stays under `index.min_recall`.
    """
    spaces = open_spaces(workdir)
    report: dict[str, Any] = {}
    with write_artifact(workdir.index, "index") as draft:
        for space in spaces.present:
            probes = make_probes(space, spaces, config, workdir)
            measured, index = tune_space(space, probes, config.index)
            report[space.name] = measured
            if index is not None:
                save_parts(index.parts(), draft.path / f"{space.name}.npz")
            say(f"  {describe(space.name, measured)}")
        summary = index_report(report, config.index)
        write_json(draft.path / "index.json", summary)
        draft.inputs = spaces.fingerprints
        draft.info = summary
    return summary


def index_report(spaces: dict[str, Any], config: IndexConfig) -> dict[str, Any]:
    """What the index artifact says of itself."""
    return {"spaces": spaces, "k": K, "target_recall": config.target_recall}


def aim(config: IndexConfig) -> float:
    """The recall that settings are searched for."""
    return max(config.target_recall, config.min_recall)


def content_of(space: Space) -> str:
    """A hash of a space's vectors: an index over the same ones need not be built again."""
    return hashlib.sha256(space.vectors.tobytes()).hexdigest()[:16]


def tune_space(space: Space, probes: Probes, config: IndexConfig) -> Measured:
    """Searches the fastest settings that reach the target, and says what they give.

    Returns:
        The measurement, and the very ScaNN index that was measured; None where
        `index.engine` is exact and no ScaNN index is good enough.
    """
    exact = ExactIndex(space.vectors)
    truth = ask(exact, probes)
    scann, trials = _fastest(space, probes, truth, config)
    recall = recall_against(truth, ask(scann, probes))
    report, index = report_space(space, probes, exact, scann, recall, config)
    return {**report, "trials": trials}, index


def report_space(
    space: Space, probes: Probes, exact: ExactIndex, scann: ScannIndex, recall: float,
    config: IndexConfig, calls: int = TIMED_CALLS,
) -> Measured:  # fmt: skip
    """What is kept of a measured index, with the times of `calls` calls each.

    Raises:
        IndexQualityError: its recall is under `index.min_recall`, and ScaNN may be asked.
    """
    report = {
        "num_items": len(space.item_ids),
        "embedding_dim": int(space.vectors.shape[1]),
        "num_probes": len(probes.queries),
        "recall": round(recall, 4),
        "exact_ms": milliseconds(exact, probes, 1, calls),
        "exact_ms_batched": milliseconds(exact, probes, BATCH, calls),
        "scann_ms": milliseconds(scann, probes, 1, calls),
        "scann_ms_batched": milliseconds(scann, probes, BATCH, calls),
        "settings": asdict(scann.settings),
        "content": content_of(space),
    }
    is_good = recall >= config.min_recall
    if not is_good and config.engine != "exact":
        raise _too_low(space, recall, config)
    report["scann"] = is_good
    report["engine"] = choose_engine(report, config) if is_good else "exact"
    return report, scann if is_good else None


def choose_engine(report: dict[str, Any], config: IndexConfig) -> str:
    """`exact` or `scann`: what the config says, or what the catalog's size and the times say."""
    if config.engine != "auto":
        return config.engine
    is_large = report["num_items"] > config.exact_up_to
    return "scann" if is_large and report["scann_ms"] < report["exact_ms"] else "exact"


def ask(index: Index, probes: Probes, k: int = K) -> np.ndarray:
    """The scores of each probe's answer, float32 [num_probes, k], best first."""
    parts = [index.search(queries, k, excluded)[0].numpy() for queries, excluded in _chunks(probes)]
    return np.concatenate(parts)


def recall_against(truth: np.ndarray, found: np.ndarray) -> float:
    """Mean share of the exact places that are filled as well.

    Args:
        truth: [num_probes, k] scores of the exact answer, best first; -inf where there are
            fewer candidates than places.
        found: [num_probes, k] exact scores of what was found.
    """
    places = np.isfinite(truth)
    last = np.where(places, truth, np.inf).min(axis=1, keepdims=True)
    hits = (found >= last - TIE).sum(axis=1)
    counts = places.sum(axis=1)
    return float(np.mean(hits[counts > 0] / counts[counts > 0])) if counts.any() else 1.0


def milliseconds(index: Index, probes: Probes, batch: int, calls: int = TIMED_CALLS) -> float:
    """Median time per query when `batch` of them are asked at once."""
    picked = np.arange(calls * batch) % len(probes.queries)
    times = []
    for call in range(calls):
        rows = picked[call * batch : (call + 1) * batch]
        queries, excluded = (
            tf.constant(probes.queries[rows]),
            tf.constant(probes.exclude_rows[rows]),
        )
        start = time.perf_counter()
        index.search(queries, K, excluded)[1].numpy()
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times[1:])) / batch, 4)


def describe(name: str, report: dict[str, Any]) -> str:
    """One line about a space's index."""
    return (
        f"{name}: {report['num_items']} items, engine {report['engine']}; ScaNN recall@{K} "
        f"{report['recall']:.3f} at {report['scann_ms']:.2f} ms, exact {report['exact_ms']:.2f} ms"
    )


def _fastest(
    space: Space, probes: Probes, truth: np.ndarray, config: IndexConfig
) -> tuple[ScannIndex, list[dict[str, Any]]]:
    """The fastest index that reaches the target; where none does, the one that comes nearest."""
    if len(space.item_ids) < TREE_FROM:
        return ScannIndex(space.vectors, BRUTE_FORCE), []
    target = aim(config)
    best: tuple[Trial, ScannIndex] | None = None
    trials: list[Trial] = []
    for leaves_factor, dims_per_block in SHAPES:
        leaves = max(2, round(leaves_factor * math.sqrt(len(space.item_ids))))
        trained = ScannIndex(
            space.vectors, ScannSettings(num_leaves=leaves, dims_per_block=dims_per_block)
        )
        for trial in tried(trained, probes, truth, target):
            trials.append(trial)
            if best is None or _is_better(trial, best[0], target):
                best = trial, trained
    assert best is not None  # every shape gives a trial
    trial, trained = best
    index = ScannIndex(space.vectors, trial.settings, trained.parts())
    return index, [{**asdict(t.settings), "recall": t.recall, "ms": t.ms} for t in trials]


def _is_better(trial: Trial, best: Trial, target: float) -> bool:
    if trial.recall >= target and best.recall >= target:
        return trial.ms < best.ms
    return trial.recall > best.recall


def tried(index: ScannIndex, probes: Probes, truth: np.ndarray, target: float) -> Iterator[Trial]:
    """For each amount of reordering, the fewest leaves that reach the target, timed."""
    leaves = index.settings.num_leaves
    ladder = sorted({max(1, math.ceil(share * leaves)) for share in SEARCHED_SHARES})
    for reorder in REORDERS:
        low, high = 0, len(ladder) - 1
        recalls: dict[int, float] = {}
        while low < high:
            middle = (low + high) // 2
            recalls[middle] = _recall_with(index, probes, truth, ladder[middle], reorder)
            low, high = (low, middle) if recalls[middle] >= target else (middle + 1, high)
        recall = recalls.get(low) or _recall_with(index, probes, truth, ladder[low], reorder)
        settings = replace(index.settings, leaves_to_search=ladder[low], reorder=reorder)
        yield Trial(settings, round(recall, 4), _ms_with(index, probes, settings))
        if recall >= target and low == 0:
            return  # more reordering can only be slower


def _recall_with(
    index: ScannIndex, probes: Probes, truth: np.ndarray, leaves: int, reorder: int
) -> float:
    parts = [index.search_with(queries, K, excluded, leaves, reorder)[0].numpy()
             for queries, excluded in _chunks(probes)]  # fmt: skip
    return recall_against(truth, np.concatenate(parts))


def _ms_with(index: ScannIndex, probes: Probes, settings: ScannSettings) -> float:
    times = []
    for row in np.arange(TIMED_CALLS) % len(probes.queries):
        query, excluded = probes.queries[row : row + 1], probes.exclude_rows[row : row + 1]
        start = time.perf_counter()
        index.search_with(query, K, excluded, settings.leaves_to_search, settings.reorder)
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)), 4)


def _chunks(probes: Probes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(probes.queries), BATCH):
        rows = slice(start, start + BATCH)
        yield probes.queries[rows], probes.exclude_rows[rows]


def _too_low(space: Space, recall: float, config: IndexConfig) -> IndexQualityError:
    missing = config.min_recall - recall
    return IndexQualityError(
        f"the ScaNN index finds {recall:.3f} of the exact top {K}, {missing:.3f} "
        f"less than index.min_recall = {config.min_recall:g}.",
        where=f"{space.name} space, {len(space.item_ids)} items",
        mend="Set index.engine=exact to serve without ScaNN, or lower index.min_recall.",
    )
