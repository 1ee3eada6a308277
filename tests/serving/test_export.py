"""A bundle is published whole or not at all, and belongs together."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recsys.config import config_from, load_config
from recsys.errors import ServingError
from recsys.features import place_inputs
from recsys.index import ExactIndex
from recsys.workdir import Workdir
from serving import export as exporting
from serving.bundle import IMAGE_ENCODER, list_versions, open_bundle, versions_in
from serving.canaries import Question, text
from serving.export import compare, export
from serving.kept_servables import find_kept
from serving.loaded_servable import LoadedServable
from serving.local import LocalBundle
from serving.parts import make_servables, open_parts
from serving.servables import SimilarItems, save_servable
from serving.warmup import FILE

EVERY = ["image_encoder", "recommend", "recommend_scann", "similar_items", "similar_items_scann",
         "text_encoder"]  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    """Publishes similar_items alone, over the exact engine: the others only take time."""

    def only_exact(parts, config, fingerprint, kept=()):
        every = make_servables(parts, config, fingerprint, kept)
        return {"similar_items": every["similar_items"]}

    monkeypatch.setattr(exporting, "make_servables", only_exact)
    monkeypatch.setattr(exporting, "find_kept", lambda keys, workdir: {})


def folders(workdir):
    """Names of everything beside the files in models/ and bundles/."""
    return sorted(path.relative_to(workdir.export).as_posix()
                  for pattern in ("models/*/*", "bundles/*")
                  for path in workdir.export.glob(pattern))  # fmt: skip


def test_a_bundle_has_every_servable_with_warm_up(demo_workdir):
    bundle = open_bundle(demo_workdir)
    assert sorted(bundle.servables) == EVERY
    assert all((bundle.model_folder(name) / FILE).stat().st_size > 0 for name in EVERY)


def test_a_bundle_says_what_it_is_made_of(demo_workdir, demo_config):
    info = open_bundle(demo_workdir).info
    parts = open_parts(demo_workdir)
    assert info["fingerprints"] == parts.fingerprints
    assert set(info["fingerprints"]) >= {"tables", "tower", "embeddings", "words", "model", "index"}
    assert info["spaces"] == {"similar_items": "photo", "recommend": "behavior"}
    assert info["embedding_dims"] == {
        "photo": demo_config.tower.embedding_dim, "behavior": demo_config.model.embedding_dim,
    }  # fmt: skip
    assert info["image_size"] == parts.tower.image_size
    assert len(info["categories"]) > 5
    assert set(info["attributes"]) == {"color", "pattern", "material"}
    assert "purchase" in info["event_kinds"]


def test_a_bundles_items_are_the_catalog_in_row_order(demo_workdir):
    bundle, parts = open_bundle(demo_workdir), open_parts(demo_workdir)
    assert bundle.items["item_id"].tolist() == parts.catalog["item_id"].tolist()
    embedded = bundle.items.loc[bundle.items["has_photo"], "item_id"].tolist()
    assert embedded == parts.spaces.photo.item_ids
    assert "split" not in bundle.items


def test_a_bundles_vectors_are_in_row_order(demo_workdir):
    bundle, parts = open_bundle(demo_workdir), open_parts(demo_workdir)
    has_photo = bundle.items["has_photo"].to_numpy()
    np.testing.assert_array_equal(bundle.photo_vectors[has_photo], parts.spaces.photo.vectors)
    assert not bundle.photo_vectors[~has_photo].any()
    np.testing.assert_array_equal(bundle.candidate_vectors, parts.spaces.behavior.vectors)
    assert bundle.vocabulary == parts.placement.vocabulary


def test_the_published_place_is_the_towers(demo_workdir):
    bundle, parts = open_bundle(demo_workdir), open_parts(demo_workdir)
    inputs = {name: array[:5] for name, array in place_inputs(parts.features).items()}
    found = LoadedServable(bundle.model_folder("recommend")).predict(inputs, "place")["embedding"]
    bags = {name: array for name, array in inputs.items() if name != "embedding"}
    expected = parts.placement.vectors(inputs["embedding"], bags)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_resolved_config_goes_into_the_bundle(demo_workdir, demo_config):
    bundle = open_bundle(demo_workdir)
    assert load_config(bundle.artifact.path / "config.yaml") == demo_config


def test_versions_go_up_and_old_bundles_go(workdir, demo_config, quick):
    config = demo_config.model_copy(
        update={"export": demo_config.export.model_copy(update={"keep_bundles": 2})}
    )
    assert [export(config, workdir)["version"] for _ in range(2)] == [2, 3]
    assert list_versions(workdir) == [2, 3]
    assert versions_in(workdir.models / "similar_items") == [2, 3]
    assert versions_in(workdir.models / IMAGE_ENCODER) == []


def test_the_same_inputs_have_the_same_fingerprint(workdir, demo_config, quick):
    before = open_bundle(workdir).fingerprint
    assert export(demo_config, workdir)["fingerprint"] == before


def test_encoders_whose_tower_did_not_change_are_taken_over(
    workdir, demo_config, quick, monkeypatch
):
    monkeypatch.setattr(exporting, "find_kept", find_kept)
    monkeypatch.setattr(exporting, "FORMAT", "another")  # so that the fingerprint is another
    before = open_bundle(workdir)
    export(demo_config, workdir)
    after = open_bundle(workdir)
    assert sorted(after.servables) == ["image_encoder", "similar_items", "text_encoder"]
    for name in ("image_encoder", "text_encoder"):
        old, new = before.model_folder(name), after.model_folder(name)
        assert (new / "saved_model.pb").samefile(old / "saved_model.pb")
        assert after.info["made_of"][name] == before.info["made_of"][name]
    words = {"text": text(["red dress"])}
    answers = [LoadedServable(bundle.model_folder("text_encoder")).predict(words)
               for bundle in (before, after)]  # fmt: skip
    np.testing.assert_array_equal(answers[0]["embedding"], answers[1]["embedding"])
    assert [answer["fingerprint"][0] for answer in answers] == [
        before.fingerprint, after.fingerprint,
    ]  # fmt: skip
    assert before.fingerprint != after.fingerprint


def test_one_that_answers_differently_stops_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "compare", _never_the_same)
    servables = {name: (SimilarItems(ExactIndex(np.eye(2, dtype=np.float32)), ["a", "b"], "f"), [])
                 for name in ("one", "two")}  # fmt: skip
    with pytest.raises(ServingError, match="one differs"):
        exporting._write_all(servables, {}, 1, config_from({}, where="test"), Workdir(tmp_path))


def _never_the_same(servable, folder, questions, tolerance):
    raise ServingError(f"{folder.parent.name} differs.")


def test_an_answer_that_changes_on_disk_publishes_nothing(workdir, demo_config, quick, monkeypatch):
    before = folders(workdir)
    save = exporting.save_servable

    def save_moved(servable, folder):
        vectors = servable._index.vectors
        vectors.assign(vectors[::-1])
        save(servable, folder)
        vectors.assign(vectors[::-1])

    monkeypatch.setattr(exporting, "save_servable", save_moved)
    with pytest.raises(ServingError, match=r"similar_items, signature \w+: once loaded again"):
        export(demo_config, workdir)
    assert folders(workdir) == before


def test_a_failed_bundle_takes_its_servables_back(workdir, demo_config, quick, monkeypatch):
    before = folders(workdir)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_write_bundle", no_space)
    with pytest.raises(OSError, match="No space"):
        export(demo_config, workdir)
    assert folders(workdir) == before


def test_what_a_killed_export_left_is_cleared_and_its_number_not_used_again(
    workdir, demo_config, quick
):
    shutil.copytree(workdir.models / "recommend" / "1", workdir.models / "recommend" / "2")
    (workdir.models / "recommend" / ".2.0a.tmp").mkdir()
    (workdir.bundles / ".2.0a.tmp").mkdir()
    assert open_bundle(workdir).version == 1  # no bundle 2: its servable is no version of ours
    assert export(demo_config, workdir)["version"] == 3
    assert versions_in(workdir.models / "recommend") == [1]
    assert folders(workdir) == sorted(
        ["bundles/1", "bundles/3", "models/similar_items/3", *(f"models/{n}/1" for n in EVERY)]
    )


@pytest.mark.parametrize(
    ("gone", "servables", "space"),
    [
        ("model", ["image_encoder", "similar_items", "similar_items_scann", "text_encoder"],
         "photo"),
        ("embeddings", ["recommend", "recommend_scann", "similar_items", "similar_items_scann"],
         "behavior"),
    ],
)  # fmt: skip
def test_a_catalog_without_events_or_photos_has_fewer_servables(
    workdir, demo_config, gone, servables, space
):
    from recsys.tune_index import tune_index

    shutil.rmtree(workdir.root / gone)
    tune_index(demo_config, workdir)
    summary = export(demo_config, workdir)
    assert sorted(summary["servables"]) == servables
    assert open_bundle(workdir).info["spaces"]["similar_items"] == space
    item_id = open_bundle(workdir).items["item_id"][0]
    assert len(LocalBundle(workdir).similar_items(item_id, 3)) == 3


def test_compare_names_the_signature_that_differs(tmp_path):
    vectors = np.eye(3, dtype=np.float32)
    save_servable(SimilarItems(ExactIndex(vectors), ["a", "b", "c"], "f"), tmp_path / "m" / "1")
    other = SimilarItems(ExactIndex(vectors), ["a", "c", "b"], "f")
    query = {"embedding": np.array([[0.1, 0.5, 0.3]], np.float32), "k": np.array([2], np.int32),
             "exclude": text([""])[None]}  # fmt: skip
    with pytest.raises(ServingError, match=r"m, signature by_embedding.*gives \['b', 'c'\]"):
        compare(other, tmp_path / "m" / "1", [Question("by_embedding", query)], 1e-4)


@pytest.mark.slow
def test_an_export_that_is_killed_leaves_the_old_bundle(workdir, demo_config):
    before = open_bundle(workdir).version
    code = (
        "import os, sys; from pathlib import Path\n"
        "from recsys.config import load_config; from recsys.workdir import Workdir\n"
        "from serving import export as e\n"
        "every = e.make_servables\n"
        "e.make_servables = lambda *a: {'similar_items': every(*a)['similar_items']}\n"
        "e._write_bundle = lambda *a: os.kill(os.getpid(), 9)\n"
        "w = Workdir(Path(sys.argv[1])); e.export(load_config(w.root / 'config.yaml'), w)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(workdir.root)], check=False, cwd=root, capture_output=True
    )
    assert done.returncode == -9, done.stderr.decode()
    assert open_bundle(workdir).version == before
    assert versions_in(workdir.models / "similar_items") == [before, before + 1]
