"""Moving between bundles: load beside, compare, move, let go; under load, with nothing mixed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from recsys.config import ServingConfig
from recsys.errors import NotFoundError, ServingError
from serving.items import Items
from serving.recommender import Recommender
from serving.release import Release
from serving.releases import Releases, compare
from serving.rules import Page
from serving.traffic import Traffic
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items


@dataclass
class Server:
    """A model server that knows only what is loaded, and stamps what it answers."""

    loaded: set[int] = field(default_factory=set)
    silent: set[int] = field(default_factory=set)

    def predict(self, model, inputs, *, signature="", version=None):
        if version not in self.loaded:
            raise ServingError(f"version {version} is not loaded.")
        ids = ["nobody"] if version in self.silent else [str(n) for n in range(20)]
        client = CircleClient(ids, fingerprint=f"f{version}")
        return client.predict(model, inputs, signature=signature, version=version)


@dataclass
class Fake:
    """A shelf in memory."""

    server: Server
    published: list[int]
    chosen: Traffic = field(default_factory=Traffic)
    broken: set[int] = field(default_factory=set)

    def versions(self):
        return list(self.published)

    def bundles(self):
        return [recommender(version, self.server).bundle for version in self.published]

    def load(self, version, beside):
        if version in self.broken:
            raise ServingError(f"bundle {version} is damaged.")
        self.server.loaded = {*beside, version}
        return recommender(version, self.server)

    def keep(self, versions):
        self.server.loaded = set(versions)

    def traffic(self):
        return self.chosen

    def choose(self, traffic):
        self.chosen = traffic

    def latest_refresh(self):
        return None


def recommender(version: int, server: Server) -> Recommender:
    table = circle_items(20, image="photo.png")
    bundle = CircleBundle(table, version=version, fingerprint=f"f{version}")
    return Recommender(bundle, server, Items(table, {}), ServingConfig(), clock=lambda: 0)


@pytest.fixture
def shelf() -> Fake:
    return Fake(Server({1}), [1])


@pytest.fixture
def releases(shelf: Fake) -> Releases:
    return Releases(Release(recommender(1, shelf.server)), shelf)


def wait_until(done) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_new_bundle_is_served_once_it_appears_and_the_old_one_goes(shelf, releases):
    releases.look()
    assert releases.current.version == 1
    shelf.published.append(2)
    releases.look()
    assert (releases.current.version, shelf.server.loaded) == (2, {2})
    assert shelf.chosen.serving == 2
    assert releases.compared[2].overlap == 1.0
    assert releases.compared[2].questions == 16


def test_the_old_bundle_stays_while_a_request_holds_it(shelf, releases):
    release, lease = releases.pin(None)
    shelf.published.append(2)
    mover = threading.Thread(target=releases.look)
    mover.start()
    mover.join(10)  # nobody waits for the slow request
    assert releases.current.version == 2
    shelf.published.append(3)
    releases.look()
    assert {1, 3} <= shelf.server.loaded
    assert len(release.recommender.similar_items("3", Page(2))) == 2
    del lease
    wait_until(lambda: shelf.server.loaded == {3})


def test_a_bundle_that_does_not_load_leaves_the_old_one_serving(shelf, releases):
    shelf.published.append(2)
    shelf.broken.add(2)
    with pytest.raises(ServingError, match="damaged"):
        releases.look()
    assert (releases.current.version, shelf.server.loaded) == (1, {1})
    assert "damaged" in releases.failures[2]
    releases.look()  # not at once again
    shelf.published.append(3)
    releases.look()
    assert releases.current.version == 3


def test_a_bundle_with_nothing_to_say_is_not_served(shelf, releases):
    shelf.published.append(2)
    shelf.server.silent.add(2)
    with pytest.raises(ServingError, match="questions empty"):
        releases.look()
    assert (releases.current.version, shelf.server.loaded) == (1, {1})


def test_rollback_names_an_earlier_bundle_and_stays(shelf, releases):
    shelf.published.append(2)
    releases.look()
    releases.choose(releases.traffic.served_by(1))
    shelf.published.append(3)
    releases.look()
    assert releases.current.version == 1
    assert shelf.chosen.pinned == 1
    releases.choose(releases.traffic.served_by(None))
    assert releases.current.version == 3


def test_a_choice_made_elsewhere_is_followed(shelf, releases):
    shelf.published.append(2)
    releases.look()
    shelf.chosen = shelf.chosen.served_by(1)  # as `vitrine rollback` writes it
    releases.look()
    assert releases.current.version == 1


def test_an_unknown_version_names_the_known_ones(releases):
    with pytest.raises(NotFoundError, match="There are 1"):
        releases.choose(Traffic(pinned=9))


def test_two_bundles_share_traffic(shelf, releases):
    shelf.published.append(2)
    shelf.chosen = Traffic(pinned=1)
    releases.look()
    releases.choose(releases.traffic.shared_with(2, 0.5))
    assert shelf.server.loaded == {1, 2}
    versions = {releases.pin(f"user {n}")[0].version for n in range(50)}
    assert versions == {1, 2}
    assert releases.pin(None)[0].version == 1
    assert len({releases.pin("ann")[0].version for _ in range(20)}) == 1
    releases.choose(releases.traffic.served_by(2))
    assert shelf.server.loaded == {2}


def test_canaries_measure_how_alike_two_bundles_answer(shelf):
    shelf.server.loaded = {1, 2}
    compared = compare(recommender(1, shelf.server), recommender(2, shelf.server))
    assert (compared.overlap, compared.questions, compared.empty) == (1.0, 16, 0)


def test_fifty_switches_under_load_fail_no_request_and_mix_none(shelf, releases):
    failed, answers, stop = [], [0], threading.Event()

    def ask():
        while not stop.is_set():
            release, lease = releases.pin(f"user {time.perf_counter_ns()}")
            try:
                # two calls of one request, with a switch in between where there is one
                for _ in range(2):
                    assert len(release.recommender.similar_items("3", Page(4))) == 4
                answers[0] += 1
            except Exception as error:
                failed.append(error)
            del lease

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 52):
        shelf.published.append(version)
        releases.look()
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert releases.current.version == 51
    assert answers[0] > 50
