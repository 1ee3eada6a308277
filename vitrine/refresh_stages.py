"""What a refresh makes, in order: each stage from what its key names, and only when that changed.

A stage writes one artifact into a draft of the workdir. Its key is made of manifests, settings
and the states of files, never of photos' bytes, so that a night without changes costs seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recsys.artifact import MANIFEST
from recsys.config import Config
from recsys.workdir import Workdir
from vitrine.refresh_photos import any_photos, photos_key
from vitrine.sources import events_signature, file_signature

Summary = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One artifact of a refresh.

    Attributes:
        step: the pipeline's step that made the first one.
        place: the workdir's name for the artifact.
        applies: whether a workdir has what the stage goes on from.
        key: what the artifact is made of, as JSON can write it; equal keys, equal artifact.
        run: (config, published, draft) → summary; writes `draft.place(place)`.
    """

    name: str
    step: str
    place: str
    applies: Callable[[Workdir], bool]
    key: Callable[[Config, Workdir], Any]
    run: Callable[[Config, Workdir, Workdir], Summary]


def manifest(workdir: Workdir, place: str) -> dict[str, Any]:
    """The manifest of an artifact; empty where there is none that can be read."""
    try:
        found = json.loads((workdir.place(place) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def fingerprint(workdir: Workdir, place: str) -> str:
    """The fingerprint of an artifact; empty where there is none."""
    return str(manifest(workdir, place).get("fingerprint", ""))


def trained(workdir: Workdir) -> str:
    """The training behind the model, which refreshes keep; empty without one."""
    found = manifest(workdir, "model")
    return str(found.get("info", {}).get("trained", found.get("fingerprint", "")))


def tower_changed(workdir: Workdir) -> bool:
    """Whether the embeddings were made by another tower than the one that is there now."""
    made_by = manifest(workdir, "embeddings").get("info", {}).get("tower_fingerprint")
    return made_by is not None and made_by != fingerprint(workdir, "tower")


def settings_of(config: Config, *sections: str) -> dict[str, Any]:
    """Sections of the settings, as JSON can write them."""
    return config.model_dump(mode="json", include=set(sections))


def _table(workdir: Workdir, name: str) -> str:
    return str(manifest(workdir, "tables").get("files", {}).get(f"{name}.parquet", ""))


def _tables_key(config: Config, workdir: Workdir) -> Any:
    data = config.data
    return [settings_of(config, "data"), file_signature(data.root, data.catalog),
            events_signature(config)]  # fmt: skip


def _embeddings_key(config: Config, workdir: Workdir) -> Any:
    return [settings_of(config, "photos"), fingerprint(workdir, "tower"),
            photos_key(config, workdir)]  # fmt: skip


def _model_key(config: Config, workdir: Workdir) -> Any:
    return [trained(workdir), _table(workdir, "catalog"), fingerprint(workdir, "embeddings")]


def _transitions_key(config: Config, workdir: Workdir) -> Any:
    return [trained(workdir), _table(workdir, "catalog"), _table(workdir, "interactions")]


def _index_key(config: Config, workdir: Workdir) -> Any:
    read = [fingerprint(workdir, place) for place in ("tables", "embeddings", "model")]
    return [settings_of(config, "index"), read]


def _prepare(config: Config, published: Workdir, draft: Workdir) -> Summary:
    from recsys.prepare import prepare

    return prepare(config, draft)


def _embed(config: Config, published: Workdir, draft: Workdir) -> Summary:
    from embeddings.embed import embed

    return embed(config, draft)


def _place_items(config: Config, published: Workdir, draft: Workdir) -> Summary:
    from recsys.refresh_candidates import refresh_candidates

    return refresh_candidates(config, published, draft)


def _count(config: Config, published: Workdir, draft: Workdir) -> Summary:
    if manifest(published, "transitions").get("inputs", {}).get("model") != trained(draft):
        from recsys.learn_transitions import learn_transitions

        return learn_transitions(config, draft)  # the mixture was fitted to another training
    from recsys.refresh_transitions import refresh_transitions

    return refresh_transitions(config, published, draft)


def _index(config: Config, published: Workdir, draft: Workdir) -> Summary:
    from recsys.refresh_index import refresh_index

    return refresh_index(config, published, draft)


def _has(place: str) -> Callable[[Workdir], bool]:
    return lambda workdir: bool(fingerprint(workdir, place))


def _has_photos(workdir: Workdir) -> bool:
    return bool(fingerprint(workdir, "tower")) and any_photos(workdir)


STAGES = (
    Stage("tables", "prepare", "tables", _has("tables"), _tables_key, _prepare),
    Stage("embeddings", "embed", "embeddings", _has_photos, _embeddings_key, _embed),
    Stage("candidates", "train", "model", _has("model"), _model_key, _place_items),
    Stage("transitions", "transitions", "transitions", _has("transitions"), _transitions_key,
          _count),
    Stage("index", "index", "index", _has("index"), _index_key, _index),
)  # fmt: skip
