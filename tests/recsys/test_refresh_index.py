"""A refreshed index keeps its settings as long as they reach the target, and no longer."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from recsys import refresh_index as module
from recsys import tune_index
from recsys.artifact import open_artifact, verify_artifact, write_artifact, write_json
from recsys.config import Config, config_from
from recsys.embedding_table import Part, write_table
from recsys.errors import IndexQualityError
from recsys.prepare import prepare
from recsys.refresh_index import refresh_index
from recsys.scann_parts import load_parts
from recsys.workdir import Workdir

ITEMS, DIM = 2400, 16  # enough for a tree


def _config(root, **index) -> Config:
    settings = {"target_recall": 0.95, "num_probes": 60, **index}
    return config_from({"data": {"root": str(root), "catalog": "catalog.csv", "events": ""},
                        "index": settings}, where="test")  # fmt: skip


def _vectors(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(40, DIM))[np.arange(ITEMS) % 40] + 0.5 * rng.normal(
        size=(ITEMS, DIM)
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _write(workdir: Workdir, vectors: np.ndarray) -> None:
    """Tables and an embedding table of so many items."""
    root = workdir.root.parent
    rows = "\n".join(f"i{n},photo.jpg" for n in range(len(vectors)))
    (root / "catalog.csv").write_text(f"item_id,image\n{rows}\n", encoding="utf-8")
    prepare(_config(root), workdir)
    ids = [f"i{n}" for n in range(len(vectors))]
    part = Part(item_ids=ids, photo_sha256=["0" * 64] * len(ids), vectors=vectors)
    write_table(workdir.embeddings, [part], tower_fingerprint="tower", embedding_dim=DIM,
                inputs={"tower": "tower"})  # fmt: skip


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    workdir = Workdir(tmp_path_factory.mktemp("shop") / "work")
    _write(workdir, _vectors())
    tune_index.tune_index(_config(workdir.root.parent), workdir)
    return workdir


@pytest.fixture
def draft(tuned, tmp_path):
    """A workdir to refresh into, with the tables and embeddings of the tuned one."""
    made = Workdir(tmp_path / "work")
    for name in ("tables", "embeddings"):
        shutil.copytree(tuned.root / name, made.root / name)
    return made


@pytest.fixture
def no_search(monkeypatch):
    """Fails where settings are searched."""

    def searched(*args: object) -> None:
        raise AssertionError("settings were searched")

    monkeypatch.setattr(module, "tune_space", searched)


def _photo(workdir: Workdir) -> dict:
    return dict(open_artifact(workdir.index, "index", mend="").info["spaces"]["photo"])


def test_the_same_vectors_keep_the_very_index(tuned, draft, no_search, monkeypatch):
    monkeypatch.setattr(module, "ScannIndex", None)  # nothing is built
    refresh_index(_config(tuned.root.parent), tuned, draft)
    assert _photo(draft) == _photo(tuned)
    before, after = (load_parts(workdir.index / "photo.npz") for workdir in (tuned, draft))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    verify_artifact(open_artifact(draft.index, "index", mend=""))


def test_new_vectors_are_built_with_the_old_settings(tuned, draft, no_search):
    vectors = _vectors()
    vectors[:24] = _vectors(seed=0)[24:48][:, ::-1]  # one percent of the photos changed
    _write(draft, vectors)
    refresh_index(_config(tuned.root.parent), tuned, draft)
    before, after = _photo(tuned), _photo(draft)
    assert after["kept"] and after["recall"] >= 0.95
    assert after["settings"]["num_leaves"] == before["settings"]["num_leaves"]
    assert after["engine"] == before["engine"] and after["content"] != before["content"]


def test_recall_below_the_target_searches_more_leaves_of_the_same_tree(tuned, draft, no_search):
    _write(draft, _vectors(seed=1))
    poor = _with(tuned, draft, leaves_to_search=1, reorder=10)
    refresh_index(_config(tuned.root.parent), poor, draft)
    after = _photo(draft)
    assert after["recall"] >= 0.94
    assert after["settings"]["leaves_to_search"] > 1
    assert after["settings"]["num_leaves"] == _photo(tuned)["settings"]["num_leaves"]


def test_settings_are_searched_anew_where_more_leaves_do_not_help(tuned, draft, monkeypatch):
    _write(draft, _vectors(seed=1))
    searched = []
    monkeypatch.setattr(module, "tried", lambda *args: [])
    monkeypatch.setattr(module, "tune_space", lambda space, *rest: (
        searched.append(space.name) or ({**_photo(tuned), "trials": []}, None)))  # fmt: skip
    poor = _with(tuned, draft, leaves_to_search=1, reorder=10)
    refresh_index(_config(tuned.root.parent), poor, draft)
    assert searched == ["photo"]


@pytest.mark.parametrize("change", ["size", "target", "none before"])
def test_what_the_settings_were_not_found_for_searches_anew(tuned, draft, monkeypatch, change):
    searched = []
    monkeypatch.setattr(module, "tune_space", lambda space, *rest: (
        searched.append(space.name) or ({**_photo(tuned), "trials": []}, None)))  # fmt: skip
    target = 0.93 if change == "target" else 0.95
    if change == "size":
        _write(draft, _vectors()[:1000])  # a tree pays from 2000 items on
    old = draft if change == "none before" else tuned
    refresh_index(_config(tuned.root.parent, target_recall=target), old, draft)
    assert searched == ["photo"]


def test_an_index_that_stays_too_poor_is_refused(tuned, draft, monkeypatch):
    _write(draft, _vectors(seed=1))
    monkeypatch.setattr(tune_index, "SEARCHED_SHARES", (0.003,))
    monkeypatch.setattr(tune_index, "SHAPES", ((1.0, 4),))
    monkeypatch.setattr(tune_index, "REORDERS", (11,))
    poor = _with(tuned, draft, leaves_to_search=1, reorder=10)
    with pytest.raises(IndexQualityError, match=r"min_recall"):
        refresh_index(_config(tuned.root.parent, min_recall=0.95), poor, draft)
    assert not draft.index.exists()


def test_another_engine_is_taken_without_building_anything(tuned, draft, no_search):
    refresh_index(_config(tuned.root.parent, engine="scann"), tuned, draft)
    assert _photo(draft)["engine"] == "scann"
    refresh_index(_config(tuned.root.parent, engine="exact"), tuned, draft)
    assert _photo(draft)["engine"] == "exact"


def _with(tuned: Workdir, draft: Workdir, **settings: int) -> Workdir:
    """A workdir whose index says that it has other settings."""
    made = Workdir(draft.root.parent / "poor")
    report = _photo(tuned)
    report["settings"] = {**report["settings"], **settings}
    summary = {"spaces": {"photo": report}, "k": 10, "target_recall": 0.95}
    with write_artifact(made.index, "index") as written:
        write_json(written.path / "index.json", summary)
        written.info = summary
    return made
