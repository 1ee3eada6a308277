"""The `train` step: tables and photo embeddings in, a two-tower model on disk out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns
from recsys.artifact import open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.embedding_table import open_table
from recsys.errors import TrainingError
from recsys.features import ItemFeatures, Vocabulary, item_features, learn_vocabulary
from recsys.histories import DAY
from recsys.interactions import load_interactions
from recsys.placement import PLACING
from recsys.progress import say
from recsys.repeats import masked_kinds
from recsys.retrieval_model import TwoTower
from recsys.sequences import Sequences, make_sequences
from recsys.splits import leave_last_out
from recsys.team import ALONE, Team
from recsys.training_draft import TrainingDraft
from recsys.training_loop import Fitted, fit
from recsys.workdir import Workdir


def train(config: Config, workdir: Workdir, team: Team = ALONE) -> dict[str, Any]:
    """Trains the two-tower model on everything but each shopper's last two targets.

    Args:
        config: the settings.
        workdir: holds the tables; the model is written into it.
        team: the workers that train together on one workdir, each of which calls this; the
            first one writes the model.

    Returns:
        The best epoch and its validation NDCG@10, and how fast it went.

    Raises:
        TrainingError: there are too few events, the loss diverged, or a training that was
            killed here had other settings.
    """
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    catalog, interactions = load_catalog(workdir), load_interactions(workdir)
    item_ids = catalog[columns.ITEM_ID].tolist()
    sequences = make_sequences(interactions, item_ids, config.model.event_weights)
    if not len(sequences.rows):
        raise TrainingError(
            "there are no events.", where=str(workdir.tables),
            mend="Training needs at least 1 shopper with 1 event; a catalog alone still gets "
            "similar items.",
        )  # fmt: skip
    mask = masked_kinds(config.model)
    split = leave_last_out(sequences, len(item_ids), mask_repeats=mask)
    touched = np.bincount(split.train.rows, minlength=len(item_ids)) > 0
    features, vocabulary, inputs = read_features(config, workdir, catalog, touched)
    say(f"  train on {len(split.train.rows)} events of {sequences.num_users} shoppers, "
        f"{len(item_ids)} items")  # fmt: skip
    kept = training_draft(config, workdir, {"tables": tables.fingerprint, **inputs})
    fitted = fit(
        split.train, split.validation, features, vocabulary, config,
        idle=idle_items(catalog, sequences, config), known=split.ranked(config.evaluation.rank),
        draft=kept, logs=workdir.root / "tensorboard" if config.train.tensorboard else None,
        team=team,
    )  # fmt: skip
    summary = summarize(fitted)
    if not team.is_first:
        return summary
    with write_artifact(workdir.model, "model") as draft:
        draft.inputs = dict(kept.inputs)
        draft.info = {**summary, "model": config.model.model_dump(mode="json")}
        if "embeddings" in inputs:  # a refresh must read vectors of the same tower
            draft.info["tower"] = open_table(workdir.embeddings).tower_fingerprint
        save(fitted.model, vocabulary, item_ids, draft.path)
    kept.remove()
    return summary


def training_draft(config: Config, workdir: Workdir, inputs: dict[str, str]) -> TrainingDraft:
    """Where a training is kept until its model is written, and what it depends on."""
    settings = config.model_dump(mode="json", include={"model", "train"})
    for name in ("tensorboard", "max_minutes"):  # logs change no result; more time goes on with it
        settings["train"].pop(name)
    settings["evaluation"] = {"rank": config.evaluation.rank}
    return TrainingDraft(workdir.root / ".model.training", settings, inputs)


def idle_items(catalog: pd.DataFrame, sequences: Sequences, config: Config) -> NDArray[np.bool_]:
    """Which items have been in the catalog long enough to be wanted by somebody, [num_items].

    Items without a `created_at` count as having always been there.
    """
    last = sequences.times.max() - config.train.idle_days * DAY
    created = catalog[columns.CREATED_AT].to_numpy(np.float64)
    return ~(created > last)


def read_features(
    config: Config, workdir: Workdir, catalog: pd.DataFrame, touched: NDArray[np.bool_]
) -> tuple[ItemFeatures, Vocabulary, dict[str, str]]:
    """The catalog as arrays, with photo embeddings where a table of them exists.

    Args:
        touched: bool [num_items] the items that training sees.

    Returns:
        The features, their vocabulary, and the fingerprints of what was read.
    """
    image = has_image = None
    inputs = {}
    if config.model.use_image and workdir.embeddings.is_dir():
        table = open_table(workdir.embeddings)
        image, has_image = table.vectors_for(catalog[columns.ITEM_ID].tolist())
        inputs["embeddings"] = table.fingerprint
    image_dim = image.shape[1] if image is not None else 0
    # words that only untouched items have would keep their random first vectors
    vocabulary = learn_vocabulary(catalog[touched], config.model, image_dim)
    return item_features(catalog, vocabulary, image, has_image), vocabulary, inputs


def save(model: TwoTower, vocabulary: Vocabulary, item_ids: list[str], folder: Path) -> None:
    """Writes everything that `load_two_tower` reads, and the towers that place new items."""
    np.save(folder / "candidate_vectors.npy", model.candidate_tower.place(model.items))
    if model.input_tower is not model.candidate_tower:
        np.save(folder / "input_vectors.npy", model.input_tower.place(model.items))
    towers: dict[str, Any] = {"query": model.query_tower, "candidate": model.candidate_tower}
    if model.input_tower is not model.candidate_tower:
        towers["input"] = model.input_tower  # a refresh places new items by it
    for name, layer in towers.items():
        weights = {f"{i:03d}": weight for i, weight in enumerate(layer.get_weights())}
        np.savez(folder / f"{name}_tower.npz", **weights)
        if getattr(layer, "placing", None) is not None:
            layer.placing.save(folder / f"{name}_{PLACING}")
    np.save(folder / "ids.npy", model.items.ids.numpy())
    (folder / "item_ids.txt").write_text("\n".join(item_ids), encoding="utf-8")
    vocabulary.save(folder / "vocabulary.json")


def summarize(fitted: Fitted) -> dict[str, Any]:
    """What is worth keeping of a training, as plain numbers; None where nothing was validated."""
    validated = bool(np.isfinite(fitted.validation_ndcg))
    return {
        "best_epoch": fitted.best_epoch,
        "scale": float(fitted.model.scale),  # the inverse temperature of the softmax
        "validation_ndcg_at_10": fitted.validation_ndcg if validated else None,
        "epochs": fitted.epochs if validated else [{"loss": e["loss"]} for e in fitted.epochs],
        "seconds": fitted.seconds,
        "examples_per_second": fitted.examples_per_second,
        "input_share": fitted.input_share,
    }
