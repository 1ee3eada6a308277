"""Leave-last-out through the published SavedModels: every case is asked as the API would ask it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsys import columns, metrics
from recsys.catalog import load_catalog
from recsys.config import Config, load_config
from recsys.histories import context_of
from recsys.interactions import load_interactions
from recsys.repeats import masked_kinds
from recsys.sequences import event_kinds, make_sequences
from recsys.splits import Cases, leave_last_out
from recsys.workdir import Workdir
from serving.bundle import RECOMMEND, SCANN, open_bundle
from serving.loaded_servable import LoadedServable

BATCH = 64  # cases in one call
PAGE = 200  # items asked for: room for those that are not ranked, and for nothing else


@dataclass(frozen=True)
class Served:
    """What one servable reached on the test cases."""

    cases: int
    ndcg: float
    recall: float


def served_quality(workdir: Workdir, engine: str, k: int = 10) -> Served:
    """NDCG@k and Recall@k of a bundle's recommend servable on each shopper's last target.

    Args:
        workdir: with a bundle whose transitions were learned from training events.
        engine: `exact` or `scann`.
        k: how many places count; at most PAGE less the items that are not ranked.
    """
    config = load_config(workdir.root / "config.yaml")
    item_ids = load_catalog(workdir)[columns.ITEM_ID].tolist()
    sequences = make_sequences(load_interactions(workdir), item_ids, config.model.event_weights)
    split = leave_last_out(sequences, len(item_ids), mask_repeats=masked_kinds(config.model))
    ranked = split.ranked(config.evaluation.rank)
    rows = {item_id: row for row, item_id in enumerate(item_ids)}
    name = RECOMMEND + (SCANN if engine == "scann" else "")
    servable = LoadedServable(open_bundle(workdir).model_folder(name))
    ranks = []
    try:
        for part in split.test.chunks(BATCH):
            found = servable.predict(_request(part, item_ids, config))["item_ids"]
            ranks += [_rank(ids, item_ids[target], ranked, rows)
                      for ids, target in zip(found, part.targets, strict=True)]  # fmt: skip
    finally:
        servable.close()
    return Served(len(ranks), float(metrics.ndcg_at_k(np.array(ranks), k).mean()),
                  float(metrics.recall_at_k(np.array(ranks), k).mean()))  # fmt: skip


def summary(workdirs: Sequence[Path]) -> str:
    """A table of what the servables of some trainings reached, with mean and spread."""
    lines, figures = [], {"exact": [], "scann": []}  # type: ignore[var-annotated]
    for path in workdirs:
        seed = load_config(path / "config.yaml").train.seed
        cells = []
        for engine, found in figures.items():
            served = served_quality(Workdir(path), engine)
            found.append(served)
            cells.append(f"{engine} {served.ndcg:.4f} {served.recall:.4f}")
        lines.append(f"  seed {seed}: {served.cases} cases, " + "   ".join(cells))
    for measure in ("ndcg", "recall"):
        cells = [f"{engine} {_spread([getattr(one, measure) for one in found])}"
                 for engine, found in figures.items()]  # fmt: skip
        lines.append(f"  mean {measure.replace('ndcg', 'NDCG')}@10 (standard deviation): "
                     + "   ".join(cells))  # fmt: skip
    head = "through the exported SavedModels, leave-last-out NDCG@10 and Recall@10 of the blend:"
    return "\n".join([head, *lines, *_protocols(workdirs)])


def _protocols(workdirs: Sequence[Path]) -> list[str]:
    """Mean and spread of each model's NDCG@10 over the trainings, as their reports give it."""
    reports = [json.loads((path / "evaluation" / "report.json").read_text()) for path in workdirs]
    lines = []
    for place, protocol in enumerate(reports[0]["protocols"]):
        lines.append(f"NDCG@10, Recall@10 of the reports, {protocol['name']}:")
        for row in (row for row in protocol["rows"] if row["group"] == "all"):
            same = [next(other for other in report["protocols"][place]["rows"]
                         if (other["model"], other["group"]) == (row["model"], "all"))
                    for report in reports]  # fmt: skip
            cells = [_spread([one[name]["mean"] for one in same])
                     for name in ("ndcg@10", "recall@10")]  # fmt: skip
            lines.append(f"  {row['model']:12} {'   '.join(cells)}")
    return lines


def _request(cases: Cases, item_ids: list[str], config: Config) -> dict[str, Any]:
    """Many cases as one request: the last events are told, all that is masked is excluded."""
    names = ["", *event_kinds(config.model.event_weights)]
    masked = masked_kinds(config.model)
    told = [slice(max(start, stop - config.model.history_length), stop)
            for start, stop in zip(cases.starts, cases.positions, strict=True)]  # fmt: skip
    events = cases.sequences
    hidden = [
        {item_ids[row] for row, kind in zip(events.rows[start:stop], events.kinds[start:stop],
                                            strict=True) if masked[kind]}
        for start, stop in zip(cases.starts, cases.positions, strict=True)
    ]  # fmt: skip
    return {
        "history": _padded([[item_ids[row] for row in events.rows[part]] for part in told], ""),
        "kinds": _padded([[names[kind] for kind in events.kinds[part]] for part in told], ""),
        "ages": np.array(_padded([(now - events.times[part]).tolist()
                                  for now, part in zip(cases.now, told, strict=True)], 0.0)),
        **context_of(cases.now),
        "exclude": _padded([sorted(ids) for ids in hidden], ""),
        "k": [PAGE] * len(cases),
    }  # fmt: skip


def _padded(lists: list[list[Any]], filler: Any) -> list[list[Any]]:
    width = max(1, *map(len, lists))
    return [[filler] * (width - len(values)) + values for values in lists]


def _rank(found: Sequence[str], target: str, ranked: np.ndarray, rows: dict[str, int]) -> float:
    """The place of the right item among those that are ranked; infinite where it is not found."""
    shown = [item_id for item_id in found if item_id and ranked[rows[item_id]]]
    return shown.index(target) + 1.0 if target in shown else np.inf


def _spread(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ({spread:.4f})"
