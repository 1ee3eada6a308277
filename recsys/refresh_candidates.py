"""Candidate vectors for today's catalog and photos, by the towers as they were trained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys import columns
from recsys.artifact import Artifact, open_artifact, write_artifact
from recsys.candidate_tower import NEW, Items, as_items
from recsys.catalog import load_catalog
from recsys.config import Config, ModelConfig
from recsys.embedding_table import open_table
from recsys.errors import ArtifactError
from recsys.features import ItemFeatures, Vocabulary, item_features
from recsys.placement import CANDIDATE, INPUT, MEND, PLACING, VOCABULARY, load_candidate_tower
from recsys.progress import say
from recsys.workdir import Workdir

KNOWN_ITEMS = "known_items.txt"  # whose each id vector is, items that left included
CARRIED = (
    "query_tower.npz", "candidate_tower.npz", "input_tower.npz", VOCABULARY,
    f"{CANDIDATE}_{PLACING}", f"{INPUT}_{PLACING}",
)  # fmt: skip


def refresh_candidates(config: Config, trained: Workdir, draft: Workdir) -> dict[str, Any]:
    """Places the items of the draft's tables by a trained model, which is not trained further.

    Items that training knew keep their id vector, also those that left and came back; others
    are placed by what is known of them. What was fitted to the model stays fitted to it: the
    model that is written has the same `trained` fingerprint.

    Args:
        config: what the model was trained with decides; nothing of this is read.
        trained: whose model is taken; it may itself be a refreshed one.
        draft: whose tables and embeddings are read, and whose model is written.

    Returns:
        How many items there are, how many have an id vector, how many came and left.

    Raises:
        ArtifactError: there is no model, it was trained with photos of another tower, or it is
            too old to place new items.
    """
    source = open_artifact(trained.model, "model", mend=MEND)
    tables = open_artifact(draft.tables, "tables", mend="Run `vitrine prepare` first.")
    catalog = load_catalog(draft)
    item_ids = [str(item_id) for item_id in catalog[columns.ITEM_ID].tolist()]
    known = known_items(source.path)
    numbers = {item_id: number for number, item_id in enumerate(known)}
    before_ids = _read_ids(source.path)
    was = dict(zip(before_ids, np.load(source.path / "ids.npy").tolist(), strict=True))
    # who was new or idle stays so; whoever came since is new
    ids = np.array([numbers.get(item_id, was.get(item_id, NEW)) for item_id in item_ids], np.int32)
    vocabulary = Vocabulary.load(source.path / VOCABULARY)
    image, has_image, inputs = _photos(source, vocabulary, item_ids, draft)
    features = item_features(catalog, vocabulary, image, has_image)
    before = set(before_ids)
    summary = {
        "items": len(item_ids), "known": int((ids >= 0).sum()),
        "added": len(set(item_ids) - before), "removed": len(before - set(item_ids)),
    }  # fmt: skip
    with write_artifact(draft.model, "model") as made:
        _write(source, features, ids, made.path)
        (made.path / "item_ids.txt").write_text("\n".join(item_ids), encoding="utf-8")
        (made.path / KNOWN_ITEMS).write_text("\n".join(known), encoding="utf-8")
        made.inputs = {"tables": tables.fingerprint, **inputs, "trained": source.trained}
        made.info = {**source.info, "trained": source.trained, "refreshed": summary}
    say(f"  placed {summary['items']} items, {summary['added']} of them new; "
        f"{summary['removed']} left")  # fmt: skip
    return summary


def known_items(folder: Path) -> list[str]:
    """Whose each id vector of a model is, in their order."""
    path = folder / KNOWN_ITEMS
    if path.is_file():
        return _lines(path)
    ids, item_ids = np.load(folder / "ids.npy"), _read_ids(folder)
    rows = np.flatnonzero(ids >= 0)
    return [item_ids[row] for row in rows[np.argsort(ids[rows])]]


def _photos(
    source: Artifact, vocabulary: Vocabulary, item_ids: list[str], draft: Workdir
) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_] | None, dict[str, str]]:
    """Photo embeddings of the items, where the model reads photos, and what they were read of."""
    if not vocabulary.image_dim or not draft.embeddings.is_dir():
        return None, None, {}
    table = open_table(draft.embeddings)
    taught_by = source.info.get("tower", table.tower_fingerprint)
    if table.tower_fingerprint != taught_by or table.embedding_dim != vocabulary.image_dim:
        raise ArtifactError(
            "the model was trained with photo embeddings of another tower.",
            where=str(source.path), mend="Run `vitrine train` again: new vectors of photos mean "
            "something else to it.",
        )  # fmt: skip
    image, has_image = table.vectors_for(item_ids)
    return image, has_image, {"embeddings": table.fingerprint}


def _write(
    source: Artifact, features: ItemFeatures, ids: NDArray[np.int32], folder: Path
) -> None:  # fmt: skip
    """The model's files, with vectors of these items."""
    for name in CARRIED:
        if (source.path / name).is_file():
            shutil.copyfile(source.path / name, folder / name)
    np.save(folder / "ids.npy", ids)
    items = as_items(features, ids)
    np.save(folder / "candidate_vectors.npy", _placed(source, CANDIDATE, items))
    if not ModelConfig.model_validate(source.info["model"]).share_item_vectors:
        np.save(folder / "input_vectors.npy", _placed(source, INPUT, items))


def _placed(source: Artifact, name: str, items: Items) -> NDArray[np.float32]:
    return load_candidate_tower(source.path, name)[0].place(items)


def _read_ids(folder: Path) -> list[str]:
    return _lines(folder / "item_ids.txt")


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text.split("\n") if text else []
