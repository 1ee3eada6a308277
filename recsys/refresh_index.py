"""The index over today's vectors, with the settings that were found for it before.

Where recall on the probes has dropped below the target, more leaves of the same tree are tried
first; all settings are searched anew only where that is not enough, where the catalog has
outgrown them or where another target is asked for.
"""

from __future__ import annotations

import shutil
from typing import Any

from recsys.artifact import Artifact, open_artifact, write_artifact, write_json
from recsys.config import Config, IndexConfig
from recsys.errors import ArtifactError
from recsys.index import ExactIndex, ScannIndex
from recsys.probes import make_probes
from recsys.progress import say
from recsys.scann_parts import ScannSettings, save_parts
from recsys.spaces import Space, Spaces, open_spaces
from recsys.tune_index import (
    TREE_FROM,
    Measured,
    aim,
    ask,
    choose_engine,
    content_of,
    describe,
    index_report,
    recall_against,
    report_space,
    tried,
    tune_space,
)
from recsys.workdir import Workdir

OUTGROWN = 2.0  # a catalog so many times larger or smaller wants another number of leaves
SLACK = 0.01  # recall that settings may lose where they never reached the target
TIMED_CALLS = 11  # a refresh does not choose by time, it only reports it


def refresh_index(config: Config, trained: Workdir, draft: Workdir) -> dict[str, Any]:
    """Builds and measures the index of the draft's spaces with the settings of the old one.

    Args:
        config: the section `index` is read.
        trained: whose index is gone on from; where it has none, all is searched as at first.
        draft: whose embeddings and model are read, and whose index is written.

    Returns:
        For each space its engine, settings, recall and times, and whether settings were kept.

    Raises:
        IndexQualityError: an index stays under `index.min_recall`, with any settings.
    """
    spaces, old = open_spaces(draft), _old_index(trained, config.index)
    report: dict[str, Any] = {}
    with write_artifact(draft.index, "index") as made:
        for space in spaces.present:
            before = dict(old.info["spaces"].get(space.name, {})) if old else {}
            kept = old.path / f"{space.name}.npz" if old else None
            if _still_holds(before, space, config.index):
                report[space.name] = {**before, "engine": _engine(before, before, config.index)}
                if kept is not None and kept.is_file():
                    shutil.copyfile(kept, made.path / kept.name)
                continue
            report[space.name], index = _built(space, spaces, before, config, draft)
            if index is not None:
                save_parts(index.parts(), made.path / f"{space.name}.npz")
            say(f"  {describe(space.name, report[space.name])}")
        summary = index_report(report, config.index)
        write_json(made.path / "index.json", summary)
        made.inputs, made.info = spaces.fingerprints, summary
    return summary


def _old_index(workdir: Workdir, config: IndexConfig) -> Artifact | None:
    """The index that is gone on from; None where there is none that aimed at the same recall."""
    try:
        found = open_artifact(workdir.index, "index", mend="")
    except ArtifactError:
        return None
    return found if found.info["target_recall"] == config.target_recall else None


def _still_holds(before: dict[str, Any], space: Space, config: IndexConfig) -> bool:
    """Whether an index was measured over the very vectors, and would be kept or left out again."""
    return before.get("content") == content_of(space) and (
        before["scann"] == (before["recall"] >= config.min_recall)
    )


def _built(
    space: Space, spaces: Spaces, before: dict[str, Any], config: Config, workdir: Workdir
) -> Measured:
    """An index with the old settings where they still do, else with new ones."""
    probes = make_probes(space, spaces, config, workdir)
    if not before or _is_outgrown(space, int(before["num_items"])):
        return tune_space(space, probes, config.index)
    exact = ExactIndex(space.vectors)
    scann = ScannIndex(space.vectors, ScannSettings(**before["settings"]))
    truth = ask(exact, probes)
    recall = recall_against(truth, ask(scann, probes))
    reached = float(before.get("tuned_recall", before["recall"]))
    if recall < _least(reached, config.index):
        say(f"  {space.name}: recall has dropped to {recall:.3f}")
        trials = tried(scann, probes, truth, aim(config.index))
        found = next((trial for trial in trials if trial.recall >= aim(config.index)), None)
        if found is None:
            return tune_space(space, probes, config.index)
        scann, recall = ScannIndex(space.vectors, found.settings, scann.parts()), found.recall
    report, index = report_space(
        space, probes, exact, scann, recall, config.index, calls=TIMED_CALLS
    )  # fmt: skip
    report["engine"] = _engine(report, before, config.index)
    return {**report, "tuned_recall": reached, "kept": True}, index


def _least(reached: float, config: IndexConfig) -> float:
    """The recall below which settings do not do: the target, or nearly what was ever reached."""
    least = aim(config) if reached >= aim(config) else reached - SLACK
    return least if config.engine == "exact" else max(least, config.min_recall)


def _is_outgrown(space: Space, num_items: int) -> bool:
    count = len(space.item_ids)
    ratio = max(count, num_items) / max(1, min(count, num_items))
    return ratio >= OUTGROWN or (count >= TREE_FROM) != (num_items >= TREE_FROM)


def _engine(report: dict[str, Any], before: dict[str, Any], config: IndexConfig) -> str:
    """The engine as before, unless the settings or the size of the catalog ask for another.

    Times alone, taken beside other work, must not move the traffic every other night.
    """
    if not report["scann"]:
        return "exact"
    is_large, was_large = (found["num_items"] > config.exact_up_to for found in (report, before))
    if config.engine == "auto" and before["scann"] and is_large == was_large:
        return str(before["engine"])
    return choose_engine(report, config)
