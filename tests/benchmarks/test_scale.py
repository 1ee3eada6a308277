"""What a catalog costs, from bytes and rates given by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from scale import GIB, Item, Rates, grown, table

RATES = Rates(scanned=1e9, hashed=1e9, looked_at=1e5, written=1e9, merges=1e4)


def costs(everywhere: float, shard_gib: float = 100.0) -> list[list[str]]:
    item = Item({"similar_items": 256.0}, own=1000.0, everywhere=everywhere, api=100.0)
    given = argparse.Namespace(photos_per_second=100.0, shard_gib=shard_gib)
    return [line.split() for line in table(item, RATES, given)[1:]]


def test_shards_hold_their_own_items_beside_what_every_one_holds():
    # room for one of two bundles: 45 GiB, of which 100 million ids take 9.3
    largest = costs(everywhere=100.0)[-1]
    own, room = 1000.0 * 1e8 / GIB, 45 - 100 * 1e8 / GIB
    assert largest[2] == str(int(own // room) + 1) == "3"
    assert largest[3] == f"{100 * 1e8 / GIB + own / 3:.1f}GiB"


def test_what_every_shard_holds_can_be_too_much():
    assert costs(everywhere=1000.0)[-1][2] == "-"


def test_photos_and_looks_take_their_time():
    smallest = costs(everywhere=100.0)[0]
    # a million at 100 a second on two cores; a million files at 100,000 a second
    assert smallest[5] == f"{1e4 / 3600 * 2:.0f}core-h"
    assert smallest[7] == "0.2min"


def test_what_grows_is_measured():
    assert 70e6 < grown(lambda count: b"x" * (count * 80), 1_000_000) < 90e6
