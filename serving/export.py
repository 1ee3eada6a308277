"""The `export` step: servables written beside, loaded again, compared, then renamed into place.

TensorFlow Serving takes any folder named by a number the moment it appears, so nothing has such
a name before it is whole; the bundle's folder appears last and says that a version belongs
together. What a killed export leaves is cleared by the next one.
"""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from recsys import columns
from recsys.artifact import disk_errors, fingerprint_of, hash_files, sync_file, write_artifact
from recsys.config import Config, dump_config
from recsys.errors import ArtifactError, ServingError
from recsys.progress import say
from recsys.workdir import Workdir
from serving.bundle import (
    CANDIDATE_VECTORS,
    CONFIG,
    IMAGE_ENCODER,
    ITEMS,
    KIND,
    PHOTO_VECTORS,
    RECOMMEND,
    SIMILAR_ITEMS,
    VOCABULARY,
    list_versions,
)
from serving.bundle_figures import VALIDATION
from serving.canaries import Question
from serving.kept_servables import KeptServable, find_kept, made_of
from serving.loaded_servable import LoadedServable, as_text
from serving.parts import Parts, make_servables, open_parts
from serving.publication import (
    DRAFT,
    clear_leftovers,
    next_version,
    only_export,
    remove_models,
    remove_old,
    rename_servables,
)
from serving.same_answers import difference
from serving.servables import Servable, save_servable
from serving.server_files import ENCODER_BATCHING, ENCODER_BATCHING_FILE, write_server_files
from serving.traffic import load_traffic
from serving.warmup import write_warmup

FORMAT = 1


def export(config: Config, workdir: Workdir) -> dict[str, Any]:
    """Publishes a bundle of everything that the workdir has.

    Returns:
        The version, its fingerprint, its servables and the default engine of each verb.

    Raises:
        ArtifactError: something is missing, or artifacts do not belong together.
        ServingError: a servable answers differently once it is loaded again; nothing is
            published.
    """
    with only_export(workdir):
        version = next_version(workdir)
        clear_leftovers(workdir)
        parts = open_parts(workdir, config.export.both_engines)
        fingerprint = _fingerprint(parts, config)
        keys = made_of(parts, config)
        kept = find_kept(keys, workdir)
        servables = make_servables(parts, config, fingerprint, kept)
        drafts: dict[str, Path] = {}
        try:
            for name, found in kept.items():
                drafts[name] = _draft(name, version, workdir)
                _take_over(found, drafts[name], fingerprint)
            _write_all(servables, drafts, version, config, workdir)
            info = _info(parts, config, version, fingerprint, list(drafts))
            info |= {
                "made_of": keys,
                "files": {name: hash_files(path) for name, path in drafts.items()},
            }
            rename_servables(drafts, version, workdir)
            _write_bundle(parts, config, info, workdir)
        except BaseException:
            for draft in drafts.values():
                shutil.rmtree(draft, ignore_errors=True)
            if version not in list_versions(workdir):
                remove_models(workdir, version)
            raise
        remove_old(workdir, config.export.keep_bundles, load_traffic(workdir).kept)
        write_server_files(workdir.export, list(drafts))
    say(f"  bundle {version} ({fingerprint}): {', '.join(drafts)}")
    return {name: info[name] for name in ("version", "fingerprint", "servables", "engines")}


def _write_all(
    servables: dict[str, tuple[Servable, list[Question]]], drafts: dict[str, Path], version: int,
    config: Config, workdir: Workdir,
) -> None:  # fmt: skip
    """Writes each servable beside its place; a thread compares it while the next is written.

    One thread, since all that is said to standard error goes through `native_log_dropped`.
    """
    comparing = ThreadPoolExecutor(1, thread_name_prefix="compare")
    compared = []
    try:
        for name, (servable, questions) in servables.items():
            drafts[name] = _write_servable(name, servable, questions, version, config, workdir)
            compared.append(comparing.submit(
                compare, servable, drafts[name], questions, config.export.parity_tolerance
            ))  # fmt: skip
        for each in compared:
            each.result()
    finally:
        comparing.shutdown(cancel_futures=True)


def _write_servable(
    name: str, servable: Servable, questions: list[Question], version: int, config: Config,
    workdir: Workdir,
) -> Path:  # fmt: skip
    """Writes a servable beside its place; gives its path."""
    draft = _draft(name, version, workdir)
    try:
        with disk_errors(draft), _native_errors(draft):
            save_servable(servable, draft)
            write_warmup(draft, name, questions, config.export.num_warmup_requests)
            if name == IMAGE_ENCODER and not config.export.encoder_max_batch:
                # the server would join requests whole, and a bad photo fail them all
                (draft / ENCODER_BATCHING_FILE).write_text(ENCODER_BATCHING, encoding="utf-8")
            for path in draft.rglob("*"):
                sync_file(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return draft


def _take_over(kept: KeptServable, draft: Path, fingerprint: str) -> None:
    """Puts a servable of the newest bundle beside its new place, as it was compared and hashed."""
    with disk_errors(draft):
        kept.link(draft, fingerprint)
        for path in draft.rglob("*"):
            sync_file(path)


def _draft(name: str, version: int, workdir: Workdir) -> Path:
    folder = workdir.models / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f".{version}.{uuid.uuid4().hex[:8]}{DRAFT}"


def compare(servable: Servable, folder: Path, questions: list[Question], tolerance: float) -> None:
    """Asks a servable in memory and its copy on disk the same questions.

    Raises:
        ServingError: an answer differs by more than the tolerance.
    """
    loaded = LoadedServable(folder)
    try:
        signatures = servable.signatures()
        for question in questions:
            answer = signatures[question.signature](**question.inputs)
            expected = {name: as_text(value.numpy()) for name, value in answer.items()}
            found = loaded.predict(question.inputs, question.signature)
            if what := difference(expected, found, tolerance):
                raise ServingError(
                    f"once loaded again it answers differently: {what}.",
                    where=f"{folder.parent.name}, signature {question.signature}",
                    mend="Nothing was published. Run `vitrine export` again; if it stays, raise "
                    "export.parity_tolerance only if such a difference is harmless.",
                )  # fmt: skip
    finally:
        loaded.close()


def _write_bundle(parts: Parts, config: Config, info: dict[str, Any], workdir: Workdir) -> None:
    items = parts.catalog.drop(columns=[columns.SPLIT], errors="ignore")
    photo_vectors, items[columns.HAS_PHOTO] = parts.photos
    with write_artifact(workdir.bundles / str(info["version"]), KIND) as draft:
        items.to_parquet(draft.path / ITEMS, index=False)
        (draft.path / CONFIG).write_text(dump_config(config), encoding="utf-8")
        if parts.spaces.photo is not None:
            np.save(draft.path / PHOTO_VECTORS, photo_vectors)
        if parts.spaces.behavior is not None and parts.placement is not None:
            np.save(draft.path / CANDIDATE_VECTORS, parts.spaces.behavior.vectors)
            parts.placement.vocabulary.save(draft.path / VOCABULARY)
        draft.inputs = parts.fingerprints
        draft.info = info


def _info(
    parts: Parts, config: Config, version: int, fingerprint: str, servables: list[str]
) -> dict[str, Any]:
    spaces, tower = parts.spaces, parts.tower_settings
    verbs = {SIMILAR_ITEMS: spaces.similar}
    if spaces.behavior is not None:
        verbs[RECOMMEND] = spaces.behavior
    return {
        "version": version,
        "fingerprint": fingerprint,
        "created_at": round(time.time(), 3),
        "fingerprints": parts.fingerprints,
        "servables": servables,
        "engines": {verb: parts.measured(space)["engine"] for verb, space in verbs.items()},
        "spaces": {verb: space.name for verb, space in verbs.items()},
        "embedding_dims": {space.name: int(space.vectors.shape[1]) for space in spaces.present},
        "num_items": len(parts.catalog),
        "num_photos": len(spaces.photo.item_ids) if spaces.photo else 0,
        "image_size": tower.image_size if tower else 0,
        "fit": tower.fit if tower else config.photos.fit,
        "categories": tower.categories if tower else [],
        "attributes": {
            name.removeprefix(columns.ATTRIBUTE_PREFIX): values
            for name, values in (tower.attributes if tower else {}).items()
        },
        "event_kinds": spaces.model.event_kinds if spaces.model else [],
        "history_length": config.model.history_length,
        "ranked_first": parts.ranker.candidates if parts.ranker else 0,
        "explains": config.export.explanations and spaces.model is not None,
        "repeat_consumption": config.model.repeat_consumption,
        "metrics": {name: spaces.model.info.get(name) for name in [VALIDATION]}
        if spaces.model
        else {},
        "index": {space.name: _summary(parts.measured(space)) for space in spaces.present},
    }


def _summary(measured: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in measured.items() if name != "trials"}


def _fingerprint(parts: Parts, config: Config) -> str:
    settings = {"photos": config.photos.model_dump(mode="json"),
                "model": config.model.model_dump(mode="json")}  # fmt: skip
    if not config.export.both_engines:
        settings["export"] = {"both_engines": False}
    if config.export.shards > 1:
        settings["shards"] = {"number": config.export.shards}
    return fingerprint_of({"inputs": parts.fingerprints, "settings": settings, "format": FORMAT})


@contextlib.contextmanager
def _native_errors(where: Path) -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        raise ArtifactError(f"cannot write the servable: {error.message}.", where=str(where),
                            mend="Free some space, then run `vitrine export` again."
                            ) from error  # fmt: skip
