"""`vitrine verify`: reads every file of a workdir and says which are not what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.artifact import Artifact, open_artifact, verify_artifact, verify_files
from recsys.errors import ArtifactError, VitrineError
from recsys.workdir import VERSIONS, Workdir
from serving.bundle import list_versions, open_bundle

# the workdir's names for its artifacts → what their manifests call them
KINDS = {
    "tables": "tables", "tower": "tower", "embeddings": "embedding_table", "words": "text_tower",
    "model": "model", "transitions": "transitions", "ranker": "ranker", "index": "index",
    "evaluation": "evaluation", "analysis": "analysis",
}  # fmt: skip
MEND = "Run `vitrine refresh` or `vitrine run` again."
INDEXED = ("tables", "embeddings", "model")  # what an index must have been measured on


@dataclass
class Audit:
    """What was read and what was wrong with it.

    Attributes:
        checked: name of each artifact and bundle → its number of files.
        faults: one line each, with where and how to mend it.
    """

    checked: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {"whole": self.whole, "checked": self.checked, "faults": self.faults}

    def lines(self) -> list[str]:
        """What a person wants to know."""
        lines = [f"{name:<32} {files:>6} files" for name, files in self.checked.items()]
        lines += [f"damaged: {fault}" for fault in self.faults]
        return [*lines, "whole" if self.whole else f"faults: {len(self.faults)}"]


def verify(root: Path) -> Audit:
    """Reads what is published in a workdir, whole versions beside it, bundles and photo vectors.

    Raises:
        ArtifactError: there is no workdir, or its published.json cannot be read.
    """
    if not root.is_dir():
        raise ArtifactError("there is no workdir here.", where=str(root), mend=MEND)
    workdir, audit = Workdir(root), Audit()
    made = {}
    for name, kind in KINDS.items():
        if workdir.place(name).exists() or name in workdir.places:
            made[name] = _check(audit, name, workdir.place(name), kind)
    audit.faults += _of_something_else(made)
    for path, kind in _other_versions(workdir):
        _check(audit, f"{VERSIONS}/{path.name}", path, kind)
    for version in list_versions(workdir):
        _check_bundle(audit, workdir, version)
    _check_photos(audit, workdir)
    return audit


def _check(audit: Audit, name: str, folder: Path, kind: str) -> Artifact | None:
    """Reads one artifact; None where it cannot be opened."""
    artifact = None
    try:
        artifact = open_artifact(folder, kind, mend=MEND)
        audit.checked[name] = len(artifact.files)
        verify_artifact(artifact)
    except VitrineError as error:
        audit.faults.append(error.line)
    return artifact


def _check_bundle(audit: Audit, workdir: Workdir, version: int) -> None:
    try:
        bundle = open_bundle(workdir, version)
        audit.checked[f"bundle {version}"] = len(bundle.artifact.files)
        verify_artifact(bundle.artifact)
        for name, files in bundle.info.get("files", {}).items():
            verify_files(bundle.model_folder(name), files)
    except VitrineError as error:
        audit.faults.append(error.line)


def _other_versions(workdir: Workdir) -> Iterator[tuple[Path, str]]:
    """Drafts and older versions; what is hidden is not whole yet and is left alone."""
    published = {workdir.place(name) for name in KINDS}
    for path in sorted((workdir.root / VERSIONS).glob("*")):
        kind = KINDS.get(path.name.rpartition("-")[0])
        if kind and path not in published:
            yield path, kind


def _of_something_else(made: dict[str, Artifact | None]) -> list[str]:
    """Faults of an index that was measured on other things than those published with it."""
    index, faults = made.get("index"), []
    for name in INDEXED:
        found = made.get(name)
        if index and found and index.inputs.get(name, found.fingerprint) != found.fingerprint:
            faults.append(
                f"{index.path}: it was measured on other {name} than {found.path}. {MEND}"
            )
    return faults


def _check_photos(audit: Audit, workdir: Workdir) -> None:
    """The photo store: its parts are named by their own hashes."""
    if not workdir.photos.is_dir():
        return
    from embeddings.photo_store import PARTS, damaged_parts

    audit.checked["photos"] = len(list(workdir.photos.glob(f"*/{PARTS}/*.parquet")))
    audit.faults += [
        f"{path}: a part of the photo store is not the one that was written. The next refresh "
        "drops it and embeds its photos again."
        for path in damaged_parts(workdir.photos)
    ]
