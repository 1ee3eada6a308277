"""A Ray cluster: a running one by its address, or one on this machine for as long as needed."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

from recsys.config import RayConfig
from recsys.errors import PackagesError, UnavailableError
from recsys.progress import say


@contextlib.contextmanager
def ray_cluster(settings: RayConfig) -> Iterator[Any]:
    """Yields the module `ray`, connected; a connection that is there already is used and kept.

    Raises:
        PackagesError: Ray is not installed.
        UnavailableError: no cluster answers at the address.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    stop = signal.getsignal(signal.SIGTERM)
    try:
        _connect(ray, settings)
        yield ray
    finally:
        ray.shutdown()  # also ends what this process left running in the cluster
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, stop)  # Ray puts one of its own there


def import_ray() -> Any:
    """The module `ray`, which is an extra."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    # a worker that may use no GPU must not see those of its machine
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    # workers import TensorFlow first, which takes minutes where many do it on a busy machine
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "600")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise PackagesError(
            "Ray is not installed.", where="--engine ray",
            mend="`pip install 'vitrine[ray]'`, or leave the engine out to run on this machine.",
        ) from error  # fmt: skip


def num_workers(ray: Any, settings: RayConfig) -> int:
    """How many workers fit into the cluster, at least one."""
    resources = ray.cluster_resources()
    if gpus := int(resources.get("GPU", 0)):
        return gpus
    return max(1, int(resources.get("CPU", 1) / settings.cpus_per_worker))


def has_gpus(ray: Any) -> bool:
    """Whether any node offers a GPU."""
    return bool(ray.cluster_resources().get("GPU", 0) >= 1)


def _connect(ray: Any, settings: RayConfig) -> None:
    quiet = {"logging_level": "warning", "log_to_driver": True}
    if not settings.address:
        ray.init(
            address="local", include_dashboard=False,
            object_store_memory=settings.object_store_mb << 20, **quiet,
        )  # fmt: skip
        say("  a Ray cluster is started on this machine")
        return
    try:
        ray.init(address=settings.address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UnavailableError(
            f"no Ray cluster answers: {' '.join(str(error).split())[:200]}",
            where=settings.address, mend="`ray status` on its head says whether it runs.",
        ) from error  # fmt: skip
    nodes = sum(node["Alive"] for node in ray.nodes())
    say(f"  connected to a Ray cluster of {nodes} nodes")
