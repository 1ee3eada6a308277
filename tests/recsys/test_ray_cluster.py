"""A cluster: found, started, or what is missing said; Ray itself is not needed here."""

from __future__ import annotations

import importlib
import signal
import sys
from types import SimpleNamespace

import pytest

from recsys.config import RayConfig
from recsys.errors import PackagesError, UnavailableError
from recsys.ray_cluster import has_gpus, num_workers, ray_cluster


class Ray:
    """Notes what is asked of it."""

    def __init__(self, connected=False, answers=True, **resources):
        self.connected, self.answers, self.resources = connected, answers, resources
        self.calls = []

    def is_initialized(self):
        return self.connected

    def init(self, **arguments):
        self.calls.append(arguments)
        signal.signal(signal.SIGTERM, lambda *_: None)  # as Ray does
        if not self.answers:
            raise ConnectionError("ray client connection timeout")

    def shutdown(self):
        self.calls.append("shutdown")

    def nodes(self):
        return [{"Alive": True}, {"Alive": False}]

    def cluster_resources(self):
        return self.resources


@pytest.fixture
def installed(monkeypatch):
    def install(ray):
        import_module = importlib.import_module
        fake = SimpleNamespace(
            import_module=lambda name: ray if name == "ray" else import_module(name)
        )
        monkeypatch.setattr("recsys.ray_cluster.importlib", fake)
        return ray

    return install


def test_without_an_address_a_bounded_one_is_started_and_ended(installed):
    ray, before = installed(Ray()), signal.getsignal(signal.SIGTERM)
    with ray_cluster(RayConfig(object_store_mb=200)) as found:
        assert found is ray
    assert signal.getsignal(signal.SIGTERM) is before
    start, end = ray.calls
    assert (start["address"], start["include_dashboard"], end) == ("local", False, "shutdown")
    assert start["object_store_memory"] == 200 * 1024 * 1024


def test_a_connection_that_is_there_is_used_and_kept(installed):
    ray = installed(Ray(connected=True))
    with ray_cluster(RayConfig(address="head:6379")):
        pass
    assert ray.calls == []


def test_a_cluster_that_does_not_answer_is_named(installed):
    installed(Ray(answers=False))
    with (
        pytest.raises(UnavailableError, match=r"head:6379: no Ray cluster answers: ray client"),
        ray_cluster(RayConfig(address="head:6379")),
    ):
        pass


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(PackagesError, match=r"pip install 'vitrine\[ray\]'"),
        ray_cluster(RayConfig()),
    ):
        pass


def test_workers_are_as_many_as_fit():
    settings = RayConfig(cpus_per_worker=2)
    # seven cores hold three workers of two cores; a worker each where there are GPUs
    assert num_workers(Ray(CPU=7.0), settings) == 3
    assert num_workers(Ray(CPU=1.0), settings) == 1
    assert num_workers(Ray(CPU=32.0, GPU=4.0), settings) == 4
    assert (has_gpus(Ray(CPU=1.0)), has_gpus(Ray(CPU=1.0, GPU=1.0))) == (False, True)
