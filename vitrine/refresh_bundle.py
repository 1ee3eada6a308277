"""Whether the newest bundle is the one that an export would make; TensorFlow is not needed."""

from __future__ import annotations

from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from serving.bundle import Bundle, open_bundle
from vitrine.refresh_stages import fingerprint, settings_of

SECTIONS = ("photos", "model", "export", "serving")  # what export reads beside the artifacts


def newest_bundle(workdir: Workdir) -> Bundle | None:
    """The newest bundle; None where there is none that can be opened."""
    try:
        return open_bundle(workdir)
    except ArtifactError:
        return None


def would_be_exported(config: Config, workdir: Workdir) -> str | None:
    """Why an export would make another bundle than the newest; None where it would not.

    A refresh that was killed after its bundle appeared finds it by this and only publishes.
    """
    bundle = newest_bundle(workdir)
    if bundle is None:
        return "there is no bundle"
    for name, made_of in bundle.artifact.inputs.items():
        if fingerprint(workdir, name) != made_of:
            return f"{name} changed"
    made_with = bundle.config
    for section in SECTIONS:
        if settings_of(made_with, section) != settings_of(config, section):
            return f"the settings of `{section}` changed"
    return None
