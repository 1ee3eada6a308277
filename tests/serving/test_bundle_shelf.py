"""Bundles of a workdir, in front of a model server that is only waited for."""

from __future__ import annotations

import pytest

from recsys.artifact import write_artifact
from recsys.config import Config
from recsys.errors import NotFoundError
from recsys.workdir import Workdir
from serving.bundle import CONFIG, ITEMS, KIND, open_bundle
from serving.bundle_shelf import BundleShelf, servable_versions
from serving.store import Store
from serving.traffic import Traffic, load_traffic
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items


def publish(workdir: Workdir, version: int, count: int = 20) -> None:
    """A bundle of items on a circle whose servables nobody loads."""
    table = circle_items(count, image="photo.png")
    info = {**CircleBundle(table).info, "version": version, "fingerprint": f"f{version}"}
    for name in info["servables"]:
        folder = workdir.models / name / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
    with write_artifact(workdir.bundles / str(version), KIND) as draft:
        table.to_parquet(draft.path / ITEMS)
        (draft.path / CONFIG).write_text("{}")
        draft.info = info


@pytest.fixture
def shelf(tmp_path) -> BundleShelf:
    workdir = Workdir(tmp_path)
    publish(workdir, 1)
    publish(workdir, 2, count=21)
    client = CircleClient([str(n) for n in range(21)], fingerprint="f2")
    return BundleShelf(Config(), workdir, client, Store("sqlite://"))


def test_it_opens_what_is_published(shelf):
    assert shelf.versions() == [1, 2]
    recommender = shelf.load(2, beside=[1])
    assert (recommender.bundle.version, len(recommender.items)) == (2, 21)
    recommender.check()
    with pytest.raises(NotFoundError):
        shelf.load(3, beside=[])


def test_a_choice_is_kept_and_the_store_gets_its_items(shelf):
    shelf.load(2, beside=[])
    shelf.choose(Traffic(pinned=2, serving=2))
    assert load_traffic(shelf._workdir) == shelf.traffic() == Traffic(pinned=2, serving=2)
    assert len(shelf._store.read_items()) == 21


def test_a_model_server_is_told_every_version_of_each_servable(shelf):
    bundles = [open_bundle(shelf._workdir, version) for version in (1, 2)]
    found = servable_versions(bundles)
    assert found["recommend"] == [1, 2]
    assert set(found) == set(bundles[0].servables)
