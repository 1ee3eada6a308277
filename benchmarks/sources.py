"""What becomes of a catalog whose photos are behind HTTP and S3 servers that fail.

    python benchmarks/sources.py [--items 400] [--share 0.05] [--record]

A drawn shop's photos are put behind a real local web server and a real local S3 server (moto's),
half and half. A share of all requests fails: connections are dropped and reset, answers stall,
end too early or say too little, servers answer 429, 500 and 503. A share of the photos can never
be had: gone, forbidden, behind loops and broken servers. The catalog is embedded with an
untrained network; then a second time, when nothing changed but for some links that died since.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from recording import record

sys.path.insert(0, str(Path(__file__).parents[1]))

from embeddings.backbone import load_backbone
from embeddings.embed import embed
from embeddings.image_tower import KIND, TowerSettings, build_tower, save_tower
from embeddings.images import decode_photo
from embeddings.photo_states import read_states
from recsys.artifact import write_artifact
from recsys.columns import DETAIL, IMAGE, IMAGE_SEPARATOR, PHOTO_SHA256, REASON
from recsys.config import Config, PhotosConfig, config_from
from recsys.embedding_table import REJECTED_FILE, open_table
from recsys.errors import PhotoError
from recsys.prepare import prepare
from recsys.workdir import Workdir
from tests.embeddings.failing_sources import STAYING, Failures
from tests.embeddings.photo_server import PhotoServer, photo_server
from tests.embeddings.s3_server import S3Server, s3_server
from vitrine.shop import make_shop

SOURCES = {"tries": 6, "backoff_seconds": 0.1, "timeout_seconds": 1, "total_seconds": 60}
DEAD_EVERY = 20  # one photo of so many can never be had
DIED_SINCE_EVERY = 20  # of those behind the web that can, one of so many dies before the second run


@dataclass
class Shop:
    """Where each photo is, and what is to become of it.

    Attributes:
        files: location to the bytes behind it, where they can be had.
        bad: location to the reason that it is to be listed with.
    """

    folder: Path
    files: dict[str, bytes] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Prints how many photos are to be had, how many were, and every cause with its count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    failures = Failures(arguments.share)
    with (
        tempfile.TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as monkeypatch,
        photo_server() as web,
        s3_server(monkeypatch) as storage,
    ):
        shop = _open_shop(Path(scratch) / "shop", arguments.items, failures, web, storage)
        storage.fails = failures.storage
        config = config_from(
            {"data": {"root": str(shop.folder), "events": "", "max_bad_fraction": 0.3},
             "sources": SOURCES}, where="benchmark")  # fmt: skip
        workdir = Workdir(Path(scratch) / "workdir")
        prepare(config, workdir)
        _write_tower(workdir.tower)
        lines = _first_run(config, workdir, shop, failures)
        lines += _second_run(config, workdir, shop, failures, web)
    print("\n".join(lines))
    if arguments.record:
        command = f"python benchmarks/sources.py --items {arguments.items} --record"
        record("Photos behind servers that fail", command, "\n".join(lines))


def _open_shop(
    folder: Path, items: int, failures: Failures, web: PhotoServer, storage: S3Server
) -> Shop:
    """Draws a shop and puts its photos behind the two servers, some of them out of reach."""
    make_shop(folder, items=items, users=1)
    shop = Shop(folder)
    catalog = pd.read_parquet(folder / "catalog.parquet")
    names = dict.fromkeys(name for image in catalog[IMAGE] for name in _split(image))
    stored: dict[str, bytes] = {}
    at = {name: _place(number, name, shop, stored, failures, web)
          for number, name in enumerate(names)}  # fmt: skip
    storage.put(stored)
    catalog[IMAGE] = [IMAGE_SEPARATOR.join(at[name] for name in _split(image))
                      for image in catalog[IMAGE]]  # fmt: skip
    catalog.to_parquet(folder / "catalog.parquet", index=False)
    return shop


def _split(image: Any) -> list[str]:
    return [name for name in str(image or "").split(IMAGE_SEPARATOR) if name]


def _place(
    number: int,
    name: str,
    shop: Shop,
    stored: dict[str, bytes],
    failures: Failures,
    web: PhotoServer,
) -> str:
    """Puts one photo behind a server; even ones go to the web, odd ones to S3."""
    path = shop.folder / name
    data = path.read_bytes() if path.is_file() else b""  # a drawn shop lacks some files too
    dead = number % DEAD_EVERY == number // DEAD_EVERY % 2  # now behind the web, now in S3
    location = f"s3://shop/{name}" if number % 2 else web.url(f"/{name}")
    if dead and number % 2 == 0:
        answer, reason = list(STAYING.values())[number // (2 * DEAD_EVERY) % len(STAYING)]
        web.answers[f"/{name}"] = answer
        shop.bad[location] = reason
    elif dead or not data:
        shop.bad[location] = "missing"
    else:
        if number % 2:
            stored[f"shop/{name}"] = data
        else:
            web.answers[f"/{name}"] = failures.web(data)
        reason = _reason(data)
        if reason:
            shop.bad[location] = reason
        else:
            shop.files[location] = data
    return location


def _reason(data: bytes) -> str:
    """Why a photo that can be had cannot be used; empty where it can."""
    try:
        decode_photo(data, PhotosConfig())
    except PhotoError as error:
        return error.reason
    return ""


def _write_tower(folder: Path) -> None:
    """An untrained tower: what it sees in photos is nothing to this benchmark."""
    spec = load_backbone("efficientnet_lite0")
    tower = build_tower(TowerSettings(backbone=spec, image_size=spec.image_size, embedding_dim=128))
    with write_artifact(folder, KIND) as draft:
        save_tower(tower, draft.path)
        draft.info["answer"] = tower.answer()


def _first_run(config: Config, workdir: Workdir, shop: Shop, failures: Failures) -> list[str]:
    embed(config, workdir)
    states = read_states(workdir.photos)
    embedded = _embedded(workdir)
    right = sum(states[place].sha256 == hashlib.sha256(data).hexdigest()
                and states[place].sha256 in embedded
                for place, data in shop.files.items())  # fmt: skip
    listed = _listed(workdir)
    causes = Counter(reason for reason, _ in listed.values())
    met = ", ".join(f"{count} {way}" for way, count in sorted(failures.met.items()))
    return [
        f"{len(states)} photos, half behind HTTP, half in S3; {failures.requests} requests, "
        f"{sum(failures.met.values())} of them failed:", f"  {met}",
        f"can be had and used: {len(shop.files)}, of them embedded with the right bytes: {right}",
        f"cannot: {len(shop.bad)}, of them listed: {len(listed)}, with the cause that it has: "
        f"{sum(listed.get(place, ('', ''))[0] == reason for place, reason in shop.bad.items())}",
        f"  {', '.join(f'{count} {reason}' for reason, count in causes.most_common())}",
    ]  # fmt: skip


def _second_run(
    config: Config, workdir: Workdir, shop: Shop, failures: Failures, web: PhotoServer
) -> list[str]:
    """Nothing changed, but some links died: they keep their vectors, and are listed."""
    there = [place for place in shop.files if place.startswith("http")]
    died = there[::DIED_SINCE_EVERY]
    for place in died:
        web.answers[place.removeprefix(web.url(""))] = lambda handler: handler.status(404)
    before, items = failures.requests, open_table(workdir.embeddings).num_items
    summary = embed(config, workdir)
    listed = _listed(workdir)
    kept = sum("last good photo" in listed.get(place, ("", ""))[1] for place in died)
    return [
        f"second run, {len(died)} links died since: {summary['embedded']} photos embedded, "
        f"{kept} dead links listed that keep their last vector,",
        f"  {open_table(workdir.embeddings).num_items} of {items} items in the table; "
        f"{failures.requests - before} requests, failing as before",
    ]


def _embedded(workdir: Workdir) -> set[str]:
    parts = sorted((workdir.embeddings / "parts").glob("*.parquet"))
    hashes = pd.concat([pd.read_parquet(path, columns=[PHOTO_SHA256]) for path in parts])
    return {one for joined in hashes[PHOTO_SHA256] for one in joined.split(IMAGE_SEPARATOR)}


def _listed(workdir: Workdir) -> dict[str, tuple[str, str]]:
    """Location to reason and detail, of every rejected photo."""
    rejected = pd.read_parquet(workdir.embeddings / REJECTED_FILE)
    rows = zip(rejected[DETAIL], rejected[REASON], strict=True)
    return {detail.partition(": ")[0]: (reason, detail) for detail, reason in rows}


if __name__ == "__main__":
    main()
