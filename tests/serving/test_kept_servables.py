"""An encoder goes into the next bundle as it is, if nothing that it is made of has changed."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

from embeddings.text_tower import TextSettings, build_text_tower
from recsys.artifact import hash_files, write_artifact
from recsys.config import config_from
from recsys.workdir import Workdir
from serving import kept_servables
from serving.bundle import IMAGE_ENCODER, TEXT_ENCODER
from serving.kept_servables import find_kept, made_of
from serving.loaded_servable import LoadedServable
from serving.servables import save_servable
from serving.stamp import FINGERPRINT
from serving.text_encoder import TextEncoder

WANTED = {TEXT_ENCODER: "key"}


@pytest.fixture
def workdir(tmp_path) -> Workdir:
    """A workdir whose only bundle has a text encoder."""
    made = Workdir(tmp_path)
    folder = made.models / TEXT_ENCODER / "1"
    save_servable(TextEncoder(build_text_tower(TextSettings(4, 64, 8)), "first"), folder)
    with write_artifact(made.bundles / "1", "bundle") as draft:
        draft.info = {"version": 1, "fingerprint": "first", "servables": [TEXT_ENCODER],
                      "made_of": WANTED, "files": {TEXT_ENCODER: hash_files(folder)}}  # fmt: skip
    return made


def _words(folder) -> dict[str, np.ndarray]:
    loaded = LoadedServable(folder)
    try:
        return loaded.predict({"text": np.array([b"Red Dress"], dtype=object)})
    finally:
        loaded.close()


def test_the_same_encoder_answers_in_the_name_of_the_next_bundle(workdir):
    before = workdir.models / TEXT_ENCODER / "1"
    kept = find_kept(WANTED, workdir)[TEXT_ENCODER]
    after = workdir.models / TEXT_ENCODER / ".2.tmp"
    kept.link(after, "second")
    old, new = _words(before), _words(after)
    np.testing.assert_array_equal(new["embedding"], old["embedding"])
    assert (old["fingerprint"].tolist(), new["fingerprint"].tolist()) == (["first"], ["second"])
    changed = {name for name, sha in hash_files(after).items() if hash_files(before)[name] != sha}
    assert changed == {FINGERPRINT.as_posix()}
    assert (after / "saved_model.pb").samefile(before / "saved_model.pb")


def test_a_disk_without_links_gets_copies(workdir, monkeypatch):
    def refuse(*args: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    after = workdir.models / TEXT_ENCODER / ".2.tmp"
    find_kept(WANTED, workdir)[TEXT_ENCODER].link(after, "second")
    assert _words(after)["fingerprint"].tolist() == ["second"]


def test_an_encoder_made_of_something_else_is_made_anew(workdir):
    assert find_kept({TEXT_ENCODER: "another"}, workdir) == {}
    assert find_kept({IMAGE_ENCODER: "key"}, workdir) == {}


@pytest.mark.parametrize("harm", ["flipped", "missing", "added"])
def test_a_damaged_encoder_is_made_anew(workdir, harm):
    folder = workdir.models / TEXT_ENCODER / "1"
    path = folder / "variables" / "variables.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    if harm == "flipped":
        data[7] ^= 1
        path.write_bytes(data)
    elif harm == "missing":
        path.unlink()
    else:
        (folder / "assets" / "extra.txt").write_text("?")
    assert find_kept(WANTED, workdir) == {}


def test_without_a_bundle_nothing_is_kept(tmp_path):
    assert find_kept(WANTED, Workdir(tmp_path)) == {}


def _parts(tower: str = "t", words: str = "w", photo: object = True) -> SimpleNamespace:
    spaces = SimpleNamespace(fingerprints={"tower": tower}, photo=photo)
    return SimpleNamespace(spaces=spaces, words=SimpleNamespace(fingerprint=words))


def test_a_key_follows_tower_settings_and_code(monkeypatch):
    config = config_from({}, where="test")
    key = made_of(_parts(), config)
    assert set(key) == {IMAGE_ENCODER, TEXT_ENCODER} and made_of(_parts(), config) == key
    assert made_of(_parts(tower="u"), config)[IMAGE_ENCODER] != key[IMAGE_ENCODER]
    assert made_of(_parts(tower="u"), config)[TEXT_ENCODER] == key[TEXT_ENCODER]
    assert made_of(_parts(words="v"), config)[TEXT_ENCODER] != key[TEXT_ENCODER]
    joined = config_from({"export": {"encoder_max_batch": 7}}, where="test")
    assert made_of(_parts(), joined)[IMAGE_ENCODER] != key[IMAGE_ENCODER]
    kept = config_from({"export": {"keep_bundles": 7}}, where="test")
    assert made_of(_parts(), kept) == key
    monkeypatch.setattr(kept_servables, "_CODE", ("servables.py",))
    assert made_of(_parts(), config)[TEXT_ENCODER] != key[TEXT_ENCODER]
    assert made_of(_parts(photo=None), config).keys() == {TEXT_ENCODER}
