"""The config file of the child, and a child that cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys.errors import ServingError
from serving import model_server_process as process
from serving.model_server_process import ModelServerProcess, models_config


def test_the_config_names_the_versions_of_each_servable(tmp_path: Path):
    text = models_config(tmp_path, {"a": [7], "b": [8, 7]})
    assert text.count("config {") == 2
    assert f'base_path: "{tmp_path}/a"' in text
    assert "specific { versions: 7 }" in text
    assert "specific { versions: 7 versions: 8 }" in text


@pytest.mark.slow
def test_a_server_that_cannot_start_says_what_it_said(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(process, "models_config", lambda *_: "this is no config file")
    server = ModelServerProcess(tmp_path / "none", {"missing": [1]}, tmp_path)
    with pytest.raises(ServingError) as error, server:
        pass
    assert "did not start" in error.value.what
    assert "model_server.log" in error.value.where
    assert not Path(server._folder.name).exists()
