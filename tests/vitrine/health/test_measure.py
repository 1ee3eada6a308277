"""What a refresh changed, on two small workdirs without a model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recsys.config import Config, config_from
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from tests.vitrine.health.two_workdirs import circle, make_workdir
from vitrine.health.gate import failed, gate
from vitrine.health.measure import measure

CONFIG = Config()


def test_nothing_changed_is_told_as_nothing(tmp_path):
    old, new = (make_workdir(tmp_path / name, circle(40)) for name in ("old", "new"))
    found = measure(CONFIG, old, new)
    assert found["items"] == {
        "old": 40, "new": 40, "added": 0, "removed": 0, "lost_share": 0.0, "photos_old": 40,
        "photos_new": 40, "photos_lost": 0, "photos_lost_share": 0.0, "photos_lost_of": [],
    }  # fmt: skip
    assert found["drift"]["centroid_shift"] == 0.0
    assert found["drift"]["neighbor_instability"] == 0.0
    assert found["neighbors"]["overlap"] == 1.0
    assert found["neighbors"]["shares"] == [0] * 10 + [40]
    assert found["canaries"] == {"similar": {"asked": 40, "overlap": 1.0, "emptied": 0,
                                             "shares": [0] * 10 + [40], "examples": []},
                                 "recommended": None}  # fmt: skip
    assert found["near_duplicates"]["asked"] == 0
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert failed(gate(found, CONFIG)) == []


def test_what_came_went_and_lost_its_photo_is_counted(tmp_path):
    old = make_workdir(tmp_path / "old", circle(40))
    vectors = circle(40)
    for gone in ("i0", "i1", "i2"):  # i0 and i1 leave, i2 stays without a photo
        del vectors[gone]
    vectors["new"] = circle(40)["i7"]  # shows what i7 shows
    found = measure(CONFIG, old, make_workdir(tmp_path / "new", vectors, without_photo=("i2",)))
    items = found["items"]
    assert (items["added"], items["removed"], items["photos_lost_of"]) == (1, 2, ["i2"])
    assert items["lost_share"] == pytest.approx(2 / 40)
    assert items["photos_lost_share"] == pytest.approx(1 / 38)  # of those that stay
    assert found["neighbors"]["overlap"] == 1.0  # among items that stay nothing moved
    assert found["canaries"]["similar"]["overlap"] < 1.0
    duplicates = found["near_duplicates"]
    assert (duplicates["asked"], duplicates["found"], duplicates["new_photos"]) == (1, 1, 1)
    assert duplicates["examples"] == [["i7", "new"]]
    assert [each.name for each in failed(gate(found, CONFIG))] == ["photos-lost"]


def test_photos_that_are_mixed_up_are_drift_of_neighbors_and_not_of_the_center(tmp_path):
    old = make_workdir(tmp_path / "old", circle(200))
    order = np.random.default_rng(0).permutation(200)
    points = list(circle(200).values())
    mixed = {f"i{i}": points[order[i]] for i in range(200)}
    found = measure(CONFIG, old, make_workdir(tmp_path / "new", mixed))
    assert found["drift"]["centroid_shift"] == pytest.approx(0.0, abs=1e-6)
    assert found["neighbors"]["overlap"] < 0.2  # by chance 10 of 199
    names = [each.name for each in failed(gate(found, CONFIG))]
    assert names == ["neighbors", "canaries-similar"]


def test_a_tower_that_sees_one_thing_everywhere_is_drift(tmp_path):
    old = make_workdir(tmp_path / "old", circle(200))
    pulled = {}
    for name, vector in circle(200).items():
        moved = vector + np.array([0.6, 0.0], np.float32)
        pulled[name] = moved / np.linalg.norm(moved)
    found = measure(CONFIG, old, make_workdir(tmp_path / "new", pulled))
    names = {each.name for each in failed(gate(found, CONFIG))}
    assert {"centroid-shift", "neighbor-stability"} <= names
    # each unit vector is pulled to one side: the mean of the new ones lies at about 0.31
    assert found["drift"]["centroid_shift"] == pytest.approx(0.314, abs=0.01)


def test_another_tower_is_asked_for_neighbors_alone(tmp_path):
    old = make_workdir(tmp_path / "old", circle(40))
    # another number of dimensions, the same neighbors
    wider = {name: np.append(vector, 0) for name, vector in circle(40).items()}
    found = measure(CONFIG, old, make_workdir(tmp_path / "new", wider, tower="other"))
    assert found["drift"]["same_tower"] is False
    assert "centroid_shift" not in found["drift"]
    assert found["neighbors"]["overlap"] == 1.0
    assert found["near_duplicates"]["asked"] == 40  # every vector is new
    assert failed(gate(found, CONFIG)) == []


def test_a_first_refresh_has_nothing_to_compare_with(tmp_path):
    found = measure(CONFIG, Workdir(tmp_path / "none"), make_workdir(tmp_path / "w", circle(40)))
    assert found["items"]["lost_share"] is None
    assert found["drift"] is None
    assert found["neighbors"] is None
    assert found["canaries"] == {"similar": None, "recommended": None}
    assert found["index"]["photo"]["recall"] == 0.97
    assert failed(gate(found, CONFIG)) == []


def test_a_damaged_snapshot_is_not_compared_with_and_can_be_replaced(tmp_path):
    old = make_workdir(tmp_path / "old", circle(40))
    (old.embeddings / "parts" / "00000.parquet").write_bytes(b"damaged")
    found = measure(CONFIG, old, make_workdir(tmp_path / "new", circle(40)))
    assert found["items"]["lost_share"] is None
    assert found["drift"] is None
    with pytest.raises(ArtifactError):  # but what is to be published must be whole
        measure(CONFIG, make_workdir(tmp_path / "whole", circle(40)), old)


def test_probes_are_as_many_as_the_settings_say(tmp_path):
    few = config_from({"refresh": {"num_probes": 7, "duplicate_probes": 3}}, where="test")
    old = make_workdir(tmp_path / "old", circle(40))
    other = {name: -vector for name, vector in circle(40).items()}
    found = measure(few, old, make_workdir(tmp_path / "new", other))
    assert found["neighbors"]["asked"] == found["canaries"]["similar"]["asked"] == 7
    assert found["near_duplicates"]["asked"] == 3
    assert found["near_duplicates"]["new_photos"] == 40


def test_an_index_without_figures_is_refused(tmp_path):
    workdir = make_workdir(tmp_path, circle(4))
    (workdir.index / "index.json").write_text("{}")
    with pytest.raises(ArtifactError, match="vitrine index"):
        measure(CONFIG, workdir, workdir)
