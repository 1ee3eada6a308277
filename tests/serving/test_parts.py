"""Only artifacts that belong together make a bundle."""

import json
import shutil
from types import SimpleNamespace

import pytest

from recsys.artifact import MANIFEST
from recsys.errors import ArtifactError
from recsys.mixture import Mixture
from serving.parts import Parts, _falling, open_parts


def test_an_index_of_another_model_is_refused(workdir):
    path = workdir.index / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["inputs"]["model"] = "another"
    path.unlink()  # the file is a link to the demo's own
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"another model.*vitrine index"):
        open_parts(workdir)


def test_embeddings_of_another_tower_are_refused(workdir):
    path = workdir.tower / MANIFEST
    manifest = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps({**manifest, "fingerprint": "another"}))
    with pytest.raises(ArtifactError, match=r"another tower.*vitrine embed"):
        open_parts(workdir)


def test_a_missing_index_says_what_to_run(workdir):
    shutil.rmtree(workdir.index)
    with pytest.raises(ArtifactError, match="vitrine index"):
        open_parts(workdir)


def test_transitions_of_another_model_are_refused(workdir):
    path = workdir.transitions / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["inputs"]["model"] = "another"
    path.unlink()
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"another model.*vitrine transitions"):
        _ = open_parts(workdir).sources


def test_the_transitions_are_part_of_the_bundle_s_fingerprints(workdir):
    manifest = json.loads((workdir.transitions / MANIFEST).read_text())
    assert open_parts(workdir).fingerprints["transitions"] == manifest["fingerprint"]


def test_two_better_items_of_a_category_halve_what_a_third_counts():
    # by the towers' softmax of scale 10, or by the logarithm of popularity where that weighs more
    assert 2 * _falling(Mixture((0,), (0.0,), (1.0,)), 10.0) == pytest.approx(0.0693147)
    assert 2 * _falling(Mixture((0,), (0.5,), (1.0,)), 10.0) == pytest.approx(0.3465736)


@pytest.mark.parametrize(("both", "engine", "good", "served"), [
    (True, "exact", True, True), (True, "scann", True, True), (True, "exact", False, False),
    (False, "exact", True, False), (False, "scann", True, True),
])  # fmt: skip
def test_scann_is_served_where_it_is_good_and_wanted(both, engine, good, served):
    index = SimpleNamespace(info={"spaces": {"photo": {"scann": good, "engine": engine}}})
    parts = object.__new__(Parts)
    parts.index, parts.both_engines = index, both
    assert parts.serves_scann(SimpleNamespace(name="photo")) is served
