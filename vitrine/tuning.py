"""Hyperparameter search with Optuna, on validation only, and kept so that it can go on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from recsys.artifact import fingerprint_of, open_artifact, write_json, write_text
from recsys.config import dump_config
from recsys.errors import ConfigError, TrainingError
from recsys.progress import say
from recsys.train import train
from recsys.workdir import Workdir
from vitrine.locking import workdir_lock
from vitrine.search_space import Choice, Range, read_space, value_of
from vitrine.study_page import render_html, render_text
from vitrine.tuning_report import parts_of, render_note
from vitrine.variants import Make, variant_workdir

FOLDER = "tuning"
Space = list[Choice | Range]


def tune(
    make: Make, workdir: Workdir, space_file: Path, *, trials: int, hours: float = float("inf")
) -> dict[str, Any]:
    """Tries settings of the recommender and keeps those with the best validation NDCG@10.

    The first trial is the config as it is. Every finished trial is in `<workdir>/tuning/
    study.sqlite`: the same command goes on where a killed one stopped. The test cases are never
    ranked; only `vitrine evaluate` does that, once, with the settings chosen. Writes
    report.json, .txt, .html and best.yaml beside the study.

    Args:
        make: makes a config of overrides.
        space_file: what may be tried.
        trials: how many finished trials there shall be, earlier ones included.
        hours: begin no further trial after so long.

    Returns:
        The report.

    Raises:
        ConfigError: the space names an unknown setting, or the study was begun with another
            config, space or tables; the differences are listed.
        TrainingError: no trial could be trained.
    """
    space = read_space(space_file)
    started = time.monotonic()
    with workdir_lock(workdir.root):
        study = _open_study(make, workdir, space)
        while _finished(study) < trials and time.monotonic() - started < 3600 * hours:
            if _num_failed(study) >= max(3, trials):
                break  # nothing in this space trains
            _run_trial(study, make, workdir, space)
        return _write_report(study, make, workdir)


def _open_study(make: Make, workdir: Workdir, space: Space) -> optuna.Study:
    """The study as it stands; what a killed search had begun is queued again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = make([])
    defaults = {part.name: value_of(config, part.name) for part in space}
    folder = workdir.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / "study.sqlite"
    study = optuna.create_study(
        storage=f"sqlite:///{finished}", study_name="recommender", direction="maximize",
        load_if_exists=True,
    )  # fmt: skip
    # another seed for each start: a search that goes on must not draw the same again
    study.sampler = optuna.samplers.TPESampler(seed=config.train.seed + len(study.trials))
    _check_same(study, _identity(make, workdir, space))
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    if not study.trials and all(part.holds(defaults[part.name]) for part in space):
        study.enqueue_trial(defaults)
    return study


def _identity(make: Make, workdir: Workdir, space: Space) -> dict[str, Any]:
    """What must be the same for trials to be comparable, by name."""
    settings = make([]).model_dump(mode="json")
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    same: dict[str, Any] = {"tables": tables.fingerprint, "space": fingerprint_of(space)}
    for section in ("model", "train"):
        same |= {f"{section}.{name}": value for name, value in settings[section].items()}
    same["evaluation.rank"] = settings["evaluation"]["rank"]
    return same


def _check_same(study: optuna.Study, identity: dict[str, Any]) -> None:
    before = study.user_attrs.get("identity")
    if before is None:
        study.set_user_attr("identity", identity)
        return
    names = sorted(name for name in {*before, *identity} if before.get(name) != identity.get(name))
    if names:
        listed = ", ".join(f"{name} {before.get(name)} → {identity.get(name)}" for name in names)
        raise ConfigError(
            f"this search was begun otherwise: {listed}.", where=FOLDER,
            mend=f"Give the same config and space, or remove the workdir's {FOLDER} folder to "
            "begin anew.",
        )  # fmt: skip


def _run_trial(study: optuna.Study, make: Make, workdir: Workdir, space: Space) -> None:
    trial = study.ask()
    values = {part.name: part.draw(trial) for part in space}
    say(f"trial {trial.number}: " + ", ".join(f"{name}={_short(v)}" for name, v in values.items()))
    config = make([f"{name}={value}" for name, value in values.items()])
    variant = variant_workdir(workdir, FOLDER, config)
    try:
        summary = train(config, variant)
        reached = summary["validation_ndcg_at_10"]
        if reached is None:
            raise TrainingError("there is nothing to validate on.", where=str(workdir.tables),
                                mend="A search needs shoppers with three events.")  # fmt: skip
        for name in ("best_epoch", "seconds"):
            trial.set_user_attr(name, summary[name])
        study.tell(trial, float(reached))
    except (TrainingError, ConfigError) as error:
        trial.set_user_attr("error", error.line)
        study.tell(trial, state=TrialState.FAIL)
        say(f"  failed: {error.line}")
    finally:
        shutil.rmtree(variant.root, ignore_errors=True)  # links go, what they point at stays


def _write_report(study: optuna.Study, make: Make, workdir: Workdir) -> dict[str, Any]:
    done = _complete(study)
    if not done:
        errors = [t.user_attrs.get("error", "") for t in study.trials]
        raise TrainingError(f"no trial was trained: {errors[-1] if errors else 'none begun'}.",
                            where=FOLDER)  # fmt: skip
    best = study.best_trial
    report = {
        "trials": [_described(trial) for trial in done], "failed": _num_failed(study),
        "best": _described(best), "importances": _importances(study),
        "space": sorted(best.params),
    }  # fmt: skip
    folder, parts, note = workdir.root / FOLDER, parts_of(report), render_note(report)
    write_json(folder / "report.json", report)
    write_text(folder / "report.txt", render_text(note, parts) + "\n")
    write_text(folder / "report.html", render_html("Hyperparameter search", note, parts))
    chosen = make([f"{name}={value}" for name, value in best.params.items()])
    head = f"# validation NDCG@10 {best.value:.4f}, the best of {len(done)} trials\n"
    write_text(folder / "best.yaml", head + dump_config(chosen))
    return report


def _described(trial: FrozenTrial) -> dict[str, Any]:
    return {"number": trial.number, "value": trial.value, "settings": dict(trial.params),
            "best_epoch": trial.user_attrs.get("best_epoch"),
            "seconds": trial.user_attrs.get("seconds")}  # fmt: skip


def _importances(study: optuna.Study) -> dict[str, float]:
    """How much each setting mattered (PED-ANOVA; Watanabe et al., IJCAI 2023)."""
    values = [trial.value for trial in _complete(study)]
    if len(values) < 10 or len(set(values)) < 2:
        return {}  # too few to say
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(value) for name, value in found.items()}


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _finished(study: optuna.Study) -> int:
    return len(_complete(study))


def _num_failed(study: optuna.Study) -> int:
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return sum("error" in trial.user_attrs for trial in failed)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
