"""`vitrine refresh`: brings everything up to date with catalog and photos, without training.

Each stage writes into a draft of the workdir (`versions/`), and only where what it is made of
has changed. Then the gates judge, export publishes the bundle by its last rename, and one
rename of `published.json` makes the draft what every later reader finds. Killed at any moment,
the next refresh finds the drafts by their tag and goes on.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recsys.artifact import open_artifact, verify_artifact
from recsys.catalog import load_catalog
from recsys.columns import ITEM_ID
from recsys.config import Config
from recsys.deadline import deadline, stop_if_late
from recsys.errors import (
    ArtifactError,
    DataError,
    IndexQualityError,
    LockedError,
    OutOfTimeError,
    ServingError,
    VitrineError,
)
from recsys.progress import say
from recsys.workdir import Workdir, clear_versions, publish, published
from vitrine.catalog_changes import (
    Changes,
    compare_catalogs,
    count_changed_photos,
    refuse_shrunk,
)
from vitrine.health.gate import check_forced
from vitrine.locking import workdir_lock
from vitrine.refresh_bundle import newest_bundle, would_be_exported
from vitrine.refresh_outcome import (
    DONE,
    FAILED,
    GATE_FAILED,
    LOCKED,
    OUT_OF_TIME,
    REFUSED,
    UNCHANGED,
    Outcome,
)
from vitrine.refresh_record import (
    Made,
    Progress,
    is_damaged,
    key_of,
    known_keys,
    sequence,
    tag_of,
)
from vitrine.refresh_report import Reported, report
from vitrine.refresh_stages import STAGES, Stage, fingerprint, manifest, tower_changed, trained
from vitrine.verify import KINDS


@dataclass(frozen=True)
class Asked:
    """What an operator asked for.

    Attributes:
        allow_shrink: the catalog may lose more than `refresh.max_shrink` of its items.
        forced: names of gates that may fail.
        max_minutes: stops between parts after so long; 0: no end.
    """

    allow_shrink: bool = False
    forced: tuple[str, ...] = ()
    max_minutes: float = 0.0


def refresh(config: Config, root: Path, asked: Asked = Asked()) -> Outcome:
    """Refreshes a workdir that `vitrine run` has made; says how it ended instead of raising."""
    started = time.monotonic()
    try:
        _refuse_unmade(Workdir(root))  # before a lock makes a folder of a misspelled path
        with workdir_lock(root, "refresh"), deadline(asked.max_minutes):
            outcome = _Refresh(config, Workdir(root), asked).run()
    except VitrineError as error:
        outcome = Outcome(_status(error), error.line)
    found = newest_bundle(Workdir(root)) if outcome.status != FAILED else None
    return replace(
        outcome, seconds=time.monotonic() - started,
        version=found.version if found else outcome.version,
        fingerprint=found.fingerprint if found else outcome.fingerprint,
    )  # fmt: skip


def _status(error: VitrineError) -> str:
    if isinstance(error, LockedError):
        return LOCKED
    if isinstance(error, OutOfTimeError):
        return OUT_OF_TIME
    return REFUSED if isinstance(error, DataError) else FAILED


class _Refresh:
    """One refresh, from the published snapshot to the next one."""

    def __init__(self, config: Config, old: Workdir, asked: Asked) -> None:
        self.config, self.old, self.asked = config, old, asked
        self.known = known_keys(config, old)
        self.damaged = {stage.name for stage in STAGES if stage.name not in self.known
                        and is_damaged(old, stage)}  # fmt: skip
        self.tag = tag_of(config, old)
        self.progress = Progress(old.root, self.tag)
        self.draft = old
        self.made: dict[str, Made] = {}
        self.changes = Changes(0, 0, 0, 0, 0)

    def run(self) -> Outcome:
        check_forced(self.asked.forced)
        clear_versions(self.old.root, 3600 * self.config.refresh.keep_hours, keep=[self.tag])
        try:
            for stage in STAGES:
                self._make(stage)
                if stage is STAGES[0]:
                    self._compare()
                    _refuse_other_tower(self.draft)
                stop_if_late(f"what is made up to `{stage.name}` is kept")
        except IndexQualityError as error:
            return self._judge_and_publish(error)
        if self.draft == self.old and would_be_exported(self.config, self.draft) is None:
            self._publish(None)
            return Outcome(UNCHANGED, stages=self._stages())
        return self._judge_and_publish()

    def _make(self, stage: Stage) -> None:
        """Brings one artifact of the draft up to date."""
        key = key_of(stage, self.config, self.draft)
        if not key:
            return
        known = self.known.get(stage.name)
        if known is not None and known.key == key:
            self.made[stage.name] = known
            return
        done = self.progress.stages.get(stage.name)
        if (
            done is not None
            and done.key == key
            and _stands(done, KINDS[stage.place], self.old.root)
        ):
            say(f"{stage.name}: done before")
            self.made[stage.name] = replace(done, state="resumed")
        else:
            self.made[stage.name] = self._make_anew(stage, key)
            self.progress.add(stage.name, self.made[stage.name])
        place = self.made[stage.name].place
        if place != self._place(stage):
            self.draft = replace(self.draft, places={**self.draft.places, stage.place: place})

    def _make_anew(self, stage: Stage, key: str) -> Made:
        say(f"{stage.name}: running")
        started = time.monotonic()
        target = self.draft.drafted([stage.place], self.tag)
        summary = stage.run(self.config, self.old, target)
        seconds = round(time.monotonic() - started, 2)
        output, place = fingerprint(target, stage.place), target.places[stage.place]
        if output == fingerprint(self.old, stage.place) and stage.name not in self.damaged:
            shutil.rmtree(target.place(stage.place), ignore_errors=True)
            return Made(key, output, self._place(stage), "same", seconds, summary)
        return Made(key, output, place, "made", seconds, summary)

    def _place(self, stage: Stage) -> str:
        return self.old.places.get(stage.place, stage.place)

    def _compare(self) -> None:
        """Counts what changed in the tables, and refuses a catalog that has shrunk."""
        if self.draft.tables == self.old.tables or STAGES[0].name in self.damaged:
            return
        old, new = load_catalog(self.old), load_catalog(self.draft)
        self.changes = compare_catalogs(old, new)
        if not self.asked.allow_shrink:
            where = self.config.data.catalog
            refuse_shrunk(self.changes, self.config.refresh.max_shrink, where)

    def _judge_and_publish(self, refused: IndexQualityError | None = None) -> Outcome:
        """Publishes what passes its gates; an index that was refused is one that did not."""
        from vitrine.health.gate import failed, gate, index_refused, parity
        from vitrine.health.measure import measure

        self._count_the_rest()
        started = time.monotonic()
        figures = measure(self.config, self.old, self.draft)
        if refused is not None:
            figures["index"] = {}  # there is none but the old one
        gates = [*gate(figures, self.config, self._forced()),
                 *([index_refused(refused)] if refused is not None else []),
                 parity(None, exported=False)]  # fmt: skip
        measuring = time.monotonic() - started
        outcome = Outcome(GATE_FAILED, changes=self.changes.as_dict())
        exporting, error = 0.0, None
        if not failed(gates):
            stop_if_late("everything but the bundle is kept")
            started = time.monotonic()
            try:
                summary = self._export()
                gates[-1] = parity(None)
                outcome = replace(outcome, status=DONE, version=summary["version"],
                                  fingerprint=summary["fingerprint"])  # fmt: skip
            except ServingError as caught:
                error = caught
                gates[-1] = parity(caught)
            exporting = time.monotonic() - started
        if outcome.status == DONE:
            self._publish({"measure": measuring, "export": exporting})
        stages = self._stages() | {
            "measure": {"state": "made", "seconds": round(measuring, 2)},
            "export": {"state": "made" if exporting else "kept", "seconds": round(exporting, 2)},
        }
        outcome = replace(outcome, stages=stages, gates=[each.as_dict() for each in gates],
                          error="; ".join(each.line for each in failed(gates))
                          or (error.line if error else ""))  # fmt: skip
        reported = Reported(self.tag, outcome, figures, gates)
        return replace(outcome, report=report(self.config, self.draft, reported))

    def _forced(self) -> Collection[str]:
        # who lets the catalog shrink has said that items may be lost
        return (*self.asked.forced, *(["items-lost"] if self.asked.allow_shrink else []))

    def _export(self) -> dict[str, Any]:
        """Publishes the bundle, unless a killed refresh did so as its last deed."""
        from serving.export import export

        missing = would_be_exported(self.config, self.draft)
        bundle = newest_bundle(self.draft)
        if missing is None and bundle is not None:
            say("export: done before")
            return {"version": bundle.version, "fingerprint": bundle.fingerprint}
        say("export: running")
        return export(self.config, self.draft)

    def _publish(self, seconds: dict[str, float] | None) -> None:
        """The one publication; of an unchanged workdir only what was found out is noted."""
        before = published(self.old.root)
        stages = {name: {"key": made.key, "output": made.output}
                  for name, made in self.made.items()}  # fmt: skip
        record = {
            "sequence": sequence(self.old) + (self.draft != self.old),
            "tag": self.tag, "stages": stages, "published_at": round(time.time(), 3),
            "trained": trained(self.draft), "rates": self._rates(before, seconds or {}),
        }  # fmt: skip
        if seconds is not None or stages != before.get("stages"):
            publish(self.draft, {**before, **record})
        self.progress.end()

    def _rates(self, before: dict[str, Any], seconds: dict[str, float]) -> dict[str, Any]:
        """How long each stage took when it last had work, for the next plan."""
        rates = {**before.get("rates", {}), **{name: round(s, 2) for name, s in seconds.items()}}
        for name, made in self.made.items():
            if made.state != "kept":
                rates[name] = made.seconds
            if speed := made.summary.get("embedded") and made.summary.get("photos_per_second"):
                rates["photos_per_second"] = speed
                looking = made.seconds - made.summary["embedded"] / speed
                rates["looking"] = round(max(0.0, looking), 2)  # at all the other photos
        return rates

    def _count_the_rest(self) -> None:
        """Photos by content, another tower, another recommender."""
        both = set(load_catalog(self.old)[ITEM_ID]) & set(load_catalog(self.draft)[ITEM_ID])
        changed = count_changed_photos(self.old, self.draft, both)
        noted = published(self.old.root).get("trained")
        if not self.changes.items:
            self.changes = Changes(len(both), len(both), 0, 0, 0)
        self.changes = replace(
            self.changes, photo_changed=changed, tower_changed=tower_changed(self.old),
            recommender_changed=noted is not None and noted != trained(self.draft),
        )  # fmt: skip

    def _stages(self) -> dict[str, dict[str, Any]]:
        return {name: {**made.summary, "state": made.state, "seconds": made.seconds}
                for name, made in self.made.items()}  # fmt: skip


def _stands(made: Made, kind: str, root: Path) -> bool:
    """Whether what a stopped refresh made is still there, to the byte."""
    try:
        artifact = open_artifact(root / made.place, kind, mend="")
        verify_artifact(artifact)
    except ArtifactError:
        return False
    return artifact.fingerprint == made.output


def _refuse_other_tower(workdir: Workdir) -> None:
    """Before any photo is embedded for a recommender that could not read its vector."""
    model, tower = manifest(workdir, "model"), fingerprint(workdir, "tower")
    taught_by = model.get("info", {}).get("tower", tower)
    if model and tower and taught_by != tower:
        raise ArtifactError(
            "the recommender was trained with photo vectors of another tower.",
            where=str(workdir.model), mend="Run `vitrine run`: new vectors mean something else to "
            "it, and a refresh never trains.",
        )  # fmt: skip


def _refuse_unmade(workdir: Workdir) -> None:
    if not fingerprint(workdir, "tables") or not fingerprint(workdir, "index"):
        raise ArtifactError("there is nothing to refresh yet.", where=str(workdir.root),
                            mend="Run `vitrine run` first: a refresh never trains.")  # fmt: skip
