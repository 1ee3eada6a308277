"""What is known of every location of a catalog, in one file that is replaced by one rename."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embeddings.photo_state import PhotoState
from recsys.artifact import disk_errors, sync_file
from recsys.progress import say

STATES_FILE = "states.parquet"
LOCATION = "location"

_TYPES = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_FIELDS = {field.name: _TYPES[str(field.type)] for field in dataclasses.fields(PhotoState)}
_SCHEMA = pa.schema([(LOCATION, pa.string()), *_FIELDS.items()])


def read_states(photos: Path) -> dict[str, PhotoState]:
    """The state of each location; none where there is no file, or where it is damaged.

    A lost state costs time alone: the photo is read again, and its vector found by its hash.

    Args:
        photos: `Workdir.photos`.
    """
    path = photos / STATES_FILE
    try:
        table = pq.read_table(path).select(_SCHEMA.names).cast(_SCHEMA)
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowException, KeyError) as error:
        say(f"  every photo is read again: {path} cannot be read ({' '.join(str(error).split())})")
        return {}
    columns = [table[name].to_pylist() for name in _FIELDS]
    states = (PhotoState(*row) for row in zip(*columns, strict=True))
    return dict(zip(table[LOCATION].to_pylist(), states, strict=True))


def write_states(photos: Path, states: Mapping[str, PhotoState]) -> None:
    """Replaces the file; a reader sees the old one or the new one.

    Raises:
        ArtifactError: the disk is full, or the folder cannot be written.
    """
    path = photos / STATES_FILE
    columns = {LOCATION: list(states), **{
        name: [getattr(state, name) for state in states.values()] for name in _FIELDS
    }}  # fmt: skip
    draft = path.with_name(f".{path.name}.tmp")  # the only writer holds the workdir's lock
    try:
        with disk_errors(path):
            photos.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns, schema=_SCHEMA), draft)
            sync_file(draft)
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
