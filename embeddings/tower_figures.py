"""Everything that the report of a tower shows, as plain figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from embeddings.class_report import class_report, gaps, set_rows
from embeddings.image_tower import CATEGORY, LoadedTower, load_tower
from embeddings.judge_tower import judge_heads
from embeddings.labels import Labels, is_missing, read_labels
from embeddings.robustness import robustness
from embeddings.seen_photos import SeenPhotos, see_photos
from recsys.catalog import load_catalog
from recsys.columns import BRAND, ITEM_ID, SPLIT, attribute_columns
from recsys.config import Config
from recsys.embedding_table import open_table
from recsys.errors import DataError
from recsys.workdir import Workdir

MOST_MISTAKES = 24
MOST_CONFUSED = 40  # classes of a confusion matrix; a larger one cannot be read


def tower_figures(
    config: Config, workdir: Workdir, split: str = "test", groups: list[str] | None = None
) -> dict[str, Any]:
    """Measures a trained tower on a split that it was not trained on.

    Args:
        config: photos, tower and embed settings are used.
        workdir: holds the prepared tables, a trained tower, and for R@1 the embedding table.
        split: `validation` or `test`.
        groups: catalog columns whose groups are compared; None takes category, brand and every
            attribute.

    Returns:
        heads (see `judge_heads`), classes and confusion of each label, the worst mistakes in
        category, robustness (R@1), and gaps by column.

    Raises:
        ArtifactError: there is no tower.
        DataError: the split has no photo that can be read, or a group names no column.
    """
    tower, catalog = load_tower(workdir.tower), load_catalog(workdir)
    compared = groups or [CATEGORY, BRAND, *attribute_columns(list(catalog.columns))]
    if unknown := [name for name in compared if name not in catalog.columns]:
        raise DataError(f"the catalog has no column `{unknown[0]}`.", where=str(workdir.tables),
                        mend=f"Its columns are {', '.join(catalog.columns)}.")  # fmt: skip
    labels = read_labels(catalog, config.tower.max_label_values)
    with see_photos(config, workdir, tower, split) as seen:
        return {
            "split": split, "photos": len(seen.photos),
            "heads": judge_heads(seen, labels, tower.settings.temperatures),
            "classes": {name: _classes(logits, labels, name, seen)
                        for name, logits in seen.logits.items()},
            "mistakes": _mistakes(seen, labels, catalog, tower),
            "robustness": _robustness(tower, seen, labels, catalog, workdir, config),
            "gaps": _gaps(seen, labels, catalog, compared),
        }  # fmt: skip


def _classes(
    logits: NDArray[np.float32], labels: Labels, name: str, seen: SeenPhotos
) -> dict[str, Any]:
    known = labels.numbers[name][seen.item_rows]
    labeled = ~is_missing(known)
    if known.ndim == 2:
        rows = set_rows(logits[labeled] > 0, known[labeled] == 1, labels.values[name])
        return {"rows": rows, "names": [], "confusion": []}
    report = class_report(logits[labeled].argmax(axis=1), known[labeled], labels.values[name])
    small = len(report.classes) <= MOST_CONFUSED
    return {"rows": report.rows(), "names": report.classes if small else [],
            "confusion": report.confusion.tolist() if small else []}  # fmt: skip


def _mistakes(
    seen: SeenPhotos, labels: Labels, catalog: pd.DataFrame, tower: LoadedTower
) -> list[dict[str, Any]]:
    """The photos whose category the tower was surest of and wrong about, surest first."""
    if CATEGORY not in seen.logits:
        return []
    temperature = tower.settings.temperatures.get(CATEGORY, 1.0)
    probabilities = softmax(seen.logits[CATEGORY] / temperature, axis=1)
    known = labels.numbers[CATEGORY][seen.item_rows]
    named = probabilities.argmax(axis=1)
    wrong = np.flatnonzero((known >= 0) & (named != known))
    wrong = wrong[np.argsort(-probabilities[wrong, named[wrong]], kind="stable")][:MOST_MISTAKES]
    names, item_ids = labels.values[CATEGORY], catalog[ITEM_ID].tolist()
    return [{
        "item_id": item_ids[seen.item_rows[place]], "photo": seen.photos[place].location,
        "is": names[known[place]], "named": names[named[place]],
        "probability": float(probabilities[place, named[place]]),
    } for place in wrong]  # fmt: skip


def _robustness(
    tower: LoadedTower, seen: SeenPhotos, labels: Labels, catalog: pd.DataFrame,
    workdir: Workdir, config: Config,
) -> dict[str, float]:  # fmt: skip
    if CATEGORY not in labels.numbers or not workdir.embeddings.is_dir():
        return {}
    vectors, present = open_table(workdir.embeddings).vectors_for(catalog[ITEM_ID].tolist())
    training = (catalog[SPLIT] == "train").to_numpy()
    categories = labels.numbers[CATEGORY]
    gallery = np.flatnonzero(present & training & (categories >= 0))
    return robustness(tower, seen.pixels, categories[seen.item_rows], vectors[gallery],
                      categories[gallery], config.embed.batch_size)  # fmt: skip


def _gaps(
    seen: SeenPhotos, labels: Labels, catalog: pd.DataFrame, columns: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """By column: how right the category is in each of its groups."""
    if CATEGORY not in seen.logits:
        return {}
    known = labels.numbers[CATEGORY][seen.item_rows]
    labeled = known >= 0
    right = seen.logits[CATEGORY][labeled].argmax(axis=1) == known[labeled]
    found = {name: gaps(right, catalog[name].to_numpy(object)[seen.item_rows[labeled]])
             for name in columns}  # fmt: skip
    return {name: rows for name, rows in found.items() if rows}
