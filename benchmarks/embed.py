"""How much of the bare backbone's speed is left when a catalog's photos are embedded.

    python benchmarks/embed.py [--backbone efficientnet_lite0] [--photos 2048] [--folder PHOTOS]
                               [--record]
    python benchmarks/embed.py --memory [--backbone tiny] [--record]

Both speeds are measured in one run, one after the other and over again: photos per second of the
whole way (ask, read, hash, decode, fit, encode, store) over photos per second of the backbone
alone, on the same batches already in memory. Beside them stands the processor time of each photo
in the network, in the workers that decode, and in what is left: on a machine whose cores are all
busy their sum bounds the ratio, and it is the same however busy the machine is otherwise. Photos
are drawn, 300 x 400 JPEG, unless a folder of photos is given. Imports and loading the tower are
left out.

With --memory: the peak memory of all processes for 20,000 photos and for 2,000.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from recording import measure, record

from embeddings.backbone import load_backbone
from embeddings.engine import make_engine
from embeddings.image_tower import KIND, TowerSettings, build_tower, load_tower, save_tower
from embeddings.images import decode_photo, fit_photo
from embeddings.photo_encoder import make_encode
from embeddings.photo_store import PhotoStore
from embeddings.photo_update import update_photos
from recsys.artifact import write_artifact
from recsys.config import Config, config_from

ROUNDS = 3
FEW, MANY = 2_000, 20_000  # photos whose peak memory is compared


@dataclass(frozen=True)
class Speed:
    """Photos per second, and milliseconds of processor time per photo, here and in workers."""

    photos_per_second: float
    here: float
    workers: float = 0.0


def main() -> None:
    """Prints both speeds and their ratio, or the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--photos", type=int, default=2048)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--memory", action="store_true", help="compare peak memory")
    parser.add_argument("--once", action="store_true", help="embed the folder once, and no more")
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        if arguments.memory:
            title, lines = "Memory of embedding", _memory(arguments.backbone, root)
        else:
            paths = _photos(arguments.folder, arguments.photos, root)
            _write_tower(root / "tower", arguments.backbone)
            if arguments.once:
                _whole(root, paths, 0)
                return
            title = f"Embedding throughput, {arguments.backbone}"
            lines = _speeds(arguments.backbone, root, paths)
    print("\n".join(lines))
    if arguments.record:
        flags = "--memory " if arguments.memory else ""
        command = f"python benchmarks/embed.py {flags}--backbone {arguments.backbone} --record"
        record(title, command, "\n".join(lines))


def _speeds(backbone: str, root: Path, paths: list[Path]) -> list[str]:
    rounds = [(_bare(root, paths), _whole(root, paths, number)) for number in range(ROUNDS)]
    lines = [
        f"bare backbone {bare.photos_per_second:.1f} photos/s, whole {whole.photos_per_second:.1f}"
        f", ratio {whole.photos_per_second / bare.photos_per_second:.2f}"
        for bare, whole in rounds
    ]
    network = statistics.median(bare.here for bare, _ in rounds)
    workers = statistics.median(whole.workers for _, whole in rounds)
    rest = max(statistics.median(whole.here for _, whole in rounds) - network, 0.0)
    ratio = statistics.median(whole.photos_per_second / bare.photos_per_second
                              for bare, whole in rounds)  # fmt: skip
    total = network + workers + rest
    return [
        *lines,
        f"processor time per photo: network {network:.1f} ms ({network / total:.0%}), decoding "
        f"workers {workers:.1f} ms ({workers / total:.0%}), the rest {rest:.1f} ms "
        f"({rest / total:.0%})",
        f"{backbone}: whole over bare backbone {ratio:.2f} (median of {ROUNDS}); with every core "
        f"busy it could be {network / total:.2f}",
    ]


def _memory(backbone: str, root: Path) -> list[str]:
    _photos(None, MANY, root)
    peaks = {}
    for count in (FEW, MANY):
        command = [sys.executable, __file__, "--once", "--backbone", backbone,
                   "--folder", str(root), "--photos", str(count)]  # fmt: skip
        peaks[count] = measure(command).peak_gib
    lines = [f"{count:,} photos: peak {peak:.3f} GiB" for count, peak in peaks.items()]
    return [*lines, f"{MANY:,} over {FEW:,}: {peaks[MANY] / peaks[FEW]:.3f}"]


def _bare(root: Path, paths: list[Path]) -> Speed:
    import tensorflow as tf  # after recsys, which decides which Keras it is

    config = _config()
    tower = load_tower(root / "tower")
    size = config.embed.batch_size
    batches = [
        np.stack([fit_photo(decode_photo(path.read_bytes(), config.photos), tower.image_size,
                            tower.fit) for path in paths[start : start + size]])
        for start in range(0, len(paths), size)
    ]  # fmt: skip
    scale = tower.layer.backbone.scale

    @tf.function
    def backbone(pixels: Any) -> Any:
        scaled = (tf.cast(pixels, tf.float32) - scale.offset) / scale.divisor
        return tower.layer.network(scaled, training=False)

    backbone(batches[0])
    make_encode(tower, size)(batches[0])  # both are traced and warm before either is timed
    clock, here = time.perf_counter(), time.process_time()
    for batch in batches:
        backbone(batch)
    here, clock = time.process_time() - here, time.perf_counter() - clock
    return Speed(len(paths) / clock, 1000 * here / len(paths))


def _whole(root: Path, paths: list[Path], number: int) -> Speed:
    """The way of new photos into an empty store."""
    config = _config()
    tower = load_tower(root / "tower")
    photos = root / f"photos-{number}"
    store = PhotoStore(photos, tower.fingerprint, config.photos, tower.embedding_dim)
    engine = make_engine(config, tower)
    here, workers = time.process_time(), _children()
    update = update_photos([str(path) for path in paths], photos, engine, store)
    here, workers = time.process_time() - here, _children() - workers
    if update.num_embedded != len(paths):
        raise SystemExit(f"{update.num_embedded} of {len(paths)} photos were embedded")
    share = 1000 / len(paths)
    return Speed(update.photos_per_second, here * share, workers * share)


def _children() -> float:
    """Seconds of processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _config() -> Config:
    return config_from({}, where="benchmark")


def _photos(folder: Path | None, count: int, root: Path) -> list[Path]:
    if folder:
        found = [path for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png")]
        return found[:count]
    rng = np.random.default_rng(0)
    paths = [root / f"{number:05d}.jpg" for number in range(count)]
    for path in paths:
        small = Image.fromarray(rng.integers(0, 256, (25, 19, 3)).astype(np.uint8))
        small.resize((300, 400), Image.Resampling.BICUBIC).save(path, quality=90)
    return paths


def _write_tower(folder: Path, backbone: str) -> None:
    spec = load_backbone(backbone)
    settings = TowerSettings(backbone=spec, image_size=spec.image_size, embedding_dim=128)
    tower = build_tower(settings)
    with write_artifact(folder, KIND) as draft:
        save_tower(tower, draft.path)
        draft.info["answer"] = tower.answer()


if __name__ == "__main__":
    main()
