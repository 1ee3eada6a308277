"""Every photo's vector by the hash of the photo's bytes, in parts that are valid alone.

A photo is embedded once, however many items show it, whatever becomes of its name, and however
often the catalog changes. The store lies outside of the versions of a workdir and only grows:

    photos/states.parquet                       what is known of each location (photo_states.py)
    photos/<tower>-<photo settings>/parts/<sha256 of the file>.parquet

A part is never written again, so that its name says whether it is whole; one that is not is
dropped when the store is opened, and its photos are embedded again. A killed run loses the part
that it was gathering.
"""

from __future__ import annotations

import collections
import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from embeddings.photo_work import KnownHashes, digest_words
from recsys.artifact import disk_errors, file_sha256, fingerprint_of, sync_file
from recsys.columns import EMBEDDING, PHOTO_SHA256
from recsys.config import PhotosConfig
from recsys.embedding_table import check_vectors
from recsys.errors import ArtifactError
from recsys.progress import say

PARTS = "parts"
MOST_CACHED = 64_000_000  # bytes of vectors held while a table is written: 125,000 photos of 128

_TOWER = b"vitrine.tower"


class PhotoStore:
    """The vectors of one tower, with one way of fitting photos to it.

    Args:
        photos: the folder of all stores, `Workdir.photos`.
        tower_fingerprint: the tower that makes the vectors.
        settings: how photos are read; another way of fitting gives other vectors.
        embedding_dim: the length of each vector.
        part_size: photos per part.

    Example:
        >>> store = PhotoStore(Path("w/photos"), "5f2c", PhotosConfig(), 2)
        >>> store.add("ab" * 32, np.array([0.6, 0.8], np.float32))
        >>> store.flush()
        >>> store.vectors(["ab" * 32])
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(
        self,
        photos: Path,
        tower_fingerprint: str,
        settings: PhotosConfig,
        embedding_dim: int,
        part_size: int = 4096,
    ) -> None:
        self.tower = store_key(tower_fingerprint, settings)
        self.parts_folder = photos / self.tower / PARTS
        self.embedding_dim = embedding_dim
        self.part_size = part_size
        self._gathered: dict[str, np.ndarray] = {}
        self._cache: collections.OrderedDict[Path, np.ndarray] = collections.OrderedDict()
        self.open()

    def open(self) -> None:
        """Reads which photos are stored; drops parts that are damaged, and what a kill left."""
        for draft in self.parts_folder.glob("*.tmp"):
            draft.unlink()
        self._paths: list[Path] = []
        words, places = [np.zeros((0, 4), np.uint64)], [np.zeros((0, 2), np.int64)]
        for path in sorted(self.parts_folder.glob("*.parquet")):
            hashes = self._checked(path)
            words.append(digest_words(hashes))
            rows = np.arange(len(hashes))
            places.append(np.stack([np.full_like(rows, len(self._paths)), rows], axis=1))
            self._paths.append(path)
        digests = np.concatenate(words)
        order = np.lexsort(digests.T[::-1])
        self.known = KnownHashes(digests[order])
        self._places = np.concatenate(places)[order]

    def add(self, sha256: str, vector: np.ndarray) -> None:
        """Takes one photo's vector; writes a part when enough are gathered.

        Raises:
            ArtifactError: the disk is full, or the vector is none of norm 1.
        """
        self._gathered[sha256] = vector
        if len(self._gathered) >= self.part_size:
            self.flush()

    def flush(self) -> None:
        """Writes what is gathered as one part, whole or not at all."""
        if not self._gathered:
            return
        vectors = np.stack(list(self._gathered.values())).astype(np.float32)
        check_vectors(vectors, self.embedding_dim, self.parts_folder)
        table = pa.table({
            PHOTO_SHA256: pa.array(list(self._gathered), pa.string()),
            EMBEDDING: pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), self.embedding_dim),
        }).replace_schema_metadata({_TOWER: self.tower})  # fmt: skip
        buffer = io.BytesIO()
        pq.write_table(table, buffer, use_dictionary=False, compression="none")
        _write_part(self.parts_folder, buffer.getbuffer())
        self._gathered = {}

    def vectors(self, sha256s: list[str]) -> np.ndarray:
        """The vectors of stored photos, float32 [n, embedding_dim]; they are read part by part.

        Raises:
            ArtifactError: one is not stored, or its part cannot be read any more.
        """
        found = np.zeros((len(sha256s), self.embedding_dim), np.float32)
        rows = np.array([self.known.find(sha256) for sha256 in sha256s], np.int64)
        if len(rows) and rows.min() < 0:
            raise self._lost(f"photo {sha256s[int(rows.argmin())][:12]} has no vector")
        places = self._places[rows]
        for number in np.unique(places[:, 0]):
            own = places[:, 0] == number
            found[own] = self._part(self._paths[number])[places[own, 1]]
        return found

    def _part(self, path: Path) -> np.ndarray:
        if path in self._cache:
            self._cache.move_to_end(path)
            return self._cache[path]
        try:
            flat = pq.read_table(path, columns=[EMBEDDING])[EMBEDDING].combine_chunks().flatten()
            vectors = flat.to_numpy(zero_copy_only=False).reshape(-1, self.embedding_dim)
        except (OSError, pa.ArrowInvalid, ValueError) as error:
            raise self._lost(f"{path.name} cannot be read") from error
        self._cache[path] = vectors
        while sum(part.nbytes for part in self._cache.values()) > MOST_CACHED:
            self._cache.popitem(last=False)
        return vectors

    def _lost(self, what: str) -> ArtifactError:
        return ArtifactError(
            f"the photo store has changed: {what}.", where=str(self.parts_folder),
            mend="Run the same command again: what is missing is embedded again.",
        )  # fmt: skip

    def _checked(self, path: Path) -> list[str]:
        """The hashes of a part; a damaged one is deleted and has none."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise self._lost(f"{path.name} cannot be read") from error
        try:
            if hashlib.sha256(data).hexdigest() != path.stem:
                raise ValueError("its bytes are not those that were written")
            table = pq.read_table(io.BytesIO(data), columns=[PHOTO_SHA256])
            if (table.schema.metadata or {}).get(_TOWER) != self.tower.encode():
                raise ValueError("it is of another tower")
            return list(table[PHOTO_SHA256].to_pylist())
        except (ValueError, KeyError) as error:  # pyarrow's own errors are ValueErrors
            say(f"  dropped a part of the photo store: {' '.join(str(error).split())} ({path}); "
                "its photos are embedded again")  # fmt: skip
            with disk_errors(path):
                path.unlink()
            return []


def store_key(tower_fingerprint: str, settings: PhotosConfig) -> str:
    """The name of a tower's store: photos fitted otherwise have other vectors."""
    return f"{tower_fingerprint}-{fingerprint_of(settings.model_dump())[:8]}"


def damaged_parts(photos: Path) -> list[Path]:
    """The parts of all stores whose bytes are not those that were written; reads every one."""
    parts = sorted(photos.glob(f"*/{PARTS}/*.parquet"))
    return [path for path in parts if file_sha256(path) != path.stem]


def _write_part(folder: Path, data: memoryview) -> None:
    path = folder / f"{hashlib.sha256(data).hexdigest()}.parquet"
    draft = path.with_suffix(".tmp")
    try:
        with disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            sync_file(draft)
            draft.replace(path)
            sync_file(folder)
    finally:
        draft.unlink(missing_ok=True)
