"""`vitrine refresh --plan`: what a refresh would do and how long it would take; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from recsys.catalog import load_catalog, read_catalog
from recsys.config import Config
from recsys.errors import ArtifactError, DataError
from recsys.workdir import Workdir, published
from vitrine.catalog_changes import Changes, compare_catalogs, refuse_shrunk
from vitrine.refresh_bundle import would_be_exported
from vitrine.refresh_photos import PhotoChanges, photo_changes
from vitrine.refresh_record import key_of, known_keys
from vitrine.refresh_stages import STAGES, fingerprint, tower_changed, trained

# which stages have work once another has
AFTER = {
    "tables": ("transitions", "index"),
    "embeddings": ("candidates", "index"),
    "candidates": ("transitions", "index"),
}  # fmt: skip
PUBLICATION = ("measure", "export")


@dataclass(frozen=True)
class Plan:
    """What a refresh would do now.

    Attributes:
        changes: of the catalog and its photos.
        photos: what would have to be embedded.
        stages: those that would run.
        seconds: how long it would take by the last refreshes' rates; None where one is missing.
        refused: why the catalog would be refused; empty where it would not.
    """

    changes: Changes
    photos: PhotoChanges
    stages: list[str]
    seconds: float | None
    refused: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {"changes": self.changes.as_dict(), "photos": self.photos.as_dict(),
                "stages": self.stages, "seconds": self.seconds,
                "refused": self.refused}  # fmt: skip

    def lines(self) -> list[str]:
        """What a person wants to know."""
        if not self.stages:
            return [self.changes.line, "nothing to do"]
        if self.refused:
            return [self.changes.line, f"would be refused: {self.refused}"]
        if self.seconds is None:
            expected = "unknown: some of it was not done before"
        elif self.seconds < 120:
            expected = f"about {self.seconds:.0f} s"
        else:
            expected = f"about {self.seconds / 60:.0f} minutes"
        return [self.changes.line, self.photos.line, f"would run: {', '.join(self.stages)}",
                f"expected time: {expected}"]  # fmt: skip


def plan(config: Config, workdir: Workdir) -> Plan:
    """Compares the shop with what is published.

    Raises:
        DataError: the catalog cannot be used.
        ArtifactError: there is nothing to refresh yet.
    """
    known = known_keys(config, workdir)
    if not fingerprint(workdir, "tables"):
        raise ArtifactError("there is nothing to refresh yet.", where=str(workdir.root),
                            mend="Run `vitrine run` first.")  # fmt: skip
    changed = [stage.name for stage in STAGES
               if (key := key_of(stage, config, workdir))
               and (stage.name not in known or known[stage.name].key != key)]  # fmt: skip
    old = load_catalog(workdir)
    new = read_catalog(config.data)[0] if "tables" in changed else old
    photos = photo_changes(config, workdir, new)
    noted = published(workdir.root).get("trained")
    changes = replace(
        compare_catalogs(old, new), photo_changed=photos.items,
        tower_changed=tower_changed(workdir),
        recommender_changed=noted is not None and noted != trained(workdir),
    )  # fmt: skip
    if changes.tower_changed:
        photos = replace(photos, photos=_all_photos(new))
    stages = _that_run(set(changed), changes, photos, config, workdir)
    expected = _expected(stages, photos, published(workdir.root))
    return Plan(changes, photos, stages, expected, _refusal(changes, config))


def _refusal(changes: Changes, config: Config) -> str:
    try:
        refuse_shrunk(changes, config.refresh.max_shrink, config.data.catalog)
    except DataError as error:
        return error.line
    return ""


def _all_photos(catalog: pd.DataFrame) -> int:
    return int(catalog["image"].str.split("|").explode().replace("", None).nunique())


def _that_run(
    changed: set[str], changes: Changes, photos: PhotoChanges, config: Config, workdir: Workdir
) -> list[str]:
    """The stages with work, in order: those whose inputs changed, and what stands upon them."""
    if changes.added or changes.removed or photos.items:
        changed = changed | {"embeddings"}
    if changes.added or changes.removed or changes.metadata_changed:
        changed = changed | {"candidates"}
    ran: list[str] = []
    for stage in STAGES:
        follows = any(stage.name in AFTER.get(name, ()) for name in ran)
        if stage.applies(workdir) and (stage.name in changed or follows):
            ran.append(stage.name)
    if ran or would_be_exported(config, workdir) is not None:
        ran += PUBLICATION
    return ran


def _expected(stages: list[str], photos: PhotoChanges, noted: dict[str, Any]) -> float | None:
    """By how long each stage took when it last had work; photos by their number."""
    rates, seconds = noted.get("rates", {}), 0.0
    for name in stages:
        if name == "embeddings" and "photos_per_second" in rates:
            seconds += photos.photos / max(rates["photos_per_second"], 1e-9)
            seconds += rates.get("looking", 0.0)
        elif name in rates:
            seconds += rates[name]
        else:
            return None
    return round(seconds, 1)
