"""A small shop before and after a refresh: tables, vectors and an index, no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recsys.artifact import write_artifact, write_json
from recsys.catalog import FILE
from recsys.embedding_table import Part, write_table
from recsys.workdir import Workdir

TOWER = "tower"


def circle(num_items: int) -> dict[str, np.ndarray]:
    """Items i0, i1, … evenly around a circle."""
    angles = 2 * np.pi * np.arange(num_items) / num_items
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return {f"i{number}": point for number, point in enumerate(points)}


def make_workdir(
    root: Path, vectors: dict[str, np.ndarray], *, without_photo: tuple[str, ...] = (),
    tower: str = TOWER,
) -> Workdir:  # fmt: skip
    """A workdir of these items; those without a photo have no vector."""
    workdir = Workdir(root)
    with write_artifact(workdir.tables, "tables") as draft:
        catalog = pd.DataFrame({"item_id": [*vectors, *without_photo]})
        catalog.to_parquet(draft.path / FILE, index=False)
    if vectors:
        write_vectors(workdir, vectors, tower)
    space = {"recall": 0.97, "scann": True, "engine": "scann", "num_items": len(vectors),
             "num_probes": 10, "settings": {}}  # fmt: skip
    with write_artifact(workdir.index, "index") as draft:
        write_json(draft.path / "index.json", {"spaces": {"photo": space}, "k": 10})
    return workdir


def write_vectors(workdir: Workdir, vectors: dict[str, np.ndarray], tower: str = TOWER) -> None:
    """The workdir's embedding table."""
    dim = len(next(iter(vectors.values())))
    part = Part(
        item_ids=list(vectors), photo_sha256=["0" * 64] * len(vectors),
        vectors=np.stack(list(vectors.values())).astype(np.float32),
    )  # fmt: skip
    write_table(workdir.embeddings, [part], tower_fingerprint=tower, embedding_dim=dim,
                inputs={"tower": tower})  # fmt: skip
