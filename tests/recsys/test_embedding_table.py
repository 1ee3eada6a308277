"""The embedding table: parts that are whole or absent, read back in any order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.embedding_table import Part, open_table, write_table
from recsys.errors import ArtifactError

UNIT = np.array([[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]], np.float32)


def part(item_ids, vectors, rejected=()):
    sha256 = [f"sha of {item_id}" for item_id in item_ids]
    return Part(
        item_ids=item_ids, photo_sha256=sha256, vectors=np.asarray(vectors), rejected=[*rejected]
    )


def write(folder, *parts):
    return write_table(folder, parts, tower_fingerprint="tower-1", embedding_dim=2,
                       inputs={"tower": "tower-1"})  # fmt: skip


def write_two_parts(folder):
    rejected = [{"table": "photos", "row": 3, "item_id": "d", "reason": "blank", "detail": "x"}]
    return write(folder, part(["a", "b"], UNIT[:2]), part(["c"], UNIT[2:], rejected))


def test_read_gives_ids_and_vectors_in_the_order_written(tmp_path):
    write_two_parts(tmp_path / "embeddings")
    item_ids, vectors = open_table(tmp_path / "embeddings").read()
    assert item_ids == ["a", "b", "c"]
    np.testing.assert_array_equal(vectors, UNIT)


def test_vectors_for_follows_the_ids_asked_for_with_zeros_where_absent(tmp_path):
    table = write_two_parts(tmp_path / "embeddings")
    vectors, present = table.vectors_for(["c", "nobody", "a", "c"])
    np.testing.assert_array_equal(vectors, [UNIT[2], [0, 0], UNIT[0], UNIT[2]])
    assert present.tolist() == [True, False, True, True]
    assert vectors.dtype == np.float32


def test_manifest_counts_items_and_rejected_photos(tmp_path):
    table = write_two_parts(tmp_path / "embeddings")
    assert (table.num_items, table.embedding_dim, table.tower_fingerprint) == (3, 2, "tower-1")
    assert table.artifact.info["num_rejected"] == 1
    rejected = pd.read_parquet(tmp_path / "embeddings" / "rejected.parquet")
    assert rejected["reason"].tolist() == ["blank"]


def test_a_writer_that_breaks_off_leaves_the_table_that_stood_there(tmp_path):
    def parts():
        yield part(["new"], UNIT[:1])
        raise KeyboardInterrupt

    folder = tmp_path / "embeddings"
    write_two_parts(folder)
    with pytest.raises(KeyboardInterrupt):
        write_table(folder, parts(), tower_fingerprint="t", embedding_dim=2, inputs={})
    assert open_table(folder).read()[0] == ["a", "b", "c"]
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings"]


def test_the_same_rows_make_the_same_table(tmp_path):
    first, second = write_two_parts(tmp_path / "one"), write_two_parts(tmp_path / "two")
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("bad", [np.nan, 0.0, 2.0])
def test_vectors_that_are_not_of_norm_one_are_refused(tmp_path, bad):
    with pytest.raises(ArtifactError, match="norm"):
        write(tmp_path / "e", part(["a"], [[bad, 0.0]]))


def test_vectors_of_another_dimension_are_refused(tmp_path):
    with pytest.raises(ArtifactError, match="2 numbers"):
        write(tmp_path / "e", part(["a"], [[1.0]]))


def test_an_empty_table_is_a_table(tmp_path):
    table = write(tmp_path / "e", part([], np.zeros((0, 2), np.float32)))
    item_ids, vectors = table.read()
    assert item_ids == []
    assert vectors.shape == (0, 2)


def test_a_damaged_part_is_named(tmp_path):
    table = write_two_parts(tmp_path / "embeddings")
    (tmp_path / "embeddings" / "parts" / "00001.parquet").write_bytes(b"not parquet")
    with pytest.raises(ArtifactError, match=r"00001\.parquet.*vitrine embed"):
        table.read()
