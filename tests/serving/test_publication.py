"""A version has its number as its name only while it is whole and wanted."""

import pytest

from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from serving.bundle import versions_in
from serving.publication import (
    clear_leftovers,
    next_version,
    only_export,
    remove_old,
    rename_servables,
)


@pytest.fixture
def empty(tmp_path):
    workdir = Workdir(tmp_path)
    (workdir.models / "recommend").mkdir(parents=True)
    workdir.bundles.mkdir(parents=True)
    return workdir


def test_the_first_version_is_one(empty):
    assert next_version(empty) == 1


def test_a_number_that_was_seen_anywhere_is_not_used_again(empty):
    (empty.models / "recommend" / "7").mkdir()
    assert next_version(empty) == 8


def test_a_draft_gets_its_version_as_its_name(empty):
    draft = empty.models / "recommend" / ".3.0a.tmp"
    draft.mkdir()
    rename_servables({"recommend": draft}, 3, empty)
    assert versions_in(empty.models / "recommend") == [3]


def test_drafts_and_versions_without_a_bundle_are_cleared(empty):
    for name in (".3.0a.tmp", ".2.0b.old", "4"):
        (empty.models / "recommend" / name).mkdir()
    (empty.bundles / ".4.0a.tmp").mkdir()
    clear_leftovers(empty)
    assert list((empty.models / "recommend").iterdir()) == []
    assert list(empty.bundles.iterdir()) == []


def test_old_bundles_go_but_not_those_that_are_served(empty):
    for version in (1, 2, 3, 4):
        (empty.bundles / str(version)).mkdir()
        (empty.models / "recommend" / str(version)).mkdir()
    remove_old(empty, keep=1, served={2})
    assert versions_in(empty.bundles) == [2, 4]
    assert versions_in(empty.models / "recommend") == [2, 4]


def test_one_export_at_a_time(empty):
    with (
        only_export(empty),
        pytest.raises(ArtifactError, match="another export is under way"),
        only_export(empty),
    ):
        pass
    with only_export(empty):
        pass
