"""Where things lie in a workdir: one folder per step, each an artifact of its own.

A refresh writes new versions of several artifacts beside the old ones and publishes them all by
one rename of `published.json`, which says where each of them lies. It is read once, when a
`Workdir` is made: who holds one holds a snapshot that belongs together.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.artifact import disk_errors, write_json
from recsys.errors import ArtifactError

PUBLISHED = "published.json"
VERSIONS = "versions"
LEFTOVERS = (".tmp", ".old")  # end the hidden names of what a killed writer left


@dataclass(frozen=True)
class Workdir:
    """The folder of one catalog: what each step wrote, and the bundles made of it.

    Attributes:
        root: the folder.
        places: where artifacts lie that a refresh has published, relative to the root; the
            others lie under their own names. Read from `published.json` unless given.

    Example:
        >>> Workdir(Path("w")).embeddings.as_posix()
        'w/embeddings'
        >>> Workdir(Path("w")).drafted(["embeddings"], "5f2c").embeddings.as_posix()
        'w/versions/embeddings-5f2c'
    """

    root: Path
    places: Mapping[str, str] = field(default=None, hash=False, repr=False)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        if self.places is None:
            object.__setattr__(self, "places", published(self.root).get("places", {}))

    def place(self, name: str) -> Path:
        """Where an artifact lies: its published version, or the folder of its own name."""
        return self.root / self.places.get(name, name)

    def drafted(self, names: Iterable[str], tag: str) -> Workdir:
        """The same workdir with new folders for these artifacts; nothing is published by it.

        Args:
            names: such as `tables`; each then lies in `versions/<name>-<tag>`.
            tag: a hash of what they are made of, so that a killed writer finds them again.
        """
        new = {name: f"{VERSIONS}/{name}-{tag}" for name in names}
        return dataclasses.replace(self, places={**self.places, **new})

    @property
    def tables(self) -> Path:
        """Checked tables: catalog.parquet, interactions.parquet, rejected.parquet."""
        return self.place("tables")

    @property
    def tower(self) -> Path:
        """The trained image tower."""
        return self.place("tower")

    @property
    def embeddings(self) -> Path:
        """The embedding table: Parquet parts and their manifest."""
        return self.place("embeddings")

    @property
    def photos(self) -> Path:
        """The vectors of all photos ever seen, by the hash of their bytes; outside of versions."""
        return self.root / "photos"

    @property
    def words(self) -> Path:
        """The text tower, by which words find photos."""
        return self.place("words")

    @property
    def model(self) -> Path:
        """The trained two-tower model and its candidate vectors."""
        return self.place("model")

    @property
    def transitions(self) -> Path:
        """The table of what followed what, and how much it adds to the model."""
        return self.place("transitions")

    @property
    def ranker(self) -> Path:
        """The ranker over the first candidates, and whether validation kept it."""
        return self.place("ranker")

    @property
    def index(self) -> Path:
        """The chosen index settings and what recall they reached."""
        return self.place("index")

    @property
    def evaluation(self) -> Path:
        """The report: report.json, report.txt, report.html."""
        return self.place("evaluation")

    @property
    def analysis(self) -> Path:
        """What shoppers do: report.json, report.html."""
        return self.root / "analysis"

    @property
    def models(self) -> Path:
        """TensorFlow Serving's model folders: models/<servable>/<version>/."""
        return self.root / "export" / "models"

    @property
    def bundles(self) -> Path:
        """Bundles: bundles/<version>/bundle.json, published by rename after the servables."""
        return self.root / "export" / "bundles"

    @property
    def export(self) -> Path:
        """What is served: models, bundles, and TensorFlow Serving's config files."""
        return self.root / "export"

    @property
    def refreshes(self) -> Path:
        """What each refresh did: refreshes/<time>-<tag>/report.json and report.html."""
        return self.root / "refreshes"

    @property
    def steps(self) -> Path:
        """One JSON record for each step that has finished."""
        return self.root / "steps"

    @property
    def store(self) -> Path:
        """The API's SQLite database, unless a URL names another."""
        return self.root / "store.sqlite"


def published(root: Path) -> dict[str, Any]:
    """What `published.json` says: `places`, and what the refresh noted; empty where there is none.

    Raises:
        ArtifactError: it cannot be read.
    """
    path = root / PUBLISHED
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        places = record["places"]
        if all(isinstance(place, str) for place in [*places, *places.values()]):
            return dict(record)
        raise ValueError("its places are no texts")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"it cannot be read: {error}.", where=str(path),
            mend="Restore it from a backup; without it the workdir is as it was before its first "
            "refresh.",
        ) from error  # fmt: skip


def publish(draft: Workdir, record: Mapping[str, Any] | None = None) -> None:
    """Makes a draft what every later reader of the workdir finds, by one rename.

    Args:
        draft: whose places are published.
        record: noted beside them, such as what the refresh had read.

    Raises:
        ArtifactError: a folder of the draft is missing; nothing is published.
    """
    for name, place in draft.places.items():
        if not (draft.root / place).is_dir():
            raise ArtifactError(f"the draft has no {name}.", where=str(draft.root / place),
                                mend="Run `vitrine refresh` again.")  # fmt: skip
    with disk_errors(draft.root):
        for old in published(draft.root).get("places", {}).values():
            if old not in draft.places.values() and (draft.root / old).is_dir():
                os.utime(draft.root / old)  # its age counts from now: readers may still hold it
        write_json(draft.root / PUBLISHED, {**(record or {}), "places": dict(draft.places)})


def clear_versions(root: Path, keep_seconds: float, keep: Iterable[str] = ()) -> list[str]:
    """Removes versions that are not published and old enough; the caller holds the lock.

    Args:
        keep_seconds: how long a folder stays after it was written, or was published last.
        keep: tags of drafts that stay however old they are.

    Returns:
        The names of the folders that are gone.
    """
    kept = {Path(place).name for place in published(root).get("places", {}).values()}
    tags, gone = tuple(f"-{tag}" for tag in keep), []
    for path in sorted((root / VERSIONS).glob("*")):
        if path.name.startswith(".") and path.name.endswith(LEFTOVERS):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name in kept or any(tag in path.name for tag in tags):
            continue
        elif time.time() - path.stat().st_mtime >= keep_seconds:
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path.name)
    return gone
