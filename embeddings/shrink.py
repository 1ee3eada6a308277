"""Towers made smaller and faster as TFLite files, with what they lose measured."""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from embeddings.image_tower import LoadedTower, Tower, load_tower
from embeddings.pixel_cache import cache_pixels, photos_of
from embeddings.pruning import SHARES, pruned
from embeddings.seen_photos import compiled, encode
from embeddings.weights import quiet_keras
from recsys.artifact import write_artifact
from recsys.catalog import load_catalog
from recsys.columns import CATEGORY, SPLIT
from recsys.config import Config
from recsys.errors import DataError
from recsys.native_log import native_log_dropped
from recsys.progress import say
from recsys.workdir import Workdir

KIND = "small-tower"
FILE = "tower.tflite"
MAX_LOST = 0.01  # of R@1; a tower that loses more is not published
NUM_CALIBRATION = 200  # photos that the ranges of int8 activations are taken from
THREADS = 2
TIMED_PHOTOS = 96

Form = Literal["float32", "float16", "int8", "pruned"]
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Shrunk:
    """A TFLite tower: photos uint8 [n, size, size, 3] to embeddings float32 [n, dim]."""

    data: bytes

    def embed(self, pixels: NDArray[np.uint8], threads: int = THREADS) -> NDArray[np.float32]:
        """Embeds photos one by one, as a phone would."""
        interpreter = _interpreter(self.data, threads)
        place_in = interpreter.get_input_details()[0]["index"]
        place_out = interpreter.get_output_details()[0]["index"]
        found = []
        for photo in pixels:
            interpreter.set_tensor(place_in, photo[np.newaxis].astype(np.float32))
            interpreter.invoke()
            found.append(interpreter.get_tensor(place_out)[0])
        vectors = np.stack(found)
        # rounding leaves lengths a little off
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def shrink(config: Config, workdir: Workdir, form: Form, out: Path) -> dict[str, Any]:
    """Writes a smaller tower, unless it finds neighbors worse than the tower it is made of.

    Args:
        config: photos and embed settings are used.
        workdir: holds the prepared tables and a trained tower.
        form: how its weights are kept; int8 computes in 8 bits as well. pruned sets as many of
            the smallest to zero as R@1 bears: the file is as large, and compresses to less.
        out: the folder to write, with tower.tflite and a manifest.

    Returns:
        bytes, compressed bytes, photos per second and R@1 by category, of the small tower and of
        the float32 one in the same runtime; `r_at_1_lost`; of a pruned one `share`. R@1 is that
        of validation photos among training ones.

    Raises:
        ArtifactError: there is no tower.
        DataError: more than 0.01 of R@1 is lost; nothing is written.
    """
    tower = load_tower(workdir.tower)
    gallery, queries, gallery_labels, query_labels = _photos(config, workdir, tower)
    chosen = np.random.default_rng(config.tower.seed).permutation(len(gallery))[:NUM_CALIBRATION]
    calibration = np.asarray(gallery[np.sort(chosen)])
    report: dict[str, Any] = {"form": form}
    small = Shrunk(b"")
    source: Tower = tower
    forms: dict[str, Form] = {"float32": "float32", "small": form}
    for name, made in forms.items():
        if made == "pruned":
            judge = functools.partial(_r_at_1_of, gallery=gallery, queries=queries, labels=(
                gallery_labels, query_labels), batch_size=config.embed.batch_size)  # fmt: skip
            source, report["share"] = most_pruned(tower, judge)
        say(f"  {made}: converted, timed, and judged on {len(queries)} photos")
        small = Shrunk(convert(source, made, calibration))
        report[name] = {
            "bytes": len(small.data), "compressed_bytes": len(zlib.compress(small.data, 9)),
            "photos_per_second": photos_per_second(small.embed, queries),
            "r_at_1": r_at_1(small.embed(queries), query_labels, small.embed(gallery),
                             gallery_labels),
        }  # fmt: skip
    lost = report["float32"]["r_at_1"] - report["small"]["r_at_1"]
    report["r_at_1_lost"] = lost
    if lost > MAX_LOST:
        raise DataError(
            f"the {form} tower loses {lost:.3f} of R@1, more than {MAX_LOST}.", where=str(out),
            mend="Use float16, or train the tower longer before shrinking it.",
        )  # fmt: skip
    with write_artifact(out, KIND) as draft:
        (draft.path / FILE).write_bytes(small.data)
        draft.inputs["tower"] = tower.fingerprint
        draft.info.update(report)
    return report


def convert(tower: Tower, form: Form, calibration: NDArray[np.uint8]) -> bytes:
    """The tower's embedding as a TFLite file.

    Args:
        tower: trained.
        form: float32 (of a pruned tower too), float16 (weights) or int8 (weights and
            activations).
        calibration: uint8 [n, size, size, 3] photos that the ranges of int8 are taken from.
    """
    size = tower.image_size

    @tf.function(input_signature=[tf.TensorSpec([1, size, size, 3], tf.float32, name="photo")])
    def embed(photo: tf.Tensor) -> tf.Tensor:
        return tower.layer(photo)

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for photo in calibration:
            yield [photo[np.newaxis].astype(np.float32)]

    with quiet_keras(), native_log_dropped():
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [embed.get_concrete_function()], tower.layer
        )
        if form in ("float16", "int8"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if form == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if form == "int8":
            converter.representative_dataset = samples
        return bytes(converter.convert())


def most_pruned(tower: Tower, judge: Callable[[Tower], float]) -> tuple[Tower, float]:
    """The tower with the most zeros that loses no more than MAX_LOST, and the share of them.

    Args:
        tower: trained.
        judge: gives the R@1 of a tower.
    """
    least = judge(tower) - MAX_LOST
    for share in SHARES:
        small = pruned(tower, share)
        found = judge(small)
        say(f"  {share:.0%} pruned: R@1 {found:.4f}")
        if found >= least:
            return small, share
    return tower, 0.0


def photos_per_second(embed: Embed, pixels: NDArray[np.uint8], rounds: int = 3) -> float:
    """The best of some rounds over at most 96 photos, after one round to warm up."""
    photos = np.resize(pixels, (min(TIMED_PHOTOS, len(pixels)), *pixels.shape[1:]))
    embed(photos[:8])
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        embed(photos)
        seconds.append(time.perf_counter() - start)
    return len(photos) / min(seconds)


def r_at_1(
    queries: NDArray[np.float32], query_labels: NDArray[Any],
    gallery: NDArray[np.float32], gallery_labels: NDArray[Any],
) -> float:  # fmt: skip
    """Share of queries whose nearest gallery vector has their label."""
    nearest = (queries @ gallery.T).argmax(axis=1)
    return float(np.mean(gallery_labels[nearest] == query_labels))


def _r_at_1_of(
    tower: Tower, *, gallery: NDArray[np.uint8], queries: NDArray[np.uint8],
    labels: tuple[NDArray[Any], NDArray[Any]], batch_size: int,
) -> float:  # fmt: skip
    see = compiled(tower)
    found, asked = (encode(see, pixels, batch_size)[0] for pixels in (gallery, queries))
    return r_at_1(asked, labels[1], found, labels[0])


def _photos(
    config: Config, workdir: Workdir, tower: LoadedTower
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[Any], NDArray[Any]]:
    """Pixels of training and validation photos, and the categories of both."""
    catalog = load_catalog(workdir)
    splits = catalog[SPLIT].to_numpy(dtype=object)
    categories = catalog[CATEGORY].to_numpy(dtype=object)
    parts = []
    for split in ("train", "validation"):
        rows = np.flatnonzero((splits == split) & (categories != ""))
        path = workdir.root / f".shrink.{split}"
        try:
            cache = cache_pixels(photos_of(catalog, rows), config.photos, tower.image_size, path,
                                 config.embed.decode_workers)  # fmt: skip
            parts.append((np.array(cache.pixels), categories[cache.item_rows]))
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
    (gallery, gallery_labels), (queries, query_labels) = parts
    if not len(gallery) or not len(queries):
        raise DataError("there are no photos with categories to judge a smaller tower by.",
                        where=str(workdir.tables), mend="Fill in the catalog's categories."
                        )  # fmt: skip
    return gallery, queries, gallery_labels, query_labels


def _interpreter(data: bytes, threads: int) -> Any:
    import warnings

    with warnings.catch_warnings(), native_log_dropped():
        warnings.simplefilter("ignore")  # the interpreter's class is about to move house
        interpreter = tf.lite.Interpreter(model_content=data, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter
