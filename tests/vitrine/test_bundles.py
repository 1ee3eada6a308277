"""Which bundles there are, and choosing one of them."""

from __future__ import annotations

import pytest

from recsys.errors import DataError, NotFoundError
from recsys.workdir import Workdir
from serving.traffic import load_traffic
from tests.serving.test_bundle_shelf import publish
from tests.vitrine.small_refresh import make_shop
from vitrine.bundles import bundles, render_text, rollback
from vitrine.refresh_outcome import DONE


@pytest.fixture
def workdir(tmp_path) -> Workdir:
    workdir = Workdir(tmp_path)
    publish(workdir, 1)
    publish(workdir, 2)
    return workdir


def serves(workdir: Workdir) -> list[str]:
    return [each["serves"] for each in bundles(workdir)]


def test_the_newest_serves_until_another_is_named(workdir):
    assert serves(workdir) == ["", "all"]
    assert rollback(workdir, "1")["fingerprint"] == "f1"
    assert serves(workdir) == ["all", ""]
    assert rollback(workdir, "newest")["version"] == 2
    assert serves(workdir) == ["", "all"]


def test_a_share_leaves_the_others_where_they_are(workdir):
    rollback(workdir, "1")
    rollback(workdir, "2", 0.1)
    assert serves(workdir) == ["everybody else", "10%"]
    assert load_traffic(workdir).pinned == 1


def test_the_text_has_a_line_for_each(workdir):
    lines = render_text(bundles(workdir)).splitlines()
    assert len(lines) == 3
    assert lines[2].split()[-1] == "all"
    assert "vitrine export" in render_text([])


def test_what_is_no_bundle_is_refused(workdir):
    with pytest.raises(NotFoundError, match="There are 1, 2"):
        rollback(workdir, "3")
    with pytest.raises(DataError, match="vitrine bundles"):
        rollback(workdir, "last")
    assert load_traffic(workdir).pinned is None


def test_a_rollback_goes_to_what_a_refresh_made_and_outlives_the_next(tmp_path, monkeypatch):
    shop = make_shop(tmp_path, monkeypatch)
    shop.write([(f"i{number}", f"item {number}") for number in range(11)])
    assert shop.refresh().status == DONE
    assert serves(shop.workdir) == ["", "all"]
    assert rollback(shop.workdir, "1")["fingerprint"] == "f1"
    shop.write([(f"i{number}", f"item {number}") for number in range(12)])
    assert shop.refresh().version == 3
    assert serves(shop.workdir) == ["all", "", ""]
    assert rollback(shop.workdir, "newest")["fingerprint"] == "f3"
