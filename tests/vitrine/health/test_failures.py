"""What could not be used, by cause."""

from __future__ import annotations

import pandas as pd
import pytest

from recsys.columns import REJECTED
from recsys.errors import ArtifactError
from recsys.workdir import Workdir
from vitrine.health.failures import failures

ROWS = [("photos", 3, "a", "not_found", "https://shop/a.jpg: 404"),
        ("photos", 5, "b", "truncated", ""),
        ("photos", 9, "c", "not_found", "x" * 1000)]  # fmt: skip


def test_causes_are_counted_the_most_frequent_first(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.embeddings.mkdir()
    pd.DataFrame(ROWS, columns=list(REJECTED)).to_parquet(workdir.embeddings / "rejected.parquet")
    found = failures(workdir)
    assert found["photos"]["total"] == 3
    assert list(found["photos"]["causes"].items()) == [("not_found", 2), ("truncated", 1)]
    first, second = found["photos"]["examples"]["not_found"]
    assert first == {"id": "a", "detail": "https://shop/a.jpg: 404"}
    assert len(second["detail"]) == 300
    assert found["rows"] == {"total": 0, "causes": {}, "examples": {}}


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tables.mkdir()
    (workdir.tables / "rejected.parquet").write_bytes(b"no table")
    with pytest.raises(ArtifactError, match=r"rejected\.parquet"):
        failures(workdir)
