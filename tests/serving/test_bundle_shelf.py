"""Bundles of a workdir, in front of a model server that is only waited for."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from recsys.artifact import write_artifact
from recsys.config import Config
from recsys.errors import NotFoundError, ServingError
from recsys.workdir import Workdir
from serving.bundle import CONFIG, ITEMS, KIND, PHOTO_VECTORS, open_bundle
from serving.bundle_shelf import BundleShelf, servable_versions
from serving.client import ModelServerClient
from serving.model_server_process import ModelServerProcess
from serving.rules import Page
from serving.service import Service
from serving.store import Store
from serving.traffic import Traffic, load_traffic
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items
from tests.serving.test_refreshes import report


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


def publish_real(workdir: Workdir, version: int) -> None:
    """Like `publish`, with similar items over the circle as a SavedModel."""
    from recsys.index import ExactIndex
    from serving.servables import SimilarItems, save_servable

    table = circle_items(20, image="photo.png")
    bundle, name = CircleBundle(table), "similar_items"
    info = {**bundle.info, "version": version, "fingerprint": f"f{version}", "servables": [name]}
    servable = SimilarItems(
        ExactIndex(bundle.candidate_vectors), table["item_id"].tolist(), f"f{version}"
    )
    draft = workdir.models / name / f".{version}.tmp"
    save_servable(servable, draft)
    draft.rename(workdir.models / name / str(version))
    with write_artifact(workdir.bundles / str(version), KIND) as artifact:
        table.to_parquet(artifact.path / ITEMS)
        (artifact.path / CONFIG).write_text("{}")
        np.save(artifact.path / PHOTO_VECTORS, bundle.candidate_vectors)
        artifact.info = info


@pytest.mark.slow
@pytest.mark.parametrize("switches", [3, 50])
def test_switches_under_load_fail_no_request_and_mix_no_bundles(tmp_path, switches):
    workdir = Workdir(tmp_path / "w")
    publish_real(workdir, 1)
    publish_real(workdir, 2)
    bundle = open_bundle(workdir, 1)
    names = servable_versions([bundle])
    with (
        ModelServerProcess(workdir.models, names, workdir.root) as process,
        ModelServerClient(process.address, timeout=30) as client,
    ):
        shelf = BundleShelf(Config(), workdir, client, Store("sqlite://"), process)
        shelf.choose(Traffic(pinned=1))
        service = Service(shelf.opened(bundle), shelf._store, Config(), shelf=shelf)
        failed: list[Exception] = []
        answers: dict[int, int] = {}
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                request = service.pinned()
                try:
                    for _ in range(2):  # a switch may come in between
                        assert len(request.recommender.similar_items("3", Page(4))) == 4
                    version = request.bundle.version
                    answers[version] = answers.get(version, 0) + 1
                except Exception as error:
                    failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(switches):
            service.releases.choose(service.releases.traffic.served_by(2 - number % 2))
        stop.set()
        for thread in threads:
            thread.join()
        assert failed == []
        assert set(answers) == {1, 2}
        last = service.bundle.version
        assert [status.version for status in client.status("similar_items") if status.available]
        assert load_traffic(workdir) == Traffic(pinned=last, serving=last)
        # a bundle whose graph is damaged leaves the other one serving
        publish_real(workdir, 3)
        (workdir.models / "similar_items" / "3" / "saved_model.pb").write_bytes(b"no graph")
        with pytest.raises(ServingError, match="does not load"):
            service.releases.choose(service.releases.traffic.served_by(3))
        assert len(service.recommender.similar_items("3", Page(4))) == 4
        assert load_traffic(workdir).pinned == last


def test_the_latest_refresh_is_that_of_the_workdir(shelf):
    assert shelf.latest_refresh() is None
    folder = shelf._workdir.refreshes / "20261121T030000-bb"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report()))
    assert shelf.latest_refresh()["name"] == folder.name
