"""What refreshes remember: of what is published, and of a refresh that has not ended yet."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recsys.artifact import fingerprint_of, open_artifact, verify_artifact, write_json
from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.progress import say
from recsys.workdir import VERSIONS, Workdir, published
from vitrine import pipeline
from vitrine.refresh_stages import STAGES, Stage, fingerprint
from vitrine.verify import KINDS

REFRESHES = "refreshes"
UNFINISHED = "unfinished.json"


@dataclass(frozen=True)
class Made:
    """One stage's result: which key made which artifact, what it summed up and how long it took.

    Attributes:
        place: where the artifact lies, relative to the root.
        state: `kept` where its key had not changed, `same` where making it anew changed nothing,
            `made`, or `resumed` from a refresh that was stopped.
    """

    key: str
    output: str
    place: str
    state: str = "kept"
    seconds: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)


def key_of(stage: Stage, config: Config, workdir: Workdir) -> str:
    """A stage's key as a hash; empty where the stage has nothing to be made of."""
    if not stage.applies(workdir):
        return ""
    return fingerprint_of(stage.key(config, workdir))


def known_keys(config: Config, workdir: Workdir) -> dict[str, Made]:
    """What made each artifact of a snapshot, as far as that is known.

    Of a refresh it was noted in the publication; of `vitrine run` the pipeline's records say
    whether an artifact is that of today's settings and files.
    """
    noted = published(workdir.root).get("stages", {})
    known = {}
    for stage in STAGES:
        if is_damaged(workdir, stage):
            continue
        output = fingerprint(workdir, stage.place)
        place = workdir.places.get(stage.place, stage.place)
        if stage.name in noted and noted[stage.name].get("output") == output:
            known[stage.name] = Made(noted[stage.name]["key"], output, place)
        elif output and pipeline.is_up_to_date(stage.step, config, workdir):
            known[stage.name] = Made(key_of(stage, config, workdir), output, place)
    return known


def is_damaged(workdir: Workdir, stage: Stage) -> bool:
    """Whether a file of a stage's artifact is not what was written; all of them are read."""
    try:
        made = open_artifact(workdir.place(stage.place), KINDS.get(stage.place, ""), mend="")
        verify_artifact(made)
    except ArtifactError as error:
        if workdir.place(stage.place).is_dir():
            say(f"{stage.name}: made anew, since {error.line}")
            return True
    return False


def sequence(workdir: Workdir) -> int:
    """How many publications came before: no tag is ever used twice."""
    return int(published(workdir.root).get("sequence", 0))


def tag_of(config: Config, workdir: Workdir) -> str:
    """Names a refresh's drafts by what it reads, so that a killed one finds them again."""
    tables = STAGES[0].key(config, workdir)
    settings = config.model_dump(mode="json", exclude={"serving", "security", "analysis"})
    stand = {stage.place: fingerprint(workdir, stage.place) for stage in STAGES}
    return fingerprint_of([sequence(workdir), tables, settings, stand])[:12]


class Progress:
    """The stages that a refresh has behind it; kept in the workdir until it is published.

    Args:
        root: the workdir's folder.
        tag: of this refresh. What one with another tag had drafted was never published and goes.
    """

    def __init__(self, root: Path, tag: str) -> None:
        self.root, self.tag = root, tag
        self.path = root / REFRESHES / UNFINISHED
        found = unfinished(root)
        if found.get("tag") not in (None, tag):
            remove_drafts(root, str(found["tag"]))
        stages = found.get("stages", {}) if found.get("tag") == tag else {}
        self.stages = {name: Made(**made) for name, made in stages.items()}
        self.write()

    def add(self, name: str, made: Made) -> None:
        """Notes a stage that is done."""
        self.stages[name] = made
        self.write()

    def write(self) -> None:
        """Puts it on the disk, whole."""
        stages = {name: asdict(made) for name, made in self.stages.items()}
        write_json(self.path, {"tag": self.tag, "stages": stages})

    def end(self) -> None:
        """The refresh is published, or there was nothing to publish."""
        self.path.unlink(missing_ok=True)


def unfinished(root: Path) -> dict[str, Any]:
    """What a refresh that was stopped had noted; empty where none was, or it cannot be read."""
    try:
        found = json.loads((root / REFRESHES / UNFINISHED).read_text(encoding="utf-8"))
        return dict(found) if isinstance(found["stages"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def remove_drafts(root: Path, tag: str) -> None:
    """Removes the versions of one tag that are not published."""
    kept = {Path(place).name for place in published(root).get("places", {}).values()}
    for path in (root / VERSIONS).glob(f"*-{tag}*"):
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
