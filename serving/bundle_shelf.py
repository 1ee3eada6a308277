"""Bundles of a workdir behind a model server: loaded beside each other, waited for, let go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from recsys.config import Config
from recsys.errors import ServingError
from recsys.workdir import Workdir
from serving.bundle import SCANN, Bundle, list_bundles, list_versions, open_bundle
from serving.client import ModelServerClient
from serving.items import Items
from serving.model_server_process import ModelServerProcess
from serving.model_servers import ModelServerProcesses, ModelServers
from serving.recommender import Recommender
from serving.refreshes import latest_refresh
from serving.served_bundle import Client
from serving.shards import without_shard
from serving.store import Store
from serving.traffic import Traffic, load_traffic, save_traffic

Processes = ModelServerProcess | ModelServerProcesses

LOAD_SECONDS = 300.0  # a large ScaNN index is built while its version warms up
POLL_SECONDS = 0.2


class BundleShelf:
    """The bundles of one workdir.

    Args:
        config: limits, engine.
        workdir: where bundles are published.
        client: of the model server.
        store: how often items were wanted.
        process: the model server, or the several that share the items, where they are ours to
            tell what to serve; others follow the folders by themselves, and are only waited for.
    """

    def __init__(
        self, config: Config, workdir: Workdir, client: Client, store: Store,
        process: Processes | None = None,
    ) -> None:  # fmt: skip
        self._config, self._workdir = config, workdir
        self._client, self._store, self._process = client, store, process
        self._bundles: dict[int, Bundle] = {}

    def versions(self) -> list[int]:
        """The versions that are published, lowest first."""
        return list_versions(self._workdir)

    def bundles(self) -> list[Bundle]:
        """Those of them that can be opened."""
        return list_bundles(self._workdir)

    def opened(self, bundle: Bundle) -> Recommender:
        """The recommender of a bundle that the model server has loaded."""
        self._bundles[bundle.version] = bundle
        serving = self._config.serving
        items = Items(bundle.items, self._store.popularity(), serving.new_days)
        return Recommender(bundle, self._client, items, serving)

    def load(self, version: int, beside: Sequence[int]) -> Recommender:
        """Loads and warms one version while others stay as they are.

        Raises:
            ArtifactError: the bundle is damaged.
            ServingError: the model server cannot load it, or takes too long.
        """
        bundle = open_bundle(self._workdir, version)
        self._bundles[version] = bundle
        if self._process is not None:
            self._process.serve(self._wanted([*beside, version]))
        for name in self._needed(bundle):
            self._wait(name, version)
        return self.opened(bundle)

    def keep(self, versions: Sequence[int]) -> None:
        """Unloads every other version."""
        if self._process is not None:
            self._process.serve(self._wanted(versions))
        self._bundles = {v: b for v, b in self._bundles.items() if v in versions}

    def traffic(self) -> Traffic:
        """What was chosen last."""
        return load_traffic(self._workdir)

    def latest_refresh(self) -> dict[str, Any] | None:
        """What the newest refresh of the workdir did; None where there was none."""
        return latest_refresh(self._workdir)

    def choose(self, traffic: Traffic) -> None:
        """Keeps a choice; the store gets the items of the bundle that answers."""
        bundle = self._bundles.get(traffic.serving or -1)
        if bundle is not None:
            self._store.fill_items(bundle.items, bundle.fingerprint)
        save_traffic(self._workdir, traffic)

    def _wanted(self, versions: Sequence[int]) -> dict[str, list[int]]:
        known = [self._bundles[version] for version in versions if version in self._bundles]
        return servable_versions(known)

    def _needed(self, bundle: Bundle) -> list[str]:
        """The servables that are asked: a stock server has none over ScaNN."""
        if self._process is not None:
            return bundle.servables
        engine = self._config.serving.engine
        return [
            name for name in bundle.servables
            if not without_shard(name).endswith(SCANN)
            or engine == "scann"
            or (engine == "auto" and bundle.engine(verb_of(name)) == "scann")
        ]  # fmt: skip

    def _wait(self, servable: str, version: int) -> None:
        for client in clients_of(self._client, servable):
            _wait_for(client, servable, version)


def _wait_for(client: ModelServerClient, servable: str, version: int) -> None:
    end, last = time.monotonic() + LOAD_SECONDS, "it was not seen."
    while time.monotonic() < end:
        try:
            status = client.status(servable, version=version)[0]
        except ServingError as error:  # it has not looked yet
            last = error.what
        else:
            if status.available:
                return
            last = f"{status.state}. {status.error}"
            if status.state == "END" and status.error:
                break
        time.sleep(POLL_SECONDS)
    raise ServingError(f"version {version} of {servable} does not load: {last}",
                       where="the model server", mend="model_server.log says more."
                       )  # fmt: skip


def clients_of(client: Client, servable: str) -> list[ModelServerClient]:
    """The connections to the servers that hold a servable; none where there is no server."""
    if isinstance(client, ModelServers):
        return client.of(servable)
    return [client] if isinstance(client, ModelServerClient) else []


def verb_of(name: str) -> str:
    """The verb that a published servable answers, whatever its engine and shard."""
    return without_shard(name).removesuffix(SCANN)


def servable_versions(bundles: Sequence[Bundle]) -> dict[str, list[int]]:
    """Servable → its versions among some bundles."""
    found: dict[str, list[int]] = {}
    for bundle in bundles:
        for name in bundle.servables:
            found.setdefault(name, []).append(bundle.version)
    return found
