"""Shops that may be broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recsys.workdir import Workdir
from tests.serving.api.conftest import api, model_server, photo, service
from tests.serving.faults.site import MAX_WAITING, Site

__all__ = ["api", "model_server", "photo", "service"]  # fixtures of an app over twenty items


@pytest.fixture(scope="package")
def open_site(
    demo_workdir: Workdir, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Starts a shop over a copy of the demo's workdir; it is stopped at the end."""
    opened: list[Site] = []

    def open_site(*settings: str) -> Site:
        root: Path = tmp_path_factory.mktemp("site")
        shutil.copytree(demo_workdir.root, root / "w")
        opened.append(Site(root, *settings))
        return opened[-1]

    yield open_site
    for site in opened:
        site.close()


@pytest.fixture(scope="package")
def shared_site(open_site: Callable[..., Site]) -> Site:
    """A shop over SQLite that soon leaves a model server alone."""
    return open_site("serving.timeout_seconds=3.0", "serving.breaker_failures=3",
                     "serving.breaker_seconds=1.0", f"serving.max_waiting={MAX_WAITING}"
                     )  # fmt: skip


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The shared shop, started again where a test has ended it."""
    assert shared_site.process is not None
    if shared_site.process.poll() is not None:
        shared_site.start()
    return shared_site
