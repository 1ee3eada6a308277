"""Folders that are whole or absent: written beside, hashed, then renamed into place.

Every step's output is such a folder. Its manifest.json, written last, names the kind,
the format version and the SHA-256 of each file; the fingerprint is the hash of all that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.errors import ArtifactError

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Artifact:
    """A whole folder on disk, with what its manifest says."""

    path: Path
    kind: str
    fingerprint: str
    inputs: Mapping[str, str]
    info: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def trained(self) -> str:
        """The fingerprint of the training behind it: of another artifact where it was refreshed.

        What was fitted to a model stays fitted to it when a refresh places today's items.
        """
        return str(self.info.get("trained", self.fingerprint))


@dataclass
class Draft:
    """A folder being written; `info` and `inputs` go into its manifest when it is done."""

    path: Path
    inputs: dict[str, str] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def write_artifact(folder: Path, kind: str) -> Iterator[Draft]:
    """Gives an empty sibling folder to fill; renames it to `folder` if no error is raised.

    An artifact that stood at `folder` is replaced. After an error nothing is left.
    """
    draft = Draft(folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"))
    with disk_errors(folder):
        draft.path.mkdir(parents=True)
    try:
        with disk_errors(draft.path):
            yield draft
            _write_manifest(draft, kind)
            replace_folder(draft.path, folder)
    except BaseException:
        shutil.rmtree(draft.path, ignore_errors=True)
        raise


def open_artifact(folder: Path, kind: str, *, mend: str) -> Artifact:
    """Reads a folder's manifest and checks that it is what `kind` says.

    Args:
        mend: which command makes it, for the error of a missing one.

    Raises:
        ArtifactError: it is missing, unreadable, of another kind or another format version.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        artifact = Artifact(
            folder, manifest["kind"], manifest["fingerprint"], manifest["inputs"],
            manifest["info"], manifest["files"],
        )  # fmt: skip
        version = manifest["format_version"]
    except FileNotFoundError:
        raise ArtifactError(f"there is no {kind} here.", where=str(folder), mend=mend) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"the manifest cannot be read: {error}.", where=str(path), mend=mend
        ) from error
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"format version {version}, and this Vitrine reads version {FORMAT_VERSION}.",
            where=str(path), mend=f"It was written by another version of Vitrine. {mend}",
        )  # fmt: skip
    if artifact.kind != kind:
        raise ArtifactError(
            f"this is a {artifact.kind}, not a {kind}.", where=str(folder), mend=mend
        )
    return artifact


def verify_artifact(artifact: Artifact) -> None:
    """Compares every file with the hash in the manifest.

    Raises:
        ArtifactError: a file is missing or differs, named with its path.
    """
    verify_files(artifact.path, artifact.files)


def verify_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compares files of a folder with their hashes, by their paths in there.

    Raises:
        ArtifactError: a file is missing or differs, named with its path.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise ArtifactError("the manifest names a file that is missing.", where=str(path),
                                mend="Run the step again.")  # fmt: skip
        if file_sha256(path) != expected:
            raise ArtifactError("the file is not the one that was written: its hash differs.",
                                where=str(path), mend="Run the step again.")  # fmt: skip


def write_json(path: Path, value: Any) -> None:
    """Writes JSON so that a reader sees the old file or the new one, never a part."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True))


def write_text(path: Path, text: str) -> None:
    """Writes a text file so that a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            sync_file(draft)
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def hash_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder, by its path in there."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_of(value: Any) -> str:
    """A short stable hash of anything JSON can write: 16 hex digits."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def replace_folder(draft: Path, folder: Path) -> None:
    """Renames `draft` to `folder`, moving away and deleting what stood there."""
    sync_file(draft)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.old")
        folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.rename(folder)
    sync_file(folder.parent)


def sync_file(path: Path) -> None:
    """Asks the disk to keep a file or folder through a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Says of a full disk, a read-only folder or a missing permission what to do about it."""
    try:
        yield
    except OSError as error:
        mends = {
            28: "Free some space, then run the same command again.",
            30: "Choose a folder that can be written to.",
            13: "Choose a folder that you may write to.",
            17: "A file stands where a folder is needed: choose another path.",
            20: "A file stands where a folder is needed: choose another path.",
        }
        if error.errno not in mends:
            raise
        raise ArtifactError(
            f"cannot write: {error.strerror}.", where=str(where), mend=mends[error.errno]
        ) from error


def _write_manifest(draft: Draft, kind: str) -> None:
    files = {}
    for path in sorted(draft.path.rglob("*")):
        if path.is_file():
            sync_file(path)
            files[path.relative_to(draft.path).as_posix()] = file_sha256(path)
    identity = {"kind": kind, "inputs": draft.inputs, "files": files}
    write_json(
        draft.path / MANIFEST,
        {**identity, "info": draft.info, "format_version": FORMAT_VERSION,
         "fingerprint": fingerprint_of(identity)},
    )  # fmt: skip
