"""What each part of the recommender is worth: variants trained alike, compared case by case."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd

from recsys.artifact import write_json, write_text
from recsys.comparing import measures_of, pair_cases, read_cases
from recsys.config import Config
from recsys.errors import ConfigError
from recsys.progress import say
from recsys.workdir import Workdir
from vitrine.ablation_report import parts_of, render_note
from vitrine.locking import workdir_lock
from vitrine.study_page import render_html, render_text
from vitrine.variants import Make, run_variant, variant_workdir

FOLDER = "ablations"
BASE = "everything"
NUM_RESAMPLES = 2000


def ablate(
    make: Make, workdir: Workdir, variants: list[str], seeds: list[int], *,
    protocols: tuple[str, ...] = ("leave_last_out",),
) -> dict[str, Any]:  # fmt: skip
    """Trains the recommender as it is and once for each variant, and puts them into one table.

    Every variant is trained with the same seeds and judged on the same cases; of several seeds
    each case counts its mean. A variant that was trained before is not trained again, so that a
    killed run goes on where it stopped. Writes report.json, .txt and .html to
    `<workdir>/ablations`.

    Args:
        make: makes a config of overrides.
        variants: settings of each, such as `model.use_image=false`; several settings of one
            variant are parted by spaces.
        seeds: of `train.seed`.
        protocols: the splits to judge on; `temporal` trains once more each.

    Returns:
        The report.

    Raises:
        ConfigError: a variant changes nothing, or a setting is unknown.
    """
    named = {BASE: make([]), **{text: make(_settings(text)) for text in variants}}
    for text in variants:
        if named[text] == named[BASE]:
            raise ConfigError("this variant changes nothing.", where=text,
                              mend="Give a value other than the config's own.")  # fmt: skip
    judged: dict[str, list[pd.DataFrame]] = {}
    seconds: dict[str, float] = {}
    with workdir_lock(workdir.root):
        for name, config in named.items():
            runs = [_run(name, config, seed, protocols, workdir) for seed in seeds]
            judged[name] = [cases for cases, _ in runs]
            seconds[name] = sum(time for _, time in runs)
    k = named[BASE].evaluation.k
    report = {
        "seeds": seeds, "k": k, "variants": list(named), "training_seconds": seconds,
        "protocols": _compared(judged, k, named[BASE].evaluation.seed),
    }  # fmt: skip
    folder = workdir.root / FOLDER
    parts, note = parts_of(report), render_note(report)
    write_json(folder / "report.json", report)
    write_text(folder / "report.txt", render_text(note, parts) + "\n")
    write_text(folder / "report.html", render_html("Ablations", note, parts))
    return report


def _settings(variant: str) -> list[str]:
    settings = shlex.split(variant)
    if not settings:
        raise ConfigError("a variant names no setting.", where="--set",
                          mend="Give it as `section.name=value`.")  # fmt: skip
    return settings


def _run(
    name: str, config: Config, seed: int, protocols: tuple[str, ...], workdir: Workdir
) -> tuple[pd.DataFrame, float]:
    """The judged cases of one variant and seed, and the seconds of its training."""
    evaluation = config.evaluation.model_copy(
        update={"baselines": [], "protocols": list(protocols)}
    )
    config = config.model_copy(update={
        "train": config.train.model_copy(update={"seed": seed}), "evaluation": evaluation,
    })  # fmt: skip
    say(f"{name}, seed {seed}")
    variant = variant_workdir(workdir, f"{FOLDER}/runs", config)
    summaries = run_variant(config, variant)
    return read_cases(variant.root, with_shelf=True), float(summaries["train"]["seconds"])


def _compared(judged: dict[str, list[pd.DataFrame]], k: int, seed: int) -> list[dict[str, Any]]:
    """For each split, and for new items apart: every variant beside the base."""
    runs = [cases for each in judged.values() for cases in each]
    count = len(judged[BASE])
    ranks = {name: [f"rank_{place * count + i}" for i in range(count)]
             for place, name in enumerate(judged)}  # fmt: skip
    entries = []
    for (protocol, shelf), pairs in pair_cases(runs).groupby(["protocol", "shelf"], sort=False):
        rows = []
        for name, mine in ranks.items():
            found = measures_of(pairs, k, NUM_RESAMPLES, seed, first=ranks[BASE], second=mine)
            rows.append({"variant": name, "measures": {
                measure: {"mean": value["second"], "difference": value["difference"]}
                for measure, value in found.items()
            }})  # fmt: skip
        entries.append({"name": str(protocol), "shelf": bool(shelf), "cases": len(pairs),
                        "rows": rows})  # fmt: skip
    return entries
