"""`vitrine serve`: the model server, the HTTP API and the page as one program."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import pandas as pd
import uvicorn

from recsys import columns
from recsys.artifact import open_artifact
from recsys.config import Config
from recsys.errors import ServingError
from recsys.progress import say
from recsys.workdir import Workdir
from serving.api.app import create_app
from serving.api.http_protocol import HttpProtocol
from serving.breaker import CircuitBreaker
from serving.bundle import Bundle, list_bundles, list_versions, open_bundle
from serving.bundle_shelf import BundleShelf, Processes, servable_versions
from serving.client import ModelServerClient
from serving.model_server_process import ModelServerProcess
from serving.model_servers import ModelServerProcesses, ModelServers, held
from serving.served_bundle import Client
from serving.service import Service
from serving.store import open_store
from serving.traffic import load_traffic

GRACE_SECONDS = 10  # for requests in hand when told to stop


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; like KeyboardInterrupt, no error."""


def serve(config: Config, workdir: Workdir, *, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serves the newest bundle of a workdir until SIGINT or SIGTERM.

    Args:
        config: limits, engine, database, and the model server where one runs already.
        workdir: where the bundle lies.
        host: the address to listen on.
        port: 0 takes a free one.

    Raises:
        ArtifactError: there is no bundle yet.
        ServingError: the port is taken, or the model server or the database cannot be used; or
            others than this machine's programs would reach it, and no key is made yet.
    """
    exposed = is_exposed(host)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    with contextlib.suppress(Stopped), stop_signals():
        bundle = chosen_bundle(workdir)
        if exposed:
            check_keys(config, workdir, host)
        with (
            listening(host, port) as listener,
            model_server(config, workdir, bundle) as (client, process),
        ):
            service = open_service(config, workdir, bundle, client, process)
            service.recommender.check()
            service.releases.watch()
            _announce(bundle, host, listener)
            settings = uvicorn.Config(
                create_app(service, exposed=exposed), log_level="warning", access_log=False,
                server_header=False, timeout_graceful_shutdown=GRACE_SECONDS, lifespan="on",
                http=HttpProtocol,
            )  # fmt: skip
            try:
                uvicorn.Server(settings).run(sockets=[listener])
            finally:
                service.releases.stop()
                service.store.close()


def chosen_bundle(workdir: Workdir) -> Bundle:
    """The bundle that was chosen to be served, or the newest one that is whole.

    Raises:
        ArtifactError: there is none, or it is damaged.
        NotFoundError: the chosen one is no longer there.
    """
    pinned = load_traffic(workdir).pinned
    whole = list_bundles(workdir) if pinned is None else []
    if not whole:
        return open_bundle(workdir, pinned)
    newest = list_versions(workdir)[-1]
    if newest != whole[-1].version:
        say(f"bundle {newest} cannot be opened; bundle {whole[-1].version} is served instead")
    return whole[-1]


def open_service(
    config: Config, workdir: Workdir, bundle: Bundle, client: Client,
    process: Processes | None = None,
) -> Service:  # fmt: skip
    """Joins a bundle, the store filled from it where needed, and a model server's client.

    Args:
        process: the model server or servers, where they are ours to tell what to serve.

    Raises:
        ServingError: the database cannot be used.
    """
    store = open_store(config, workdir)
    if store.fill_items(bundle.items, bundle.fingerprint):
        say(f"copied {len(bundle.items)} items into the store")
    tables = open_artifact(workdir.tables, "tables", mend="Run `vitrine prepare` first.")
    path = tables.path / "interactions.parquet"
    none = pd.DataFrame(columns=list(columns.EVENTS))
    interactions = pd.read_parquet(path) if path.is_file() else none
    if store.fill_events(interactions, tables.fingerprint):
        say(f"copied {len(interactions)} events into the store")
    shelf = BundleShelf(config, workdir, client, store, process)
    return Service(shelf.opened(bundle), store, config, shelf=shelf)


def is_exposed(host: str) -> bool:
    """Whether others than this machine's programs can reach an address."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def check_keys(config: Config, workdir: Workdir, host: str) -> None:
    """Refuses to be reached by others without a key that they need.

    Raises:
        ServingError: there is no good key, or keys are never asked for.
    """
    if config.security.ask_for_keys == "never":
        raise ServingError("others could reach this address, and no key is asked for.", where=host,
                           mend="Leave security.ask_for_keys at auto, or listen on 127.0.0.1."
                           )  # fmt: skip
    store = open_store(config, workdir)
    try:
        good = [key for key in store.api_keys() if key.revoked_at is None]
    finally:
        store.close()
    if not good:
        raise ServingError(
            "others could reach this address, and there is no API key that they need.", where=host,
            mend=f"Make one: `vitrine keys add NAME --workdir {workdir.root}`; or listen on "
            "127.0.0.1.",
        )  # fmt: skip


@contextlib.contextmanager
def model_server(
    config: Config, workdir: Workdir, bundle: Bundle
) -> Iterator[tuple[Client, Processes | None]]:
    """A client of the configured model servers, or of those that are started for as long.

    There is one of them, or one for each shard of the bundle.
    """
    with contextlib.ExitStack() as stack:
        named, process = config.serving.model_server.split(","), None
        addresses = [address.strip() for address in named if address.strip()]
        if not addresses:
            started = stack.enter_context(start_processes(workdir, bundle))
            process, addresses = started, started.addresses
        clients = [stack.enter_context(_client(config, address)) for address in addresses]
        yield clients[0] if len(clients) == 1 else ModelServers(clients), process


def start_processes(workdir: Workdir, bundle: Bundle) -> ModelServerProcesses:
    """A model server for each shard of a bundle, not started yet; one where there are none."""
    versions, count = servable_versions([bundle]), bundle.num_shards
    return ModelServerProcesses([
        ModelServerProcess(
            workdir.models, held(versions, server, count), workdir.root,
            f"model_server{f'-{server}' if server else ''}.log",
        )
        for server in range(count)
    ])  # fmt: skip


def _client(config: Config, address: str) -> ModelServerClient:
    settings = config.serving
    breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_seconds, address)
    return ModelServerClient(address, settings.timeout_seconds, breaker)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, taken before anything slow starts.

    Raises:
        ServingError: the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServingError(
            f"cannot listen: {reason}.", where=f"{host}:{port}",
            mend="Choose another --port, or 0 for a free one.",
        ) from error  # fmt: skip
    with listener:
        yield listener


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """Makes SIGINT and SIGTERM raise Stopped, so that everything is closed on the way out."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    previous = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _announce(bundle: Bundle, host: str, listener: socket.socket) -> None:
    name = f"[{host}]" if ":" in host else host
    say(f"bundle {bundle.version} ({bundle.fingerprint}) is served on "
        f"http://{name}:{listener.getsockname()[1]}")  # fmt: skip
