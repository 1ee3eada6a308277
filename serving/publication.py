"""Versions on disk: drafts beside, one rename in, leftovers and old ones out.

A servable or bundle gets a number as its name only when it is whole; until then, and from the
moment it has to go, its name is hidden and ends in `.tmp`.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path

from recsys.artifact import disk_errors, sync_file
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from serving.bundle import list_versions, versions_in

DRAFT = ".tmp"  # ends the name of what is not published yet, or no longer


@contextlib.contextmanager
def only_export(workdir: Workdir) -> Iterator[None]:
    """Lets one export at a time into a workdir; the lock goes with the process."""
    with disk_errors(workdir.export):
        workdir.export.mkdir(parents=True, exist_ok=True)
        lock = (workdir.export / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArtifactError("another export is under way here.", where=str(workdir.export),
                                mend="Wait for it to end.") from None  # fmt: skip
        yield


def rename_servables(drafts: dict[str, Path], version: int, workdir: Workdir) -> None:
    """Gives each draft its version as its name: from here on a model server takes it."""
    for name, draft in drafts.items():
        draft.rename(workdir.models / name / str(version))
        sync_file(workdir.models / name)


def next_version(workdir: Workdir) -> int:
    """One more than any version that was ever seen here: numbers are not used twice."""
    seen = list_versions(workdir) + [
        version for folder in _model_folders(workdir) for version in versions_in(folder)
    ]
    return max(seen, default=0) + 1


def remove_old(workdir: Workdir, keep: int, served: Collection[int] = ()) -> None:
    """Removes all bundles but the newest, each before its servables.

    Args:
        keep: how many of the newest stay.
        served: versions that stay however old they are.
    """
    for version in list_versions(workdir)[:-keep]:
        if version in served:
            continue
        folder = workdir.bundles / str(version)
        gone = folder.with_name(f".{version}.{uuid.uuid4().hex[:8]}{DRAFT}")
        folder.rename(gone)  # first the bundle, so that nobody opens what is going
        shutil.rmtree(gone, ignore_errors=True)
        remove_models(workdir, version)


def remove_models(workdir: Workdir, version: int) -> None:
    """Removes one version of every servable."""
    for folder in _model_folders(workdir):
        if (folder / str(version)).is_dir():
            gone = folder / f".{version}.{uuid.uuid4().hex[:8]}{DRAFT}"
            (folder / str(version)).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def clear_leftovers(workdir: Workdir) -> None:
    """Removes drafts of a killed export, and servables whose bundle never appeared."""
    folders = [*_model_folders(workdir), *([workdir.bundles] if workdir.bundles.is_dir() else [])]
    for folder in folders:
        for path in [*folder.glob(f".*{DRAFT}"), *folder.glob(".*.old")]:
            shutil.rmtree(path, ignore_errors=True)
    published = set(list_versions(workdir))
    for folder in _model_folders(workdir):
        for version in versions_in(folder):
            if version not in published:
                remove_models(workdir, version)


def _model_folders(workdir: Workdir) -> list[Path]:
    return sorted(path for path in workdir.models.glob("*") if path.is_dir())
