"""What a training keeps: it comes back, and is refused under other settings."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import TrainingError
from recsys.training_draft import STATE, TrainingDraft, differences

SETTINGS = {"train": {"seed": 0, "epochs": 3}, "model": {"event_weights": {"view": 1.0}}}


def _draft(tmp_path, settings=SETTINGS, **inputs: str) -> TrainingDraft:
    return TrainingDraft(tmp_path / ".model.training", settings, inputs)


def test_the_last_epoch_comes_back(tmp_path):
    draft = _draft(tmp_path, tables="a")
    assert draft.load() is None
    for epoch in (1, 2):
        arrays = [np.full(2, epoch), np.array(epoch, np.float32)]
        draft.save(epoch, {"best_epoch": epoch}, {"state": arrays, "best": arrays[:1]})
    record, found = _draft(tmp_path, tables="a").load()
    assert record == {"best_epoch": 2}
    assert [array.tolist() for array in found["state"]] == [[2, 2], 2.0]
    # the epoch before is gone: a draft takes the room of one
    assert sorted(path.name for path in draft.folder.iterdir()) == [
        "best-00002.npz", "state-00002.npz", STATE,
    ]  # fmt: skip


def test_other_settings_are_refused_and_every_one_of_them_is_named(tmp_path):
    _draft(tmp_path).save(1, {}, {"state": [np.zeros(1)]})
    changed = {"train": {"seed": 1, "epochs": 3}, "model": {"event_weights": {"view": 2.0}}}
    with pytest.raises(TrainingError) as caught:
        _draft(tmp_path, changed).load()
    assert "`train.seed` was 0 and is 1" in caught.value.what
    assert "`model.event_weights.view` was 1.0 and is 2.0" in caught.value.what
    assert "epochs" not in caught.value.what
    assert _draft(tmp_path).load() is not None  # and the draft is still there


def test_a_draft_of_other_tables_is_dropped(tmp_path):
    _draft(tmp_path, tables="a").save(1, {}, {"state": [np.zeros(1)]})
    assert _draft(tmp_path, tables="b").load() is None
    assert not (tmp_path / ".model.training").exists()


def test_an_epoch_that_was_cut_off_leaves_the_one_before(tmp_path):
    draft = _draft(tmp_path)
    draft.save(1, {"n": 1}, {"state": [np.ones(1)]})
    (draft.folder / "state-00002.npz").write_bytes(b"half")  # killed before the record
    record, found = draft.load()
    assert (record["n"], found["state"][0].tolist()) == (1, [1.0])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"epoch": 1}'])
def test_a_damaged_record_is_no_draft(tmp_path, text):
    draft = _draft(tmp_path)
    draft.folder.mkdir()
    (draft.folder / STATE).write_text(text)
    assert draft.load() is None


def test_a_setting_that_one_side_lacks_differs_too():
    assert differences({"a": 1}, {"b": {"c": 2}}) == [
        "`a` was 1 and is None", "`b` was None and is {'c': 2}",
    ]  # fmt: skip
