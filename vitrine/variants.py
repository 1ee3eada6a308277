"""Trainings beside the one of a workdir: same tables, tower and photos, other settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recsys.artifact import disk_errors, fingerprint_of
from recsys.config import Config, load_config
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from vitrine import pipeline

Make = Callable[[list[str]], Config]  # overrides → the config with them

SHARED = ("tables", "tower", "embeddings")  # what variants of a recommender have in common
LEFT_OUT = ("prepare", "train-tower", "embed", "index", "export")  # steps that make it, or serve it


def config_maker(path: Path | None, workdir: Workdir, overrides: list[str]) -> Make:
    """What makes the config of a variant; the workdir's own one where no file is named."""
    own = workdir.root / "config.yaml"
    chosen = own if path is None and own.is_file() else path
    return lambda more: load_config(chosen, [*overrides, *more])


def variant_workdir(workdir: Workdir, folder: str, config: Config) -> Workdir:
    """A workdir for one variant, with links to what is shared; the same for the same settings.

    Args:
        folder: such as `ablations`, in the workdir.

    Raises:
        ArtifactError: the tables have not been read yet.
    """
    if not workdir.tables.is_dir():
        raise ArtifactError("there are no tables here.", where=str(workdir.tables),
                            mend="Run `vitrine run` or `vitrine prepare` first.")  # fmt: skip
    name = fingerprint_of(config.model_dump(mode="json"))
    variant = Workdir(workdir.root / folder / name)
    with disk_errors(variant.root):
        variant.root.mkdir(parents=True, exist_ok=True)
        for shared in SHARED:
            link, target = variant.root / shared, workdir.place(shared)
            path = os.path.relpath(target, variant.root)
            if link.is_symlink() and (not target.is_dir() or link.readlink() != Path(path)):
                link.unlink()  # the photos are gone, or a refresh has published another version
            if target.is_dir() and not link.is_symlink():
                link.symlink_to(path, target_is_directory=True)
    return variant


def run_variant(config: Config, variant: Workdir) -> dict[str, Any]:
    """Trains and evaluates one variant, where it is not up to date; what each step summed up."""
    names = [step.name for step in pipeline.STEPS if step.name not in LEFT_OUT]
    return pipeline.run_only(names, config, variant)
