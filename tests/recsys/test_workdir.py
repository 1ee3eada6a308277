"""Each step has a folder of its own, and versions of several are published by one rename."""

import json
import os
import pickle
import time
from pathlib import Path

import pytest

from recsys.errors import ArtifactError
from recsys.workdir import Workdir, clear_versions, publish, published


def test_no_two_steps_share_a_folder():
    workdir = Workdir(Path("w"))
    folders = [workdir.tables, workdir.tower, workdir.embeddings, workdir.model, workdir.index,
               workdir.evaluation, workdir.models, workdir.bundles, workdir.steps]  # fmt: skip
    assert len(set(folders)) == len(folders)
    assert all(Path("w") in folder.parents for folder in folders)


def drafted(root: Path, tag: str, names: tuple[str, ...] = ("tables", "model")) -> Workdir:
    draft = Workdir(root).drafted(names, tag)
    for name in names:
        draft.place(name).mkdir(parents=True, exist_ok=True)
    return draft


def test_a_draft_moves_only_what_it_names(tmp_path):
    draft = Workdir(tmp_path).drafted(["tables"], "t1")
    assert draft.tables == tmp_path / "versions" / "tables-t1"
    assert draft.model == tmp_path / "model" and draft.bundles == Workdir(tmp_path).bundles
    assert Workdir(tmp_path).tables == tmp_path / "tables"  # nothing is published by it


def test_who_holds_a_workdir_holds_a_snapshot(tmp_path):
    before = Workdir(tmp_path)
    publish(drafted(tmp_path, "t1"))
    assert (before.tables, before.model) == (tmp_path / "tables", tmp_path / "model")
    after = Workdir(tmp_path)
    assert after.tables == tmp_path / "versions" / "tables-t1"
    assert after.model == tmp_path / "versions" / "model-t1"
    assert after != before and pickle.loads(pickle.dumps(after)) == after


def test_a_draft_of_published_versions_keeps_the_others(tmp_path):
    publish(drafted(tmp_path, "t1"))
    publish(drafted(tmp_path, "t2", ("tables",)), {"note": 1})
    assert Workdir(tmp_path).tables.name == "tables-t2"
    assert Workdir(tmp_path).model.name == "model-t1"
    assert published(tmp_path)["note"] == 1


def test_a_draft_with_a_missing_folder_is_not_published(tmp_path):
    publish(drafted(tmp_path, "t1"))
    with pytest.raises(ArtifactError, match="the draft has no tables"):
        publish(Workdir(tmp_path).drafted(["tables"], "t2"))
    assert Workdir(tmp_path).tables.name == "tables-t1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"places": {"tables": 3}}', '{"places": "x"}'])
def test_a_spoiled_record_is_refused_by_name(tmp_path, text):
    (tmp_path / "published.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"published\.json"):
        Workdir(tmp_path)


def test_versions_that_nothing_names_are_cleared_when_they_are_old(tmp_path):
    publish(drafted(tmp_path, "t1"))
    publish(drafted(tmp_path, "t2"))
    leftover = tmp_path / "versions" / ".tables-t2.5f.tmp"
    leftover.mkdir()
    assert clear_versions(tmp_path, 3600) == [] and not leftover.exists()
    assert clear_versions(tmp_path, 0) == ["model-t1", "tables-t1"]
    assert Workdir(tmp_path).tables.is_dir() and Workdir(tmp_path).model.is_dir()


def test_the_age_of_a_version_counts_from_when_it_was_published_last(tmp_path):
    draft = drafted(tmp_path, "t1")
    publish(draft)
    long_ago = time.time() - 7200
    os.utime(draft.tables, (long_ago, long_ago))
    os.utime(draft.model, (long_ago, long_ago))
    publish(drafted(tmp_path, "t2", ("tables",)))
    assert clear_versions(tmp_path, 3600) == []  # a reader may still hold it


def test_the_drafts_of_a_killed_refresh_stay_for_the_next(tmp_path):
    drafted(tmp_path, "t9", ("tables",))
    (tmp_path / "versions" / ".embeddings-t9.parts").mkdir()
    assert clear_versions(tmp_path, 0, keep=["t9"]) == []
    assert len(clear_versions(tmp_path, 0)) == 2


def test_the_record_is_plain_json(tmp_path):
    publish(drafted(tmp_path, "t1", ("tables",)), {"tag": "t1"})
    record = json.loads((tmp_path / "published.json").read_text())
    assert record == {"places": {"tables": "versions/tables-t1"}, "tag": "t1"}
