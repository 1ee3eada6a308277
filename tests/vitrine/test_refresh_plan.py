"""A plan says what would be done, and writes nothing."""

import json

import pytest

from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from tests.vitrine.small_refresh import make_shop
from vitrine import refresh_plan, refresh_record
from vitrine.refresh_plan import plan

TEN = [(f"i{number}", f"item {number}") for number in range(10)]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    shop = make_shop(tmp_path, monkeypatch)
    monkeypatch.setattr(refresh_plan, "STAGES", refresh_record.STAGES)
    return shop


def files(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_nothing_changed_is_nothing_to_do(shop):
    found = plan(shop.config, shop.workdir)
    assert found.stages == [] and found.seconds == 0.0
    assert found.lines()[-1] == "nothing to do"


def test_it_counts_what_changed_and_writes_nothing(shop):
    shop.write([*TEN[1:], ("i0", "another title"), ("new", "an item"), ("newer", "an item")])
    before = files(shop.workdir.root)
    found = plan(shop.config, shop.workdir)
    assert files(shop.workdir.root) == before
    assert (found.changes.added, found.changes.removed, found.changes.metadata_changed) == (2, 0, 1)
    assert found.stages == ["tables", "index", "measure", "export"]
    assert json.loads(json.dumps(found.as_dict()))["changes"]["added"] == 2
    assert shop.refresh().changes["added"] == 2 and plan(shop.config, shop.workdir).stages == []


def test_the_time_is_told_by_what_the_last_refresh_took(shop):
    shop.write([*TEN, ("new", "an item")])
    assert plan(shop.config, shop.workdir).seconds is None  # nothing was ever timed
    shop.refresh()
    shop.write([*TEN, ("newer", "an item")])
    found = plan(shop.config, shop.workdir)
    assert found.seconds is not None and "about" in found.lines()[-1]


def test_a_workdir_that_was_never_made_has_no_plan(shop, tmp_path):
    with pytest.raises(ArtifactError, match="vitrine run"):
        plan(shop.config, Workdir(tmp_path / "none"))


def test_a_catalog_that_would_be_refused_is_said_to_be(shop):
    shop.write(TEN[:5])
    found = plan(shop.config, shop.workdir)
    assert "5 of 10 items are gone" in found.lines()[-1] and found.as_dict()["refused"]
