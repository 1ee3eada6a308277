"""Trains on a Ray cluster: every worker runs the same step, and they move as one.

Ray Train starts the workers and tells TensorFlow where they are; `MultiWorkerMirroredStrategy`
brings their gradients together (`recsys.team`). The workdir must be one that every node sees.
A worker that dies ends the others too, and all begin again behind the last whole epoch.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from recsys.config import Config, RayConfig, config_from
from recsys.errors import TrainingError, VitrineError
from recsys.ray_cluster import has_gpus, import_ray, ray_cluster
from recsys.workdir import Workdir

STEPS = ("train-tower", "train")  # what a team can do
MEND = "Its output stands above; `vitrine doctor` checks the packages."


def train_on_ray(function: str, config: Config, workdir: Workdir) -> dict[str, Any]:
    """Runs a training step on the workers of a cluster.

    Args:
        function: `module:name` of a `step(config, workdir, team) -> dict`.
        config: the settings; `ray` says which cluster, and how many workers.
        workdir: holds the tables; what is trained is written into it.

    Returns:
        What the step of the first worker sums up.

    Raises:
        VitrineError: as the step raises.
        TrainingError: workers died more often than `ray.restarts` allows.
    """
    import_ray()
    # what Ray Train keeps of a run, and an error of ours that it would try again and again
    storage = Path(tempfile.mkdtemp(prefix=".ray-", dir=workdir.root.absolute()))
    job = {
        "function": function, "config": config.model_dump(mode="json"),
        "root": str(workdir.root.absolute()), "failed": str(storage / "error.json"),
    }  # fmt: skip
    try:
        with ray_cluster(config.ray) as ray:
            return _fit(job, config.ray, storage, gpus=has_gpus(ray))
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _fit(job: dict[str, Any], settings: RayConfig, storage: Path, *, gpus: bool) -> dict[str, Any]:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    trainer = TensorflowTrainer(
        work, train_loop_config=job,
        scaling_config=ScalingConfig(
            num_workers=settings.workers, use_gpu=gpus,
            resources_per_worker={"CPU": settings.cpus_per_worker},
        ),
        run_config=RunConfig(
            name="vitrine", storage_path=str(storage),
            failure_config=FailureConfig(max_failures=settings.restarts),
        ),
    )  # fmt: skip
    try:
        return dict(trainer.fit().return_value)
    except TrainingFailedError as error:
        _raise_ours(Path(job["failed"]))
        raise TrainingError(
            f"the workers failed: {' '.join(str(error).split())[-300:]}",
            where=f"Ray, {settings.workers} workers", mend=MEND,
        ) from error  # fmt: skip


def work(job: dict[str, Any]) -> dict[str, Any]:
    """What each worker runs; TF_CONFIG says which one it is."""
    failed = Path(job["failed"])
    _raise_ours(failed)
    module, _, name = job["function"].partition(":")
    importlib.import_module("recsys")  # settles the version of Keras, before TensorFlow is there
    import tensorflow as tf

    from recsys.team import MirroredTeam

    team = MirroredTeam(tf.distribute.MultiWorkerMirroredStrategy())
    if not team.is_first:  # one worker's progress is everybody's
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    step = getattr(importlib.import_module(module), name)
    try:
        summary: dict[str, Any] = step(
            config_from(job["config"], where="the command"), Workdir(Path(job["root"])), team=team
        )
    except VitrineError as error:
        failed.write_text(json.dumps({
            "module": type(error).__module__, "type": type(error).__name__, "what": error.what,
            "where": error.where, "mend": error.mend,
        }))  # fmt: skip
        raise
    return summary


def _raise_ours(failed: Path) -> None:
    """Raises the error that a worker met, which another try would meet again."""
    try:
        found = json.loads(failed.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    error = getattr(importlib.import_module(found["module"]), found["type"])
    raise error(found["what"], where=found["where"], mend=found["mend"])
