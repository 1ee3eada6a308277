"""Which bundles there are, and choosing one of them."""

from __future__ import annotations

import pytest

from recsys.errors import DataError, NotFoundError
from recsys.workdir import Workdir
from serving.traffic import load_traffic
from tests.serving.test_bundle_shelf import publish
from vitrine.bundles import bundles, render_text, rollback


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
