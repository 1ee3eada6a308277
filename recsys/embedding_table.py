"""The embedding table: one unit vector per item that has a photo, as Parquet parts.

An artifact: parts/00000.parquet …, rejected.parquet, manifest.json. Each part names the tower
that made its vectors and the photos that they were made of; memory holds one part at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.artifact import Artifact, open_artifact, write_artifact
from recsys.columns import EMBEDDING, ITEM_ID, PHOTO_SHA256, REJECTED, TOWER_FINGERPRINT
from recsys.errors import ArtifactError

KIND = "embedding_table"
PARTS = "parts"
REJECTED_FILE = "rejected.parquet"

_MEND = "Run `vitrine embed` first."


@dataclass(frozen=True)
class EmbeddingTable:
    """A published table; vectors stay on disk until they are asked for."""

    artifact: Artifact

    @property
    def fingerprint(self) -> str:
        """Hash of everything in the table."""
        return self.artifact.fingerprint

    @property
    def tower_fingerprint(self) -> str:
        """The tower that made the vectors."""
        return str(self.artifact.info["tower_fingerprint"])

    @property
    def embedding_dim(self) -> int:
        """The length of each vector."""
        return int(self.artifact.info["embedding_dim"])

    @property
    def num_items(self) -> int:
        """How many items have a vector."""
        return int(self.artifact.info["num_items"])

    def parts(self) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yields item ids and float32 [n, embedding_dim] vectors, one part at a time."""
        for name in sorted(self.artifact.files):
            if name.startswith(f"{PARTS}/"):
                yield _read_part(self.artifact.path / name, self.embedding_dim)

    def read(self) -> tuple[list[str], np.ndarray]:
        """Reads the whole table: item ids and float32 [num_items, embedding_dim]."""
        item_ids: list[str] = []
        vectors = np.zeros((self.num_items, self.embedding_dim), np.float32)
        for part_ids, part_vectors in self.parts():
            vectors[len(item_ids) : len(item_ids) + len(part_ids)] = part_vectors
            item_ids += part_ids
        return item_ids, vectors

    def vectors_for(self, item_ids: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors in the order of `item_ids`.

        Returns:
            float32 [n, embedding_dim], zeros where an item has none, and bool [n], true
            where it has one.
        """
        rows_of: dict[str, list[int]] = {}
        for row, item_id in enumerate(item_ids):
            rows_of.setdefault(item_id, []).append(row)
        vectors = np.zeros((len(item_ids), self.embedding_dim), np.float32)
        present = np.zeros(len(item_ids), bool)
        for part_ids, part_vectors in self.parts():
            for part_row, item_id in enumerate(part_ids):
                for row in rows_of.get(item_id, ()):
                    vectors[row] = part_vectors[part_row]
                    present[row] = True
        return vectors, present


def open_table(folder: Path) -> EmbeddingTable:
    """Opens a published embedding table.

    Raises:
        ArtifactError: there is none, or it is damaged or of another version.
    """
    return EmbeddingTable(open_artifact(folder, KIND, mend=_MEND))


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one part: n item ids, n photo hashes (several joined by `|`), n unit vectors.

    `rejected` holds the rows of the rejected table that belong to the same items.
    """

    item_ids: list[str]
    photo_sha256: list[str]
    vectors: np.ndarray  # float32 [n, embedding_dim]
    rejected: list[dict[str, Any]] = field(default_factory=list)


def write_table(
    folder: Path,
    parts: Iterable[Part],
    *,
    tower_fingerprint: str,
    embedding_dim: int,
    inputs: Mapping[str, str],
    info: Mapping[str, Any] | None = None,
) -> EmbeddingTable:
    """Writes a table part by part; it replaces the one that stood there when it is whole.

    Args:
        folder: where the table will be.
        parts: its rows, in order; memory holds one at a time.
        tower_fingerprint: the tower that made the vectors.
        embedding_dim: the length of each vector.
        inputs: fingerprints of what it is made of.
        info: noted in its manifest.

    Example:
        >>> vectors = np.array([[0.6, 0.8]], np.float32)
        >>> part = Part(item_ids=["a"], photo_sha256=["5f…"], vectors=vectors)
        >>> table = write_table(Path("w/embeddings"), [part], tower_fingerprint="t",
        ...                     embedding_dim=2, inputs={"tower": "t"})
    """
    with write_artifact(folder, KIND) as draft:
        (draft.path / PARTS).mkdir()
        rejected: list[dict[str, Any]] = []
        num_items = 0
        for number, part in enumerate(parts):
            path = draft.path / PARTS / f"{number:05d}.parquet"
            check_vectors(part.vectors, embedding_dim, folder)
            pq.write_table(_rows(part, tower_fingerprint, embedding_dim), path)
            rejected += part.rejected
            num_items += len(part.item_ids)
        pd.DataFrame(rejected, columns=list(REJECTED)).to_parquet(draft.path / REJECTED_FILE)
        draft.inputs.update(inputs)
        draft.info.update({
            "tower_fingerprint": tower_fingerprint, "embedding_dim": embedding_dim,
            "num_items": num_items, "num_rejected": len(rejected), **(info or {}),
        })  # fmt: skip
    return open_table(folder)


def _rows(part: Part, tower_fingerprint: str, embedding_dim: int) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(part.vectors, np.float32).reshape(-1))
    tower = [tower_fingerprint] * len(part.item_ids)
    return pa.table({
        ITEM_ID: pa.array(part.item_ids, pa.string()),
        PHOTO_SHA256: pa.array(part.photo_sha256, pa.string()),
        TOWER_FINGERPRINT: pa.array(tower, pa.string()),
        EMBEDDING: pa.FixedSizeListArray.from_arrays(flat, embedding_dim),
    })  # fmt: skip


def _read_part(path: Path, embedding_dim: int) -> tuple[list[str], np.ndarray]:
    try:
        table = pq.read_table(path, columns=[ITEM_ID, EMBEDDING])
        flat = table[EMBEDDING].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return table[ITEM_ID].to_pylist(), flat.reshape(table.num_rows, embedding_dim)
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError, KeyError, ValueError) as error:
        raise ArtifactError(
            f"a part of the embedding table cannot be read: {' '.join(str(error).split())}.",
            where=str(path), mend="Run `vitrine embed` again.",
        ) from error  # fmt: skip


def check_vectors(vectors: np.ndarray, embedding_dim: int, where: Path) -> None:
    """Refuses vectors of another length, and such that are not of norm 1.

    Raises:
        ArtifactError: naming the first of them by its row.
    """
    if vectors.ndim != 2 or vectors.shape[1] != embedding_dim:
        raise ArtifactError(
            f"vectors of shape {list(vectors.shape)}, and the table holds {embedding_dim} numbers "
            "for each item.", where=str(where), mend="Run `vitrine embed` again.",
        )  # fmt: skip
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not np.all(np.abs(norms - 1) < 1e-3):  # catches nan as well
        row = int(np.argmax(~(np.abs(norms - 1) < 1e-3)))
        raise ArtifactError(
            f"the vector of row {row} has norm {norms[row]:g}, not 1.", where=str(where),
            mend="The tower is broken: run `vitrine train-tower` again.",
        )  # fmt: skip
