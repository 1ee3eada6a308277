"""How much less a refresh does than a first run: counted in photos, and in time.

    python benchmarks/refresh.py shop --folder /tmp/refresh [--items 20000]
    python benchmarks/refresh.py real --folder /tmp/real --photos ../shared/data/NAME \
        --layout folders|fashion-products
    (both: [--weights FILE --backbone NAME] [--record])

`shop` draws a shop, `real` imports photos, of which it makes copies. The pipeline runs once, and
then there are three refreshes: of everything (the photo store is empty, and every item has another
description), with 1% of the photos and titles changed and two items gone, and with nothing changed.
Without a backbone and its weights a tiny tower is trained on a few photos, which embeds quickly:
the harder case for shares of time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from recording import record

from recsys.embedding_table import open_table
from recsys.progress import say
from recsys.workdir import Workdir
from serving.bundle import list_versions

# quick to train: what a refresh does of a model does not depend on its quality
SETTINGS: dict[str, Any] = {
    "tower": {"backbone": "tiny", "embedding_dim": 32, "epochs": 1, "max_photos": 2000},
    "model": {"embedding_dim": 32, "num_blocks": 1, "num_heads": 1, "history_length": 20},
    "train": {"epochs": 1}, "index": {"num_probes": 200}, "transitions": {"tune": False},
    "evaluation": {"num_bootstrap": 20, "baselines": ["popularity"],
                   "protocols": ["leave_last_out"], "max_cases": 500},
    "refresh": {"min_canary_overlap": 0.0},
}  # fmt: skip


def main() -> None:
    """Prints what each refresh did, as JSON."""
    arguments = _arguments()
    folder = arguments.folder
    settings = dict(SETTINGS)
    if arguments.backbone:
        settings["tower"] = {"backbone": arguments.backbone, "weights": str(arguments.weights),
                             "embedding_dim": 128, "epochs": 1, "max_photos": 1000}  # fmt: skip
    if not (folder / "work").is_dir():
        make(folder, arguments, settings)
    found = {"settings": settings, "load": os.getloadavg()[0], "first": first(folder)}
    changed = change_shop(folder / "shop", good(folder), share=0.01, seed=int(time.time()))
    found["plan"] = plan(folder, changed)
    found["one_percent"] = refresh(folder)
    found["nothing"] = refresh(folder)
    found["photo_work_share"] = found["one_percent"]["embedded"] / max(
        found["first"]["embedded"], 1
    )
    found["time_share"] = found["one_percent"]["seconds"] / found["first"]["seconds"]
    print(json.dumps(found, indent=2))
    if arguments.record:
        title = f"Refresh, {arguments.photos.name if arguments.photos else 'generated shop'}"
        words = f"{arguments.what} --folder F"
        words += f" --photos {arguments.photos.name}" if arguments.photos else ""
        words += f" --backbone {arguments.backbone} --weights W" if arguments.backbone else ""
        record(title, f"python benchmarks/refresh.py {words} --record", "\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """What the three refreshes did, for people."""
    told = []
    for name, words in (("first", "everything"), ("one_percent", "1% changed"),
                        ("nothing", "nothing changed")):  # fmt: skip
        row = found[name]
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in row["stages"].items()
                           if seconds >= 0.05)  # fmt: skip
        told.append(f"{words}: {row['status']}, {row['embedded']:,} photos embedded, "
                    f"{row['seconds']:.1f} s ({row['wall_seconds']:.1f} s with imports; "
                    f"{stages or 'no stage ran'}), {row['bundles']} bundles")  # fmt: skip
    changed, said = found["plan"]["changed"], found["plan"]["said"]
    return [
        *told,
        f"the plan before the second: {said['photos']['photos']} photos to embed; changed were "
        f"{changed['photos']}, with as many titles, and {changed['removed']} items gone",
        f"photo work of the second over that of the first: {found['photo_work_share']:.1%}, "
        f"time: {found['time_share']:.1%} (bars 5% and 15%)",
    ]


def make(folder: Path, arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """A shop or imported photos, and a workdir that the pipeline has run in."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = folder / "shop"
    if arguments.what == "shop":
        _vitrine("make-shop", str(shop), "--items", str(arguments.items), "--users", "1000")
    else:  # copies, since files will be replaced
        shutil.copytree(arguments.photos, folder / "photos")
        _vitrine("import", arguments.layout, str(folder / "photos"), str(shop))
    settings = settings | {"data": {"root": str(shop), "max_bad_fraction": 0.2}}
    (folder / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")
    _vitrine("run", "-w", str(folder / "work"), "-c", str(folder / "config.yaml"))


def first(folder: Path) -> dict[str, Any]:
    """A refresh that finds no photo embedded and every fact of the catalog to be new."""
    work = folder / "work"
    shutil.rmtree(Workdir(work).photos, ignore_errors=True)
    touch_catalog(folder / "shop")
    return refresh(folder)


def touch_catalog(shop: Path) -> None:
    """Gives every item another description, so that all stages have work."""
    path = shop / "catalog.parquet"
    frame = pd.read_parquet(path)
    text = frame.get("description", pd.Series("", index=frame.index)).fillna("").astype(str)
    frame.assign(description=text + " Seen again.").to_parquet(path)
    now = time.time()
    for image in frame["image"].dropna().head(1):
        os.utime(shop / image.split("|")[0], (now, now))


def good(folder: Path) -> set[str]:
    """The items whose photos can be used: a spoiled one that takes the place of a good one would
    be asked for again every night.
    """
    return set(open_table(Workdir(folder / "work").embeddings).read()[0])


def change_shop(shop: Path, good: set[str], *, share: float, seed: int) -> dict[str, int]:
    """Replaces the photo files of so many good items by photos of others, some titles, items.

    Returns:
        How many photos, facts and items changed.
    """
    path, rng = shop / "catalog.parquet", random.Random(seed)
    frame = pd.read_parquet(path)
    count = max(2, round(share * len(frame)))
    usable = [row for row, item_id in enumerate(frame["item_id"])
              if str(item_id) in good and _file(shop, frame, row)]  # fmt: skip
    rows = rng.sample(usable, 2 * count)
    for row, other in zip(rows[:count], rows[count:], strict=True):
        source, target = _file(shop, frame, other), _file(shop, frame, row)
        if source and target:
            data = source.read_bytes()
            target.unlink()
            target.write_bytes(data + seed.to_bytes(4, "little"))  # other bytes than any before
    if "title" in frame:
        frame.loc[frame.index[rows[:count]], "title"] = "changed tonight"
    frame.drop(index=frame.index[rows[-2:]]).to_parquet(path)
    return {"photos": count, "facts": count, "removed": 2}


def _file(shop: Path, frame: pd.DataFrame, row: int) -> Path | None:
    image = str(frame["image"].iloc[row] or "").split("|")[0]
    path = shop / image
    return path if image and path.is_file() and path.stat().st_size > 1000 else None


def plan(folder: Path, changed: dict[str, int]) -> dict[str, Any]:
    """What `--plan` says before the refresh, beside what was really changed."""
    done = _vitrine("refresh", "-w", str(folder / "work"), "--plan", "--json")
    return {"changed": changed, "said": json.loads(done)}


def refresh(folder: Path) -> dict[str, Any]:
    """One refresh: its status, stages, photos embedded, and seconds with and without imports."""
    work = folder / "work"
    started = time.monotonic()
    done = json.loads(_vitrine("refresh", "-w", str(work), "--json"))
    wall = time.monotonic() - started
    embeddings = done["stages"].get("embeddings", {})
    row = {
        "status": done["status"], "error": done["error"], "seconds": done["seconds"],
        "wall_seconds": round(wall, 1), "changes": done["changes"],
        # what was embedded anew may be what stood there before
        "embedded": embeddings.get("embedded", 0)
        if embeddings.get("state") in ("made", "same") and embeddings["seconds"] else 0,
        "photos_per_second": embeddings.get("photos_per_second"),
        "stages": {name: stage["seconds"] for name, stage in done["stages"].items()},
        "bundles": len(list_versions(Workdir(work))),
    }  # fmt: skip
    say(f"  {row['status']} in {row['seconds']} s, {row['embedded']} photos embedded")
    return row


def _vitrine(*words: str) -> str:
    command = [sys.executable, "-m", "vitrine", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True).stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["shop", "real"])
    parser.add_argument("--folder", type=Path, required=True, help="a new one, or one of before")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--photos", type=Path, help="of `real`: a folder to import")
    parser.add_argument("--layout", default="folders", help="of `real`: which import")
    parser.add_argument("--backbone", default="", help="a file under embeddings/backbones/")
    parser.add_argument("--weights", type=Path, help="of the backbone")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
