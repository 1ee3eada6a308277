"""Trains the image tower on the catalog's own photos and labels."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from embeddings.backbone import load_backbone
from embeddings.calibration import calibrate
from embeddings.distillation import Teachers
from embeddings.image_tower import (
    KIND,
    Tower,
    TowerSettings,
    build_tower,
    load_backbone_weights,
    load_tower,
    save_tower,
)
from embeddings.labels import Labels, read_labels
from embeddings.pixel_cache import cache_pixels, photos_of
from embeddings.projection import fit_projection
from embeddings.tower_training import Examples, Training
from recsys.artifact import fingerprint_of, open_artifact, write_artifact
from recsys.catalog import load_catalog
from recsys.columns import SPLIT
from recsys.config import Config
from recsys.errors import DataError
from recsys.progress import say
from recsys.team import ALONE, Team
from recsys.workdir import Workdir


def train_tower(config: Config, workdir: Workdir, team: Team = ALONE) -> dict[str, Any]:
    """Trains a tower on the training split and keeps the epoch that validation likes best.

    Labels are the catalog's categories and attributes. Without any, ImageNet weights are
    kept as they are under a projection to the photos' main directions; without weights
    either, the tower learns by itself to tell photos apart.

    Args:
        config: tower and photos settings are used.
        workdir: holds the prepared tables; the tower is written into it.
        team: the workers that train together on one workdir, each of which calls this; the
            first one reads the photos for all, and writes the tower.

    Returns:
        A summary: photos, labels, epochs, validation scores.

    Raises:
        DataError: not one photo of the catalog can be read.
        ArtifactError: the weights file is damaged or another network's.
        TrainingError: the loss is no number.
    """
    started = time.monotonic()
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    scratch = workdir.root / ".tower.training"
    catalog = load_catalog(workdir)
    labels = read_labels(catalog, config.tower.max_label_values)
    tf.keras.utils.set_random_seed(config.tower.seed)
    tower = build_tower(_settings(config, labels))
    answered = _load_weights(tower, config)
    with team.turns():  # the first worker fills the file of pixels, the others find it full
        training, validation, rejected = _examples(
            config, catalog, labels, tower.image_size, scratch
        )
    if not len(training):
        raise DataError(
            f"not one photo can be learned from ({rejected or 'the image column is empty'}).",
            where=f"data.root={config.data.root}",
            mend="Look at `vitrine check`; a catalog without photos needs no tower.",
        )
    teachers = [load_tower(Path(folder)) for folder in config.tower.teachers]
    key = fingerprint_of([tables.fingerprint, config.tower.model_dump(),
                          [teacher.fingerprint for teacher in teachers],
                          config.photos.model_dump(), tower.settings.model_dump()])  # fmt: skip
    if labels.values or not config.tower.weights:
        class_weights = Labels(labels.values, training.labels).class_weights(
            np.arange(len(training)), config.tower.class_balance
        )
        run = Training(tower, config.tower, class_weights, scratch, team,
                       Teachers(teachers, labels.values) if teachers else None)  # fmt: skip
        scores = _teach(run, training, validation, key)
        if not team.is_first:
            return scores
        tower, scores["calibration_error"] = _calibrate(run, validation)
    elif not team.is_first:
        return {"taught_by": "projection"}
    else:
        say("  no labels: the backbone stays as it is, under a projection to main directions")
        fit_projection(tower.layer, training.pixels, config.embed.batch_size)
        scores = {"taught_by": "projection"}
    summary = {
        "num_training_photos": len(training), "num_validation_photos": len(validation),
        "rejected_photos": rejected, "seconds": round(time.monotonic() - started, 1),
        "classes": tower.settings.num_classes(), "backbone_answer_known": answered, **scores,
    }  # fmt: skip
    with write_artifact(workdir.tower, KIND) as draft:
        save_tower(tower, draft.path)
        draft.inputs["tables"] = tables.fingerprint
        draft.info.update({"answer": tower.answer(), "summary": summary})
    shutil.rmtree(scratch, ignore_errors=True)
    return summary


def _settings(config: Config, labels: Labels) -> TowerSettings:
    tower = config.tower
    backbone = load_backbone(tower.backbone)
    batch_norm = tower.batch_norm
    if batch_norm == "auto":
        # from scratch there are no statistics yet that could be kept
        batch_norm = backbone.batch_norm if tower.weights else "train"
    return TowerSettings(
        backbone=backbone, image_size=tower.image_size or backbone.image_size,
        embedding_dim=tower.embedding_dim, pooling=tower.pooling, color_levels=tower.color_levels,
        dropout=tower.dropout, batch_norm=batch_norm, metric_scale=tower.metric_scale,
        fit=config.photos.fit, categories=labels.values.get("category", []),
        attributes={name: values for name, values in labels.values.items() if name != "category"},
        several=labels.several,
    )  # fmt: skip


def _load_weights(tower: Tower, config: Config) -> bool:
    if not config.tower.weights:
        say("  no tower.weights: the backbone starts from scratch")
        return False
    known = load_backbone_weights(tower.layer, Path(config.tower.weights))
    if not known:
        say("  these weights have no known answer in the backbone file: their input scale "
            "is taken on trust")  # fmt: skip
    return known


def _examples(
    config: Config, catalog: pd.DataFrame, labels: Labels, size: int, scratch: Path
) -> tuple[Examples, Examples, dict[str, int]]:
    """Training and validation photos as pixels, and how many were rejected for what."""
    splits = catalog[SPLIT].to_numpy(dtype=object)
    photos = photos_of(catalog, np.flatnonzero(np.isin(splits, ["train", "validation"])))
    if len(photos) > config.tower.max_photos:
        rng = np.random.default_rng(config.tower.seed)
        rows = np.sort(rng.choice(len(photos), config.tower.max_photos, replace=False))
        photos = [photos[row] for row in rows]
        say(f"  training on a sample of {len(photos)} photos (tower.max_photos)")
    cache = cache_pixels(
        photos, config.photos, size, scratch / "pixels", config.embed.decode_workers
    )
    examples = []
    for split in ("train", "validation"):
        places = np.flatnonzero(splits[cache.item_rows] == split)
        numbers = {name: values[cache.item_rows[places]] for name, values in labels.numbers.items()}
        examples.append(Examples(_View(cache.pixels, places), numbers))
    return examples[0], examples[1], cache.rejected


class _View:
    """Some rows of an array on disk, read only when asked for."""

    def __init__(self, pixels: np.ndarray, places: np.ndarray) -> None:
        self.pixels = pixels
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.pixels[self.places[rows]]


def _calibrate(run: Training, validation: Examples) -> tuple[Tower, dict[str, Any]]:
    """The tower with probabilities that validation bears out, and the error of each label."""
    found = {name: calibrate(logits, validation.labels[name])
             for name, logits in run.logits(validation).items()}  # fmt: skip
    temperatures = {name: round(temperature, 4) for name, (temperature, _) in found.items()}
    errors = {name: {when: round(error, 4) for when, error in each.items()}
              for name, (_, each) in found.items()}  # fmt: skip
    return run.tower.calibrated(temperatures), errors


def _teach(run: Training, training: Examples, validation: Examples, key: str) -> dict[str, Any]:
    taught_by = "labels" if training.labels else "itself"
    if not training.labels:
        say("  no labels and no weights: the tower learns to tell photos apart by itself")
        if len(training) < 2:
            return {"taught_by": "nothing"}
    state = run.fit(training, validation, key)
    return {
        "taught_by": taught_by, "epochs": state.epoch, "best_epoch": state.best_epoch,
        "validation": state.history[state.best_epoch - 1],
    }  # fmt: skip
