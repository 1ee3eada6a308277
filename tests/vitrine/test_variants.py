"""Variants share the tables by links and have all else for themselves."""

from __future__ import annotations

import pytest

from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.workdir import Workdir, publish
from vitrine import pipeline
from vitrine.variants import config_maker, run_variant, variant_workdir


def test_a_variant_reads_the_tables_of_its_workdir(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tables.mkdir()
    (workdir.tables / "a.txt").write_text("here")
    variant = variant_workdir(workdir, "ablations/runs", Config())
    assert (variant.tables / "a.txt").read_text() == "here"
    assert variant.root.parent == tmp_path / "ablations" / "runs"
    assert not variant.embeddings.exists()  # a catalog without photos has none to share
    assert variant_workdir(workdir, "ablations/runs", Config()).root == variant.root


def test_other_settings_are_another_folder(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tables.mkdir()
    maker = config_maker(None, workdir, [])
    roots = {variant_workdir(workdir, "a", maker(more)).root for more in ([], ["train.seed=1"])}
    assert len(roots) == 2


def test_photos_that_are_gone_are_no_longer_shared(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tables.mkdir()
    workdir.embeddings.mkdir()
    assert variant_workdir(workdir, "a", Config()).embeddings.is_dir()
    workdir.embeddings.rmdir()
    assert not variant_workdir(workdir, "a", Config()).embeddings.is_symlink()


def test_a_version_that_a_refresh_published_is_shared(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tables.mkdir()
    variant_workdir(workdir, "a", Config())
    draft = workdir.drafted(["tables"], "t1")
    draft.tables.mkdir(parents=True)
    (draft.tables / "new.txt").write_text("here")
    publish(draft)
    variant = variant_workdir(Workdir(tmp_path), "a", Config())
    assert (variant.tables / "new.txt").read_text() == "here"


def test_without_tables_it_says_so(tmp_path):
    with pytest.raises(ArtifactError, match="vitrine prepare"):
        variant_workdir(Workdir(tmp_path), "a", Config())


def test_the_workdir_s_own_config_is_the_base_and_overrides_come_in_order(tmp_path):
    workdir = Workdir(tmp_path)
    (tmp_path / "config.yaml").write_text("train: {epochs: 7, seed: 1}\n")
    config = config_maker(None, workdir, ["train.seed=2"])(["train.seed=3"])
    assert (config.train.epochs, config.train.seed) == (7, 3)


def test_a_variant_runs_no_step_that_is_shared_or_serves(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(pipeline, "run_only", lambda names, config, workdir: ran.extend(names))
    run_variant(Config(), Workdir(tmp_path))
    assert {"train", "evaluate"} <= set(ran)
    assert not {"prepare", "train-tower", "embed", "index", "export"} & set(ran)
