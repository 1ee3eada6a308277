"""A refresh does what a change asks for, publishes once, and can be stopped anywhere."""

import dataclasses
import json
import os
import time

import pytest

from recsys.artifact import write_artifact
from recsys.config import dump_config
from recsys.errors import ArtifactError, IndexQualityError, OutOfTimeError, ServingError
from recsys.workdir import published
from tests.vitrine.small_refresh import FIGURES, make_shop
from vitrine.__main__ import main
from vitrine.locking import workdir_lock
from vitrine.refresh_outcome import (
    DONE,
    FAILED,
    GATE_FAILED,
    LOCKED,
    OUT_OF_TIME,
    REFUSED,
    UNCHANGED,
)
from vitrine.verify import verify

TEN = [(f"i{number}", f"item {number}") for number in range(10)]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    return make_shop(tmp_path, monkeypatch)


def test_nothing_changed_makes_no_bundle_and_publishes_nothing(shop):
    outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code, shop.ran) == (UNCHANGED, 0, [])
    assert shop.versions == [1] and shop.workdir.places == {}
    assert outcome.version == 1 and "nothing changed" in outcome.lines()[0]


def test_a_changed_catalog_is_published_whole(shop):
    before = shop.workdir
    shop.write([*TEN[1:], ("i0", "another title"), ("new", "an item")])
    outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code, outcome.version) == (DONE, 0, 2)
    assert shop.ran == ["tables", "index", "export"] and shop.versions == [1, 2]
    changes = outcome.changes
    assert (changes["added"], changes["removed"], changes["metadata_changed"]) == (1, 0, 1)
    after = shop.workdir
    assert after.tables.parent.name == after.index.parent.name == "versions"
    assert before.tables.is_dir()  # who held the old snapshot holds it still
    assert verify(after.root).whole
    assert (outcome.report / "report.html").is_file()
    assert shop.refresh().status == UNCHANGED and shop.ran == []


def test_a_catalog_that_was_merely_written_again_changes_nothing(shop):
    shop.refresh()
    os.utime(shop.folder / "catalog.csv", (1, 1))
    outcome = shop.refresh()
    assert (outcome.status, shop.ran) == (UNCHANGED, ["tables"])
    assert outcome.stages["tables"]["state"] == "same" and shop.versions == [1]
    assert shop.refresh().stages["tables"]["state"] == "kept" and shop.ran == []


def test_changes_add_up_night_after_night(shop):
    for night in range(3):
        shop.write([*TEN, (f"new{night}", "an item")])
        assert shop.refresh().status == DONE
    assert shop.versions == [1, 2, 3, 4] and published(shop.workdir.root)["sequence"] == 3
    shop.write(TEN)  # as on the first day
    assert shop.refresh().status == DONE and verify(shop.workdir.root).whole


@pytest.mark.parametrize("stage", ["tables", "index", "export"])
def test_a_refresh_that_was_killed_goes_on_where_it_was(shop, stage):
    shop.write([*TEN, ("new", "an item")])
    shop.fail[stage] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        shop.refresh()
    assert shop.versions == [1] and shop.workdir.places == {} and verify(shop.workdir.root).whole
    outcome = shop.refresh()
    order = ["tables", "index", "export"]
    assert outcome.status == DONE and shop.ran == order[order.index(stage) :]
    assert verify(shop.workdir.root).whole and shop.versions == [1, 2]


def test_killed_between_bundle_and_publication_it_only_publishes(shop, monkeypatch):
    shop.write([*TEN, ("new", "an item")])
    with monkeypatch.context() as patch:
        patch.setattr("vitrine.refresh.publish", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            shop.refresh()
    assert shop.versions == [1, 2] and shop.workdir.places == {}
    outcome = shop.refresh()
    assert (outcome.status, outcome.version, shop.ran) == (DONE, 2, [])
    assert shop.versions == [1, 2] and shop.workdir.places["tables"].startswith("versions/")


def test_what_was_drafted_for_another_catalog_goes(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.fail["export"] = OutOfTimeError("the time given is over; all is kept.")
    assert shop.refresh().status == OUT_OF_TIME
    drafts = {path.name for path in (shop.workdir.root / "versions").iterdir()}
    assert len(drafts) == 2
    shop.write([*TEN, ("other", "an item")])
    assert shop.refresh().status == DONE
    assert drafts.isdisjoint(path.name for path in (shop.workdir.root / "versions").iterdir())


def test_out_of_time_has_a_code_of_its_own_and_the_next_goes_on(shop):
    shop.write([*TEN, ("new", "an item")])
    outcome = shop.refresh(max_minutes=1e-9)
    assert (outcome.status, outcome.exit_code, outcome.version) == (OUT_OF_TIME, 5, 1)
    assert shop.ran == ["tables"] and "goes on" in outcome.error
    assert shop.refresh().status == DONE and shop.ran == ["index", "export"]


def test_a_shrunken_catalog_is_refused_unless_it_is_meant(shop):
    shop.write(TEN[:8])
    outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code) == (REFUSED, 4)
    assert "2 of 10 items are gone" in outcome.error and "--allow-shrink" in outcome.error
    assert shop.versions == [1] and shop.workdir.places == {}
    shop.figures = {**FIGURES, "items": {"lost_share": 0.2, "photos_lost_share": 0.0}}
    assert shop.refresh(allow_shrink=True).status == DONE


def test_an_empty_catalog_is_refused(shop):
    shop.write([])
    outcome = shop.refresh()
    assert outcome.exit_code == 4 and "the catalog is empty" in outcome.error


def test_too_many_repeated_ids_are_refused_and_few_are_left_out(shop):
    shop.write([*TEN, *TEN])
    assert shop.refresh().status == REFUSED
    shop.write([*TEN, TEN[0], ("new", "an item")])
    assert shop.refresh().changes["items"] == 11


def test_a_failed_gate_keeps_the_old_bundle_and_can_be_forced(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.figures = {**FIGURES, "neighbors": {"overlap": 0.5}}
    outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code, outcome.version) == (GATE_FAILED, 3, 1)
    assert "neighbors: overlap" in outcome.error and "0.2 under" in outcome.error
    assert outcome.report and shop.versions == [1] and shop.workdir.places == {}
    outcome = shop.refresh(forced=("neighbors",))
    assert outcome.status == DONE and shop.ran == ["export"]


def test_servables_that_answer_otherwise_once_loaded_fail_a_gate(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.fail["export"] = ServingError("once loaded again it answers differently: by 1.")
    outcome = shop.refresh()
    assert outcome.status == GATE_FAILED and "answers differently" in outcome.error
    assert shop.workdir.places == {}


def test_an_index_below_its_recall_fails_a_gate_and_is_reported(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.fail["index"] = IndexQualityError("the index finds 0.85, 0.05 less than 0.9.")
    outcome = shop.refresh()
    assert outcome.status == GATE_FAILED and "0.05 less" in outcome.error
    assert outcome.report and shop.ran == ["tables", "index"] and shop.versions == [1]
    assert shop.refresh().status == DONE  # the next one makes the index again


def test_a_second_refresh_refuses_and_names_the_first(shop):
    with workdir_lock(shop.workdir.root, "refresh"):
        outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code) == (LOCKED, 6)
    assert f"`vitrine refresh`, process {os.getpid()}" in outcome.error


def test_other_errors_are_one_line_and_code_one(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.fail["index"] = ArtifactError("cannot write: No space left on device.", where="w")
    outcome = shop.refresh()
    assert (outcome.status, outcome.exit_code) == (FAILED, 1)
    assert outcome.error == "w: cannot write: No space left on device."
    assert shop.workdir.places == {} and verify(shop.workdir.root).whole


def test_a_workdir_that_was_never_made_is_no_workdir_to_refresh(tmp_path, shop):
    empty = dataclasses.replace(shop, folder=tmp_path / "empty")
    assert "vitrine run" in empty.refresh().error
    assert not empty.folder.exists()


def test_a_full_disk_is_said_in_one_line_and_leaves_all_as_it_was(shop, monkeypatch):
    shop.write([*TEN, ("new", "an item")])
    with monkeypatch.context() as patch:
        full = OSError(28, "No space left on device")
        patch.setattr("recsys.artifact.sync_file", lambda path: (_ for _ in ()).throw(full))
        outcome = shop.refresh()
    assert outcome.status == FAILED and "Free some space" in outcome.error
    assert shop.workdir.places == {} and shop.versions == [1] and verify(shop.workdir.root).whole
    assert shop.refresh().status == DONE


def test_the_command_ends_with_the_outcome_s_code_and_prints_json(shop, capsys):
    config = shop.folder / "c.yaml"
    config.write_text(dump_config(shop.config))
    command = ["refresh", "-w", str(shop.workdir.root), "-c", str(config), "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["status"] == UNCHANGED
    shop.write(TEN[:5])
    assert main(command) == 4
    captured = capsys.readouterr()
    assert json.loads(captured.out)["exit_code"] == 4 and "vitrine: " in captured.err
    assert main([*command, "--plan"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"]["removed"] == 5


def test_old_versions_are_cleared_after_their_age(shop):
    keep = shop.config.refresh.model_copy(update={"keep_hours": 0.0})
    shop.config = shop.config.model_copy(update={"refresh": keep})
    for night in range(3):
        shop.write([*TEN, (f"new{night}", "an item")])
        shop.refresh()
    time.sleep(0.01)
    shop.refresh()
    names = sorted(path.name for path in (shop.workdir.root / "versions").iterdir())
    assert names == sorted(path.name for path in (shop.workdir.tables, shop.workdir.index))


def test_a_bundle_that_is_gone_is_made_again(shop):
    shop.refresh()
    (shop.workdir.bundles / "1" / "manifest.json").unlink()
    assert shop.refresh().status == DONE and shop.ran == ["export"]


@pytest.mark.parametrize("name", ["tables", "index"])
def test_a_flipped_byte_is_found_and_made_anew(shop, name):
    shop.write([*TEN, ("new", "an item")])
    shop.refresh()
    before = shop.workdir.place(name)
    path = next(path for path in sorted(before.iterdir()) if path.name != "manifest.json")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert not verify(shop.workdir.root).whole
    assert shop.refresh().status == DONE and name in shop.ran
    after = shop.workdir.place(name)
    assert after != before and after.name.startswith(f"{name}-")
    assert [fault for fault in verify(shop.workdir.root).faults if str(after) in fault] == []


def test_a_draft_with_a_flipped_byte_is_not_gone_on_from(shop):
    shop.write([*TEN, ("new", "an item")])
    shop.fail["index"] = OutOfTimeError("the time given is over; all is kept.")
    shop.refresh()
    (draft,) = (shop.workdir.root / "versions").iterdir()
    (draft / "rejected.parquet").write_bytes(b"other")
    assert shop.refresh().status == DONE and shop.ran[0] == "tables"
    assert verify(shop.workdir.root).whole


def test_a_tower_that_the_recommender_does_not_know_is_refused_before_any_photo(shop):
    for folder, kind, info in ((shop.workdir.tower, "tower", {}),
                               (shop.workdir.model, "model", {"tower": "another"})):  # fmt: skip
        with write_artifact(folder, kind) as draft:
            draft.info = info
    shop.write([*TEN, ("new", "an item")])
    outcome = shop.refresh()
    assert (outcome.status, shop.ran) == (FAILED, ["tables"])
    assert "another tower" in outcome.error and "vitrine run" in outcome.error
