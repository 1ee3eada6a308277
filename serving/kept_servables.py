"""Servables that go from the newest bundle into the next one as they are: encoders.

A refresh changes items, not towers. The files of an encoder whose tower, settings and code are
the same are linked, and only the bundle's fingerprint beside its graph is written anew. They
were compared with the model in memory when they were made, and are hashed before they are taken.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import embeddings
from recsys.artifact import fingerprint_of, hash_files
from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from serving.bundle import IMAGE_ENCODER, TEXT_ENCODER, open_bundle
from serving.stamp import FINGERPRINT

if TYPE_CHECKING:
    from serving.parts import Parts

# what writes the graph beside the package `embeddings`: what other code made is made anew
_CODE = ("batch_function.py", "servables.py", "stamp.py", "text_encoder.py")


@dataclass(frozen=True)
class KeptServable:
    """A servable's files in the newest bundle, each compared with its hash.

    Attributes:
        folder: of the version that it is taken from.
        files: relative paths, all but the fingerprint's.
    """

    folder: Path
    files: tuple[str, ...]

    def link(self, folder: Path, fingerprint: str) -> None:
        """Makes the same servable of another bundle: the same files, its own fingerprint."""
        for name in self.files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self.folder / name, path)
            except OSError:  # a disk without links, or one file with too many
                shutil.copyfile(self.folder / name, path)
        path = folder / FINGERPRINT
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fingerprint, encoding="utf-8")


def made_of(parts: Parts, config: Config) -> dict[str, str]:
    """Encoder → a hash of all that its files depend on but the bundle's fingerprint."""
    export = config.export.model_dump(mode="json")
    asked = {name: export[name] for name in ("num_canaries", "num_warmup_requests")}
    keys = {}
    if "tower" in parts.spaces.fingerprints and parts.spaces.photo is not None:
        joined = {name: export[name] for name in ("encoder_max_batch", "encoder_wait_micros")}
        keys[IMAGE_ENCODER] = [parts.spaces.fingerprints["tower"], joined, asked,
                               config.photos.model_dump(mode="json")]  # fmt: skip
    if parts.words is not None:
        keys[TEXT_ENCODER] = [parts.words.fingerprint, asked]
    return {name: fingerprint_of([key, _code()]) for name, key in keys.items()}


def find_kept(wanted: Mapping[str, str], workdir: Workdir) -> dict[str, KeptServable]:
    """Of the encoders wanted, those that the newest bundle has whole and as they were written.

    Args:
        wanted: as `made_of` gives it.
    """
    try:
        bundle = open_bundle(workdir)
    except ArtifactError:
        return {}
    found = {}
    for name, key in wanted.items():
        files = bundle.info.get("files", {}).get(name, {})
        folder = bundle.model_folder(name)
        if bundle.info.get("made_of", {}).get(name) == key and _is_whole(folder, files):
            others = (path for path in files if path != FINGERPRINT.as_posix())
            found[name] = KeptServable(folder, tuple(others))
    return found


def _is_whole(folder: Path, files: Mapping[str, Any]) -> bool:
    try:
        return FINGERPRINT.as_posix() in files and hash_files(folder) == dict(files)
    except OSError:
        return False


def _code() -> list[str]:
    """The TensorFlow and the sources that an encoder is made by."""
    here, package = Path(__file__).parent, Path(embeddings.__path__[0])
    sources = [*sorted(package.glob("*.py")), *(here / name for name in _CODE)]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return [version("tensorflow"), digest.hexdigest()]
