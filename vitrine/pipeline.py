"""The steps from tables to bundle: each runs only when its inputs or settings have changed.

A step's key is a hash of the settings it reads, the fingerprints of the artifacts it reads
and, where it reads files from outside the workdir, of those. Its record, written after its
artifact, says which key made which artifact; both must still agree for a step to be skipped.
"""

from __future__ import annotations

import functools
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.artifact import FORMAT_VERSION, MANIFEST, fingerprint_of, write_json, write_text
from recsys.config import Config, dump_config
from recsys.errors import NotFoundError
from recsys.progress import say
from recsys.workdir import Workdir
from vitrine.locking import workdir_lock
from vitrine.sources import events_signature, file_signature, photos_signature

Summary = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One step: what it runs, what it reads and what it writes.

    Attributes:
        function: `module:name` of a `step(config, workdir) -> dict`, imported when it runs.
        sections: the config sections that change its result.
        inputs: the steps whose artifacts it reads.
        output: the workdir folder it writes.
        outside: files outside the workdir that it reads, as one signature.
        needs: `photos`, `titles` (of photos) or `events` where a catalog without them skips it.
    """

    name: str
    function: str
    sections: tuple[str, ...]
    inputs: tuple[str, ...]
    output: Callable[[Workdir], Path]
    outside: Callable[[Config, Workdir], Any] = lambda config, workdir: None
    needs: str = ""


STEPS = (
    Step("prepare", "recsys.prepare:prepare", ("data",), (), lambda w: w.tables,
         outside=lambda c, w: [file_signature(c.data.root, c.data.catalog),
                               events_signature(c)]),
    Step("train-tower", "embeddings.train_tower:train_tower", ("photos", "tower"), ("prepare",),
         lambda w: w.tower, needs="photos",
         outside=lambda c, w: [file_signature(".", c.tower.weights), photos_signature(w),
                               *(file_signature(each, MANIFEST) for each in c.tower.teachers)]),
    Step("embed", "embeddings.embed:embed", ("photos", "embed"), ("prepare", "train-tower"),
         lambda w: w.embeddings, needs="photos", outside=lambda c, w: photos_signature(w)),
    Step("train-words", "embeddings.train_words:train_words", ("words",), ("prepare", "embed"),
         lambda w: w.words, needs="titles"),
    Step("train", "recsys.train:train", ("model", "train"), ("prepare", "embed"),
         lambda w: w.model, needs="events"),
    Step("transitions", "recsys.learn_transitions:learn_transitions",
         ("transitions", "model", "evaluation"), ("prepare", "train"), lambda w: w.transitions,
         needs="events"),
    Step("rank", "recsys.train_ranker:train_ranker",
         ("ranker", "transitions", "model", "train", "evaluation"),
         ("prepare", "embed", "train", "transitions"), lambda w: w.ranker, needs="events"),
    Step("index", "recsys.tune_index:tune_index", ("index",), ("prepare", "embed", "train"),
         lambda w: w.index),
    Step("evaluate", "recsys.evaluate:evaluate",
         ("evaluation", "model", "train", "transitions", "ranker"),
         ("prepare", "embed", "train", "transitions", "rank", "index"), lambda w: w.evaluation),
    Step("export", "serving.export:export", ("export", "serving", "photos"),
         ("prepare", "train-tower", "embed", "train-words", "train", "transitions", "rank", "index",
          "evaluate"),
         lambda w: w.bundles),
)  # fmt: skip


def run(config: Config, workdir: Workdir) -> dict[str, Summary]:
    """Runs every step that is not up to date; returns what each step summed up.

    A killed run goes on where it stopped: finished steps have records, and the long steps
    keep what they had done. A catalog without events ends with the similar-items bundle.
    """
    with workdir_lock(workdir.root):
        _write_config(config, workdir)
        return {step.name: _run_step(step, config, workdir) for step in STEPS}


def run_step(name: str, config: Config, workdir: Workdir) -> Summary:
    """Runs one step whether or not it is up to date, and the reading of the tables before it.

    Raises:
        NotFoundError: no step has this name.
    """
    chosen = next((step for step in STEPS if step.name == name), None)
    if chosen is None:
        names = ", ".join(step.name for step in STEPS)
        raise NotFoundError(f"no step is called `{name}`.", mend=f"The steps are {names}.")
    with workdir_lock(workdir.root):
        _write_config(config, workdir)
        if chosen.name != "prepare":
            _run_step(STEPS[0], config, workdir)
        return _run_step(chosen, config, workdir, force=True)


def bring_up_to_date(name: str, config: Config, workdir: Workdir) -> Summary:
    """Runs one step where it is not up to date; the caller holds the workdir's lock."""
    return _run_step(_step(name), config, workdir)


def is_up_to_date(name: str, config: Config, workdir: Workdir) -> bool:
    """Whether what a step made is that of today's settings and files."""
    step = _step(name)
    if step.needs and not _has(step.needs, workdir):
        return False
    record = _record(step, workdir)
    output = _output(step, workdir)
    return bool(output) and (record.get("key"), record.get("output")) == (
        _key(step, config, workdir), output
    )  # fmt: skip


def run_only(names: list[str], config: Config, workdir: Workdir) -> dict[str, Summary]:
    """Runs these steps alone, in their order, where they are not up to date."""
    with workdir_lock(workdir.root):
        _write_config(config, workdir)
        return {step.name: _run_step(step, config, workdir) for step in STEPS if step.name in names}


def _run_step(step: Step, config: Config, workdir: Workdir, *, force: bool = False) -> Summary:
    if step.needs and not _has(step.needs, workdir):
        end = " The run ends with the similar-items bundle." if step.needs == "events" else ""
        say(f"{step.name}: skipped, this catalog has no {step.needs}.{end}")
        return {"skipped": f"no {step.needs}"}
    key = _key(step, config, workdir)
    record = _record(step, workdir)
    if not force and record.get("key") == key and record.get("output") == _output(step, workdir):
        say(f"{step.name}: up to date")
        return {**record["summary"], "up_to_date": True}
    say(f"{step.name}: running")
    start = time.monotonic()
    summary = _function(step, config)(config, workdir)
    seconds = round(time.monotonic() - start, 1)
    write_json(
        workdir.steps / f"{step.name}.json",
        {"key": key, "output": _output(step, workdir), "summary": summary, "seconds": seconds},
    )
    say(f"{step.name}: done in {seconds:.0f} s")
    return {**summary, "seconds": seconds}


def _function(step: Step, config: Config) -> Callable[[Config, Workdir], Summary]:
    if config.ray.train:
        from vitrine.ray_training import STEPS as TRAININGS
        from vitrine.ray_training import train_on_ray

        if step.name in TRAININGS:
            return functools.partial(train_on_ray, step.function)
    module, _, function = step.function.partition(":")
    found: Callable[[Config, Workdir], Summary] = getattr(importlib.import_module(module), function)
    return found


def _key(step: Step, config: Config, workdir: Workdir) -> str:
    settings = config.model_dump(mode="json")
    settings["embed"].pop("engine")  # where photos are embedded changes no vector
    upstream = {name: _output(_step(name), workdir) for name in step.inputs}
    return fingerprint_of(
        {
            "settings": {section: settings[section] for section in step.sections},
            "inputs": {
                name: output
                for name, output in upstream.items()
                if not _step(name).needs or _has(_step(name).needs, workdir)
            },
            "outside": step.outside(config, workdir),
            "format": FORMAT_VERSION,
        }
    )


def _step(name: str) -> Step:
    return next(step for step in STEPS if step.name == name)


def _record(step: Step, workdir: Workdir) -> dict[str, Any]:
    try:
        record = json.loads((workdir.steps / f"{step.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _output(step: Step, workdir: Workdir) -> str:
    """The fingerprint of what stands in a step's folder; of bundles, of the newest one."""
    folder = step.output(workdir)
    if step.name == "export":
        versions = [path for path in folder.glob("[0-9]*") if path.name.isdigit()]
        if not versions:
            return ""
        folder = max(versions, key=lambda path: int(path.name))
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _has(what: str, workdir: Workdir) -> bool:
    if what == "events":
        from recsys.interactions import load_interactions

        return len(load_interactions(workdir)) > 0
    from recsys.catalog import load_catalog

    catalog = load_catalog(workdir)
    pictured = catalog[catalog["image"] != ""]
    if what == "titles" and len(pictured):
        return bool(((pictured["title"] != "") & (pictured["split"] == "train")).any())
    return len(pictured) > 0


def _write_config(config: Config, workdir: Workdir) -> None:
    write_text(workdir.root / "config.yaml", dump_config(config))
