"""A tower that was trained once for the tests that only look at one."""

from __future__ import annotations

import pytest

from recsys.config import Config
from recsys.workdir import Workdir
from tests.embeddings.small_catalog import prepared, small_config, write_catalog


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Workdir]:
    """Settings and workdir of 96 drawn shapes: tables, tower and embeddings; leave it as it is."""
    from embeddings.embed import embed
    from embeddings.train_tower import train_tower

    root = tmp_path_factory.mktemp("catalog")
    write_catalog(root, 96)
    config = small_config(root)
    workdir = prepared(root, config)
    train_tower(config, workdir)
    embed(config, workdir)
    return config, workdir
