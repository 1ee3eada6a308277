"""Shards: the items of a bundle in slices, each searched by a servable of its own, and their names.

A sharded servable `recommend` is published as `recommend_shard0`, `recommend_shard1` and so on;
what does not search, such as the image encoder, is never sharded. Shard i is held by model server
i of however many there are, counted around.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

_SHARD = re.compile(r"(.+)_shard(\d+)")


def shard_name(servable: str, shard: int) -> str:
    """The name under which one shard of a servable is published."""
    return f"{servable}_shard{shard}"


def shard_of(name: str) -> int | None:
    """Which shard a published name means; None for a servable that is not sharded."""
    found = _SHARD.fullmatch(name)
    return int(found[2]) if found else None


def without_shard(name: str) -> str:
    """The servable that a published name belongs to."""
    found = _SHARD.fullmatch(name)
    return found[1] if found else name


def by_servable(names: Iterable[str]) -> dict[str, list[str]]:
    """Published names by the servable that they make up, in the order of their shards."""
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: shard_of(name) or 0):
        found.setdefault(without_shard(name), []).append(name)
    return found


def is_held(name: str, server: int, num_servers: int) -> bool:
    """Whether one of several model servers serves a published name; all serve what is whole."""
    shard = shard_of(name)
    return shard is None or shard % num_servers == server


def slices(num_items: int, shards: int) -> list[range]:
    """Rows in as many slices of nearly the same length; fewer where there are fewer rows.

    In the order of rows, so that equal scores of several shards keep that order too.
    """
    count = max(1, min(shards, num_items))
    bounds = [num_items * shard // count for shard in range(count + 1)]
    return [range(*bound) for bound in itertools.pairwise(bounds)]
