"""Which engine a config names."""

from __future__ import annotations

from types import SimpleNamespace

from embeddings import engine as module
from embeddings.engine import make_engine
from embeddings.image_tower import load_tower
from embeddings.local_engine import LocalEngine


def test_photos_are_embedded_here_unless_a_cluster_is_named(trained, monkeypatch):
    config, workdir = trained
    tower = load_tower(workdir.tower)
    assert isinstance(make_engine(config, tower), LocalEngine)
    cluster = SimpleNamespace(make_ray_engine=lambda *given: ("on a cluster", given))
    monkeypatch.setattr(module, "import_module", lambda name: cluster)
    on_ray = config.model_copy(update={"embed": config.embed.model_copy(update={"engine": "ray"})})
    assert make_engine(on_ray, tower) == ("on a cluster", (on_ray, tower))
