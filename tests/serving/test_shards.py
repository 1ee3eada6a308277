"""Names of shards, and how a catalog is cut."""

import pytest

from serving.shards import by_servable, is_held, shard_name, shard_of, slices, without_shard


def test_a_name_says_its_servable_and_its_shard():
    name = shard_name("recommend_scann", 12)
    assert (name, shard_of(name), without_shard(name)) == (
        "recommend_scann_shard12", 12, "recommend_scann")  # fmt: skip
    assert (shard_of("image_encoder"), without_shard("image_encoder")) == (None, "image_encoder")


def test_names_come_by_servable_in_the_order_of_their_shards():
    names = [shard_name("recommend", shard) for shard in (10, 2, 0)]
    assert by_servable(["rank", *names]) == {"rank": ["rank"], "recommend": names[::-1]}


def test_every_server_serves_what_is_whole_and_its_own_shards():
    names = ["rank", *(shard_name("recommend", shard) for shard in range(3))]
    held = [[name for name in names if is_held(name, server, 2)] for server in range(2)]
    assert held == [["rank", "recommend_shard0", "recommend_shard2"], ["rank", "recommend_shard1"]]


@pytest.mark.parametrize(("num_items", "shards", "lengths"), [
    (10, 3, [3, 3, 4]), (2, 5, [1, 1]), (0, 4, [0]), (7, 1, [7]),
])  # fmt: skip
def test_slices_hold_every_row_once_in_order(num_items, shards, lengths):
    found = slices(num_items, shards)
    assert [len(rows) for rows in found] == lengths
    assert [row for rows in found for row in rows] == list(range(num_items))
