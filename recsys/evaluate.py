"""The `evaluate` step: the model beside its peers, on two splits, with intervals."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns
from recsys.artifact import Artifact, open_artifact, write_artifact, write_json
from recsys.baselines import Baseline, tune
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.interactions import load_interactions
from recsys.judging import Judged, judge
from recsys.model_scorers import model_scorers
from recsys.photo_retrieval import photo_retrieval
from recsys.progress import say
from recsys.ranking import Scorer
from recsys.repeats import masked_kinds
from recsys.report import render_html, render_text
from recsys.segments import ItemFacts
from recsys.sequences import Sequences, make_sequences
from recsys.splits import Split, leave_last_out, temporal
from recsys.time_travel import check_cases, check_split, model_inputs
from recsys.workdir import Workdir

CASES = "cases.parquet"
TITLES = {
    "leave_last_out": "leave-last-out: each shopper's last target, the ones before may be learned",
    "temporal": "global temporal: fit before one moment, every later target of a shopper judged",
}

SEEN = ("ranked too", "masked by the kind of event", "masked")


def evaluate(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Ranks the whole catalog for every judged case, by the model and by its peers.

    Writes report.json, report.txt, report.html and cases.parquet (the rank of every right item,
    for `vitrine compare`) to `workdir.evaluation`. A catalog without events gets photo retrieval
    only, one without photos recommendation only.

    Returns:
        The report, as in report.json.

    Raises:
        TrainingError: an input or a score of a case comes from after it.
    """
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    catalog = load_catalog(workdir)
    item_ids = catalog[columns.ITEM_ID].tolist()
    sequences = make_sequences(load_interactions(workdir), item_ids, config.model.event_weights)
    inputs = {"tables": tables.fingerprint}
    report: dict[str, Any] = {
        "catalog": {
            "items": len(catalog), "users": sequences.num_users, "events": len(sequences.rows),
            "items_touched": len(np.unique(sequences.rows)),
        },
        "k": config.evaluation.k, "protocols": [], "training": None, "photo_retrieval": None,
        "index": None,
    }  # fmt: skip
    cases = pd.DataFrame()
    if len(sequences.rows):
        model = open_artifact(workdir.model, "model", mend="Run `vitrine train` first.")
        inputs["model"] = model.fingerprint
        report["training"] = dict(model.info)
        report["protocols"], cases = _protocols(config, workdir, sequences, model)
    if workdir.embeddings.is_dir():
        report["photo_retrieval"], inputs["embeddings"] = photo_retrieval(
            catalog, workdir, config.evaluation
        )
    if second := _optional(workdir.transitions, "transitions"):
        inputs["transitions"] = second.fingerprint
    if index := _optional(workdir.index, "index"):
        report["index"], inputs["index"] = dict(index.info), index.fingerprint
    with write_artifact(workdir.evaluation, "evaluation") as draft:
        draft.inputs = inputs
        write_json(draft.path / "report.json", report)
        cases.to_parquet(draft.path / CASES, index=False)
        (draft.path / "report.txt").write_text(render_text(report) + "\n", encoding="utf-8")
        (draft.path / "report.html").write_text(render_html(report), encoding="utf-8")
    return report


def _protocols(
    config: Config, workdir: Workdir, sequences: Sequences, model: Artifact
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """One entry for each split: its cases, and a row for each model and group of cases."""
    mask = masked_kinds(config.model)
    catalog = load_catalog(workdir)
    num_items, facts = len(catalog), ItemFacts.of(catalog, sequences, config.evaluation.kinds)
    last_out = leave_last_out(sequences, num_items, mask_repeats=mask)
    say("  choose the peers' settings on validation")
    peers = {
        name: tune(name, last_out.train, last_out.validation, num_items, mask_seen=mask)
        for name in _affordable(config, last_out.train)
    }
    found, tables = [], []
    for name in config.evaluation.protocols:
        split = last_out if name == "leave_last_out" else temporal(
            sequences, num_items, config.evaluation.temporal_quantile, mask_repeats=mask
        )  # fmt: skip
        if not len(split.test):
            say(f"  {name}: no case to judge")
            continue
        say(f"  {name}: {len(split.test)} cases")
        scorers = model_scorers(name, config, workdir, split, model)
        if name == "leave_last_out":  # the ranker has learned from what lies after one moment
            from recsys.train_ranker import ranked

            scorers |= ranked(config, workdir, split, scorers, model)
        entry, cases = _protocol(name, config, split, facts, scorers, peers)
        found.append(entry)
        tables.append(cases)
    if not tables:
        return found, pd.DataFrame()
    cases = pd.concat(tables, ignore_index=True)
    cases[columns.ITEM_ID] = catalog[columns.ITEM_ID].to_numpy(object)[cases.pop("target")]
    return found, cases


def _protocol(
    name: str, config: Config, split: Split, facts: ItemFacts, scorers: dict[str, Scorer],
    peers: dict[str, Baseline],
) -> tuple[dict[str, Any], pd.DataFrame]:  # fmt: skip
    mask = masked_kinds(config.model)
    judged = Judged.of(split, config.evaluation, mask_seen=mask, facts=facts)
    scorers, described = dict(scorers), {}
    for peer, baseline in peers.items():
        scorers[peer] = baseline.scorer(baseline.learn(split.train, len(split.known)))
        described[peer] = {key: str(value) for key, value in asdict(baseline).items()}  # type: ignore[call-overload]
    check_split(split, one_moment=name == "temporal")
    inputs = model_inputs(config.model.history_length)
    checked = check_cases(judged.cases, scorers, inputs, seed=config.evaluation.seed)
    found = [judge(each, scorer, judged) for each, scorer in scorers.items()]
    entry = {
        "name": name, "title": TITLES[name], "cases": len(judged.cases),
        "users": len(np.unique(judged.cases.users)), "items_ranked": int(judged.known.sum()),
        "seen_items": SEEN[int(mask.any()) + int(mask.all())],
        "peer_settings": described, "rows": [row for each in found for row in each.rows],
        "segments": [row for each in found for row in each.segments],
        "lists": [each.lists for each in found], "time_travel_cases": checked,
    }  # fmt: skip
    return entry, pd.concat([each.cases for each in found]).assign(protocol=name)


def _affordable(config: Config, train: Sequences) -> list[str]:
    """The baselines asked for, without EASE where its matrix would be too large."""
    small = len(np.unique(train.rows)) <= config.evaluation.ease_max_items
    return [name for name in config.evaluation.baselines if small or name != "ease"]


def _optional(folder: Path, kind: str) -> Artifact | None:
    try:
        return open_artifact(folder, kind, mend="")
    except ArtifactError:
        return None
