"""Bundles: versions that belong together, published by one rename; TensorFlow is not needed.

A bundle names one tower, one embedding table, one model, one index and one id list under one
fingerprint, which every servable of its version answers with. Its folder appears last, so a
version is whole when its bundle is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.artifact import Artifact, open_artifact
from recsys.config import Config, load_config
from recsys.errors import ArtifactError, NotFoundError
from recsys.features import Vocabulary
from recsys.workdir import Workdir
from serving.shards import by_servable

KIND = "bundle"
ITEMS = "items.parquet"
CONFIG = "config.yaml"
PHOTO_VECTORS = "photo_vectors.npy"
CANDIDATE_VECTORS = "candidate_vectors.npy"
VOCABULARY = "vocabulary.json"
MEND = "Run `vitrine export` first."

# the servables' names; the ones over ScaNN end in SCANN
IMAGE_ENCODER = "image_encoder"
TEXT_ENCODER = "text_encoder"
SIMILAR_ITEMS = "similar_items"
RECOMMEND = "recommend"
RANK = "rank"
SCANN = "_scann"


@dataclass(frozen=True)
class Bundle:
    """One published version.

    Attributes:
        workdir: where it is published.
        artifact: its folder and manifest.
    """

    workdir: Workdir
    artifact: Artifact

    @property
    def version(self) -> int:
        """The servables' version number."""
        return int(self.artifact.info["version"])

    @property
    def fingerprint(self) -> str:
        """What every servable of this version answers with."""
        return str(self.artifact.info["fingerprint"])

    @property
    def info(self) -> Mapping[str, Any]:
        """The manifest's facts: servables, engines, dimensions, categories, metrics…"""
        return self.artifact.info

    @property
    def servables(self) -> list[str]:
        """The names of its servables; of each shard where the catalog is shared out."""
        return list(self.artifact.info["servables"])

    @property
    def num_shards(self) -> int:
        """How many model servers it is made for."""
        return max(len(names) for names in by_servable(self.servables).values())

    def published(self, servable: str) -> list[str]:
        """The names that a servable is published under: its own, or those of its shards."""
        return by_servable(self.servables).get(servable, [])

    @cached_property
    def items(self) -> pd.DataFrame:
        """The item table in row order, read when it is first asked for."""
        path = self.artifact.path / ITEMS
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise ArtifactError(f"the bundle's items cannot be read: {error}.", where=str(path),
                                mend="Run `vitrine export` again.") from error  # fmt: skip

    @cached_property
    def photo_vectors(self) -> NDArray[np.float32] | None:
        """Photo embeddings, float32 [num_items, dim] in row order, zeros where `has_photo` is not.

        Read-only and left on disk until they are used; None without photos.
        """
        return self._vectors(PHOTO_VECTORS)

    @cached_property
    def candidate_vectors(self) -> NDArray[np.float32] | None:
        """What queries of `recommend` are compared with, float32 [num_items, dim] in row order.

        Read-only and left on disk until they are used; None without events.
        """
        return self._vectors(CANDIDATE_VECTORS)

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """What makes an item's features for the signature `place`; None without events."""
        path = self.artifact.path / VOCABULARY
        return Vocabulary.load(path) if path.is_file() else None

    @cached_property
    def config(self) -> Config:
        """The settings that it was made with."""
        return load_config(self.artifact.path / CONFIG)

    def has(self, servable: str) -> bool:
        """Whether this version has a servable."""
        return bool(self.published(servable))

    def engine(self, verb: str) -> str:
        """The engine that answers a verb unless another one is asked for."""
        return str(self.artifact.info["engines"].get(verb, "exact"))

    def servable(self, verb: str, engine: str = "") -> str:
        """The servable that answers a verb, with an engine or the bundle's own choice.

        Raises:
            NotFoundError: this bundle has none.
        """
        name = verb
        if self.has(verb) and (engine or self.engine(verb)) == "scann":
            name = verb + SCANN
        if not self.has(name):
            raise NotFoundError(
                f"bundle {self.version} has no `{name}`; it has {', '.join(self.servables)}.",
                where=str(self.artifact.path),
                mend="Photos make similar items and photo search, events make recommendations.",
            )
        return name

    def _vectors(self, name: str) -> NDArray[np.float32] | None:
        path = self.artifact.path / name
        try:
            vectors: NDArray[np.float32] = np.load(path, mmap_mode="r")
            return vectors
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArtifactError(f"the bundle's vectors cannot be read: {error}.", where=str(path),
                                mend="Run `vitrine export` again.") from error  # fmt: skip

    def model_folder(self, servable: str) -> Path:
        """Where a servable of this version lies."""
        return self.workdir.models / servable / str(self.version)


def open_bundle(workdir: Workdir, version: int | None = None) -> Bundle:
    """Opens a bundle: the newest one, or the one of a version.

    Raises:
        ArtifactError: there is none, or it is damaged or of another format version.
        NotFoundError: there are bundles, but none of this version.
    """
    versions = list_versions(workdir)
    if not versions:
        raise ArtifactError("there is no bundle here.", where=str(workdir.bundles), mend=MEND)
    if version is not None and version not in versions:
        known = ", ".join(str(known) for known in versions)
        raise NotFoundError(f"there is no bundle {version}.", where=str(workdir.bundles),
                            mend=f"There are {known}.")  # fmt: skip
    folder = workdir.bundles / str(versions[-1] if version is None else version)
    bundle = Bundle(workdir, open_artifact(folder, KIND, mend="Run `vitrine export` again."))
    for name in bundle.servables:
        if not (bundle.model_folder(name) / "saved_model.pb").is_file():
            raise ArtifactError(
                f"bundle {bundle.version} lacks its servable `{name}`.",
                where=str(bundle.model_folder(name)), mend="Run `vitrine export` again.",
            )  # fmt: skip
    return bundle


def list_bundles(workdir: Workdir) -> list[Bundle]:
    """Every bundle that can be opened, oldest first."""
    bundles = []
    for version in list_versions(workdir):
        try:
            bundles.append(open_bundle(workdir, version))
        except ArtifactError:
            continue  # a damaged one is not offered; opening it by its version says why
    return bundles


def list_versions(workdir: Workdir) -> list[int]:
    """The versions of the bundle folders, lowest first, whether or not they can be opened."""
    return versions_in(workdir.bundles)


def versions_in(folder: Path) -> list[int]:
    """The whole numbers among a folder's names, lowest first."""
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())
