"""Bundles are opened whole, newest first, and refused where something does not fit."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from recsys.artifact import MANIFEST, write_artifact
from recsys.errors import ArtifactError, NotFoundError
from recsys.workdir import Workdir
from serving.bundle import ITEMS, KIND, PHOTO_VECTORS, list_bundles, list_versions, open_bundle

SERVABLES = ["similar_items", "similar_items_scann"]


@pytest.fixture
def workdir(tmp_path):
    """A workdir with bundles 2 and 10."""
    workdir = Workdir(tmp_path)
    for version in (2, 10):
        publish(workdir, version)
    return workdir


def publish(workdir, version):
    for name in SERVABLES:
        folder = workdir.models / name / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
    with write_artifact(workdir.bundles / str(version), KIND) as draft:
        draft.info = {"version": version, "fingerprint": f"f{version}", "servables": SERVABLES,
                      "engines": {"similar_items": "exact"}}  # fmt: skip


def test_versions_are_numbers_not_words(workdir):
    assert list_versions(workdir) == [2, 10]
    assert open_bundle(workdir).version == 10


def test_a_version_can_be_named(workdir):
    bundle = open_bundle(workdir, 2)
    assert (bundle.version, bundle.fingerprint) == (2, "f2")
    assert bundle.model_folder("similar_items") == workdir.models / "similar_items" / "2"


def test_drafts_are_no_bundles(workdir):
    (workdir.bundles / ".11.abc.tmp").mkdir()
    (workdir.bundles / "notes").mkdir()
    assert open_bundle(workdir).version == 10


def test_an_unknown_version_names_the_known_ones(workdir):
    with pytest.raises(NotFoundError, match=r"no bundle 3\. There are 2, 10"):
        open_bundle(workdir, 3)


def test_no_bundle_says_what_to_run(tmp_path):
    with pytest.raises(ArtifactError, match="vitrine export"):
        open_bundle(Workdir(tmp_path))


def test_another_format_version_is_refused(workdir):
    path = workdir.bundles / "10" / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(ArtifactError, match="format version 99"):
        open_bundle(workdir)


def test_a_bundle_without_its_servables_is_refused(workdir):
    shutil.rmtree(workdir.models / "similar_items_scann" / "10")
    with pytest.raises(ArtifactError, match="lacks its servable `similar_items_scann`"):
        open_bundle(workdir)
    assert [bundle.version for bundle in list_bundles(workdir)] == [2]


def test_an_engine_can_be_asked_for(workdir):
    bundle = open_bundle(workdir)
    assert bundle.servable("similar_items") == "similar_items"
    assert bundle.servable("similar_items", "scann") == "similar_items_scann"


def test_a_servable_it_lacks_is_named_with_those_it_has(workdir):
    with pytest.raises(NotFoundError, match="no `recommend`; it has similar_items,"):
        open_bundle(workdir).servable("recommend")


def test_vectors_are_read_only_maps_and_absent_where_there_are_none(workdir):
    path = open_bundle(workdir).artifact.path
    assert open_bundle(workdir).photo_vectors is None
    np.save(path / PHOTO_VECTORS, np.eye(2, dtype=np.float32))
    vectors = open_bundle(workdir).photo_vectors
    assert vectors.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="read-only"):
        vectors[0] = 0
    (path / PHOTO_VECTORS).write_bytes(b"not an array")
    with pytest.raises(ArtifactError, match="vectors cannot be read"):
        _ = open_bundle(workdir).photo_vectors


def test_damaged_items_are_an_error(workdir):
    bundle = open_bundle(workdir)
    (bundle.artifact.path / ITEMS).write_bytes(b"PAR1 damaged")
    with pytest.raises(ArtifactError, match="items cannot be read"):
        bundle.items.head()


def test_opening_a_bundle_needs_no_tensorflow():
    code = "import sys, serving.bundle; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
