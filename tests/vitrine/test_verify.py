"""An audit names every file that is not what was written, and nothing else."""

import json

import pytest

from recsys.artifact import hash_files, write_artifact
from recsys.errors import ArtifactError
from recsys.workdir import Workdir, publish
from vitrine.__main__ import main
from vitrine.verify import verify


def write(folder, kind, inputs=None, text="content"):
    with write_artifact(folder, kind) as draft:
        (draft.path / "part.txt").write_text(text)
        draft.inputs = dict(inputs or {})
    return json.loads((folder / "manifest.json").read_text())["fingerprint"]


@pytest.fixture
def workdir(tmp_path):
    workdir = Workdir(tmp_path / "w")
    tables = write(workdir.tables, "tables")
    write(workdir.index, "index", {"tables": tables})
    return workdir


def test_a_whole_workdir_has_no_fault(workdir, capsys):
    audit = verify(workdir.root)
    assert audit.whole and audit.checked == {"tables": 1, "index": 1}
    assert main(["verify", "-w", str(workdir.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] is True


def test_a_flipped_byte_is_named(workdir, capsys):
    (workdir.tables / "part.txt").write_text("contemt")
    audit = verify(workdir.root)
    assert len(audit.faults) == 1 and "tables/part.txt" in audit.faults[0]
    assert main(["verify", "-w", str(workdir.root)]) == 1
    assert "damaged: " in capsys.readouterr().out


def test_a_manifest_that_names_a_missing_part_is_a_fault(workdir):
    (workdir.index / "part.txt").unlink()
    assert "missing" in verify(workdir.root).faults[0]


def test_versions_that_are_published_and_that_are_not_are_read(workdir):
    draft = workdir.drafted(["tables", "index"], "t1")
    write(draft.index, "index", {"tables": write(draft.tables, "tables", text="new")})
    assert "versions/tables-t1" in verify(workdir.root).checked
    publish(draft)
    assert verify(workdir.root).whole
    (draft.tables / "part.txt").write_text("broken")
    assert "tables-t1" in verify(workdir.root).faults[0]


def test_what_is_published_together_must_belong_together(workdir):
    draft = workdir.drafted(["tables"], "t1")
    write(draft.tables, "tables", text="new")
    publish(draft)  # the index is still that of the old tables
    assert "measured on other tables" in verify(workdir.root).faults[0]


def test_a_version_that_is_published_and_gone_is_a_fault(workdir):
    draft = workdir.drafted(["tables"], "t1")
    write(draft.tables, "tables")
    publish(draft)
    (draft.tables / "manifest.json").unlink()
    assert "there is no tables here" in verify(workdir.root).faults[0]


def test_a_bundle_whose_servables_are_gone_is_a_fault(workdir):
    with write_artifact(workdir.bundles / "1", "bundle") as draft:
        draft.info = {"version": 1, "servables": ["recommend"], "fingerprint": "f"}
    assert "lacks its servable `recommend`" in verify(workdir.root).faults[0]


def test_a_servable_with_a_flipped_byte_is_a_fault(workdir):
    folder = workdir.models / "recommend" / "1"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    with write_artifact(workdir.bundles / "1", "bundle") as draft:
        draft.info = {"version": 1, "servables": ["recommend"], "fingerprint": "f",
                      "files": {"recommend": hash_files(folder)}}  # fmt: skip
    assert verify(workdir.root).faults == []
    (folder / "saved_model.pb").write_bytes(b"grapi")
    assert "recommend/1/saved_model.pb: the file is not" in verify(workdir.root).faults[0]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ArtifactError, match="no workdir"):
        verify(tmp_path / "none")
