"""One set of saved models and one running model server for all tests of serving.

TensorFlow is imported only by the tests that ask for them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recsys.workdir import Workdir
from serving.store import Store

if TYPE_CHECKING:
    from tests.serving.model_server.running import Running
    from tests.serving.postgresql import PostgreSQL


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders half/123, kitchen/1 and types/1; never changed by a test."""
    from tests.serving.model_server import models

    root = tmp_path_factory.mktemp("models")
    models.save_half_plus_two(root / "half" / "00000123")
    models.save_kitchen(root / "kitchen" / "1")
    models.save_types(root / "types" / "1")
    return root


@pytest.fixture(scope="session")
def running(saved_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with all the saved models; label `stable` is half's version 123."""
    from tests.serving.model_server.running import Running, config_text

    folder = tmp_path_factory.mktemp("config")
    text = config_text(saved_models, ["half", "kitchen", "types"])
    text = text.replace('name: "half"', 'name: "half" version_labels { key: "stable" value: 123 }')
    (folder / "models.config").write_text(text)
    (folder / "monitoring.config").write_text('prometheus_config { enable: true path: "/metrics" }')
    server = Running(
        model_config_file=str(folder / "models.config"),
        monitoring_config_file=str(folder / "monitoring.config"),
        allow_version_labels_for_unavailable_models=True,
        enable_grpc_healthcheck_service=True,
        grpc_socket_path=str(folder / "grpc.sock"),
    )
    yield server
    server.stop()


@pytest.fixture
def workdir(demo_workdir: Workdir, tmp_path: Path) -> Workdir:
    """A copy of the demo's workdir that may be changed; files are links to the same bytes."""
    root = tmp_path / "workdir"
    shutil.copytree(demo_workdir.root, root, copy_function=os.link)
    return Workdir(root)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server for all tests; skips where it is not installed."""
    from tests.serving.postgresql import PostgreSQL

    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.fresh()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store in a database of each kind in turn."""
    store = Store(database_url)
    yield store
    store.close()
