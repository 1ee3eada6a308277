"""Shops that may be broken; each module's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recsys.workdir import Workdir
from tests.serving.api.conftest import api, model_server, photo, service
from tests.serving.faults.site import Site

__all__ = ["api", "model_server", "photo", "service"]  # fixtures of an app over twenty items


@pytest.fixture(scope="module")
def open_site(
    demo_workdir: Workdir, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Starts a shop over a copy of the demo's workdir; it is stopped after the module."""
    opened: list[Site] = []

    def open_site(*settings: str) -> Site:
        root: Path = tmp_path_factory.mktemp("site")
        shutil.copytree(demo_workdir.root, root / "w")
        opened.append(Site(root, *settings))
        return opened[-1]

    yield open_site
    for site in opened:
        site.close()
