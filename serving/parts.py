"""What a bundle is made of: artifacts that belong together, and the servables built from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from embeddings.image_tower import KIND as TOWER
from embeddings.image_tower import LoadedTower, TowerSettings, load_tower, read_settings
from embeddings.text_tower import LoadedTextTower, load_text_tower
from recsys import columns
from recsys.artifact import Artifact, open_artifact
from recsys.candidate_tower import as_items
from recsys.catalog import load_catalog
from recsys.config import Config
from recsys.errors import ArtifactError
from recsys.explanations import ItemParts, item_parts
from recsys.features import ItemFeatures, item_features
from recsys.index import ExactIndex, ScannIndex
from recsys.interactions import load_interactions
from recsys.learn_transitions import KIND as TRANSITIONS
from recsys.learn_transitions import MEND, open_source
from recsys.mixture import Mixture
from recsys.placement import Placement, load_candidate_tower, load_placement
from recsys.popularity_clock import PopularityClock
from recsys.progress import say
from recsys.ranker import Ranker
from recsys.repeats import kinds_called
from recsys.scann_parts import ScannSettings, load_parts
from recsys.sequences import make_sequences
from recsys.spaces import Space, Spaces, open_spaces
from recsys.train_ranker import KIND as RANKER
from recsys.train_ranker import open_ranker, rank_facts
from recsys.workdir import Workdir
from serving.batch_function import Batching
from serving.blend import Blend, Sources
from serving.bundle import IMAGE_ENCODER, RANK, RECOMMEND, SCANN, SIMILAR_ITEMS, TEXT_ENCODER
from serving.canaries import Question, make_questions
from serving.rank import Rank
from serving.servables import ImageEncoder, Recommend, Servable, SimilarItems, masking
from serving.sharded_parts import make_shards
from serving.shards import without_shard
from serving.text_encoder import TextEncoder

DEFAULT_SCALE = 20.0  # of models that do not say theirs


class Parts:
    """The artifacts that a bundle is made of.

    Attributes:
        index: the measured index.
        both_engines: ScaNN is served where it is good enough, not only where it was chosen.
        spaces: what is searched.
        evaluation: None where it was not run.
    """

    def __init__(
        self, workdir: Workdir, spaces: Spaces, index: Artifact, both_engines: bool = True
    ) -> None:
        self.workdir, self.spaces, self.index = workdir, spaces, index
        self.both_engines = both_engines
        self.catalog, self.interactions = load_catalog(workdir), load_interactions(workdir)
        self.evaluation = None
        if workdir.evaluation.is_dir():
            self.evaluation = open_artifact(
                workdir.evaluation, "evaluation", mend="Run `vitrine evaluate` again."
            )

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of every artifact behind the bundle."""
        found = {**self.spaces.fingerprints, "index": self.index.fingerprint}
        if self.sources is not None:
            made = open_artifact(self.workdir.transitions, TRANSITIONS, mend=MEND)
            found[TRANSITIONS] = made.fingerprint
        if self.words is not None:
            found["words"] = self.words.fingerprint
        if self.ranker is not None:
            made = open_artifact(self.workdir.ranker, RANKER, mend="Run `vitrine rank` again.")
            found[RANKER] = made.fingerprint
        return found

    @cached_property
    def tower(self) -> LoadedTower | None:
        """The image tower, built when it is first asked for; None without photos."""
        return None if self.spaces.photo is None else load_tower(self.workdir.tower)

    @cached_property
    def tower_settings(self) -> TowerSettings | None:
        """What the tower is built from; None without photos."""
        return None if self.spaces.photo is None else read_settings(self.workdir.tower)

    @cached_property
    def words(self) -> LoadedTextTower | None:
        """What understands words; None without photos or titles."""
        if self.spaces.photo is None or not self.workdir.words.is_dir():
            return None
        loaded = load_text_tower(self.workdir.words)
        found = self.spaces.fingerprints
        if loaded.taught_by.isdisjoint([found["tower"], found["embeddings"]]):
            # no error: a catalog that has lost its titles could not mend it
            say("  words were learned from other embeddings and are left out: run train-words")
            return None
        return loaded

    @cached_property
    def placement(self) -> Placement | None:
        """What places new items; None without a trained model."""
        return None if self.spaces.model is None else load_placement(self.workdir.model)

    @cached_property
    def photos(self) -> tuple[np.ndarray, np.ndarray]:
        """Photo embeddings in the order of the catalog, zeros where an item has none.

        Returns:
            float32 [num_items, dim] and bool [num_items]; a dim of 0 without photos.
        """
        space, num_items = self.spaces.photo, len(self.catalog)
        present = np.zeros(num_items, bool)
        if space is None:
            return np.zeros((num_items, 0), np.float32), present
        present[:] = self.catalog[columns.ITEM_ID].isin(space.item_ids)
        vectors = np.zeros((num_items, space.vectors.shape[1]), np.float32)
        vectors[present] = space.vectors  # its items are in the order of the catalog
        return vectors, present

    @cached_property
    def features(self) -> ItemFeatures | None:
        """The catalog as the candidate tower reads it; None without a trained model."""
        if self.placement is None:
            return None
        # a model trained with photos that are gone since reads every item as one without
        photos = self.photos if self.spaces.photo is not None else ()
        return item_features(self.catalog, self.placement.vocabulary, *photos)

    @cached_property
    def ranker(self) -> Ranker | None:
        """What corrects the first candidates; None where validation did not keep one.

        Raises:
            ArtifactError: it was trained for another model.
        """
        model = self.spaces.model
        return None if model is None else open_ranker(self.workdir, model.trained)

    def moving(self) -> np.ndarray:
        """Popularity and trend of each item after the last event, float32 [num_items, 2]."""
        weights = self.spaces.model.config.event_weights if self.spaces.model else {}
        item_ids = self.catalog[columns.ITEM_ID].tolist()
        sequences = make_sequences(self.interactions, item_ids, weights)
        now = np.nextafter(sequences.times.max(initial=0.0), np.inf)
        rows = np.arange(len(item_ids))[None]
        return PopularityClock.of(sequences, len(item_ids)).features(rows, np.array([now]))[0]

    def explained(self) -> ItemParts | None:
        """What photos and words make of each candidate vector; None without a trained model."""
        if self.features is None:
            return None
        tower, _, ids = load_candidate_tower(self.workdir.model)
        return item_parts(tower, as_items(self.features, ids))

    @cached_property
    def sources(self) -> Sources | None:
        """The transitions beside the towers; None where that step was not run.

        Raises:
            ArtifactError: they were fitted to another model.
        """
        model = self.spaces.model
        source = None if model is None else open_source(self.workdir, model)
        if model is None or source is None:
            return None
        weights = model.config.event_weights
        categories = pd.factorize(self.catalog[columns.CATEGORY])[0].astype(np.int32)
        return Sources(
            source.table, source.mixture, source.settings,
            silent_kinds=sorted(kind for kind, weight in weights.items() if not weight),
            boosted_kinds=kinds_called(model.config, "boost"),
            groups=categories,
            falling=_falling(source.mixture, float(model.info.get("scale", DEFAULT_SCALE))),
        )  # fmt: skip

    def measured(self, space: Space) -> dict[str, Any]:
        """What the index step found out about a space."""
        return dict(self.index.info["spaces"][space.name])

    def serves_scann(self, space: Space) -> bool:
        """Whether a space has a servable over ScaNN, beside the exact one."""
        measured = self.measured(space)
        return bool(measured["scann"]) and (self.both_engines or measured["engine"] == "scann")


def make_servables(
    parts: Parts, config: Config, fingerprint: str, kept: Collection[str] = ()
) -> dict[str, tuple[Servable, list[Question]]]:
    """Builds servables in memory, with the questions each is checked by, by name.

    Args:
        kept: encoders that need not be built, since the newest bundle has them.
    """
    servables: dict[str, Servable] = {}
    explains = config.export.explanations
    spaces = parts.spaces
    if IMAGE_ENCODER not in kept and parts.tower is not None:
        servables[IMAGE_ENCODER] = ImageEncoder(parts.tower, fingerprint, _batching(config))
    if TEXT_ENCODER not in kept and parts.words is not None:
        servables[TEXT_ENCODER] = TextEncoder(parts.words.tower, fingerprint)
    searched = {SIMILAR_ITEMS: spaces.similar.vectors}
    if config.export.shards > 1:
        servables |= make_shards(parts, config.export.shards, fingerprint, explains=explains)
    else:
        servables |= _whole(parts, fingerprint, explains)
    if spaces.behavior is not None and spaces.model is not None:
        searched[RECOMMEND] = spaces.behavior.vectors
        if parts.ranker is not None:
            servables[RANK] = Rank(
                parts.ranker, rank_facts(parts.catalog, parts.workdir), parts.moving(),
                spaces.behavior.item_ids, fingerprint,
            )  # fmt: skip
    size = parts.tower_settings.image_size if parts.tower_settings else 0
    questions = {
        name: make_questions(
            name, config, parts.catalog, parts.interactions, image_size=size,
            vectors=searched.get(name.removesuffix(SCANN), np.zeros((0, 1), np.float32)),
            placed=parts.features if name == RECOMMEND else None,
            explains=explains and name == RECOMMEND,
        )
        for name in {without_shard(name): None for name in servables}
    }  # fmt: skip
    return {name: (servable, questions[without_shard(name)])
            for name, servable in servables.items()}  # fmt: skip


def _whole(parts: Parts, fingerprint: str, explains: bool) -> dict[str, Servable]:
    """The servables that search all items."""
    servables: dict[str, Servable] = {}
    similar, behavior, model = parts.spaces.similar, parts.spaces.behavior, parts.spaces.model
    for engine, index in _engines(parts, similar):
        servables[SIMILAR_ITEMS + engine] = SimilarItems(index, similar.item_ids, fingerprint)
    if behavior is None or model is None:
        return servables
    for engine, index in _engines(parts, behavior):
        servables[RECOMMEND + engine] = Recommend(
            model, index, behavior.item_ids, fingerprint, **masking(model.config),
            placement=None if engine else parts.placement,  # one servable places
            blend=Blend(parts.sources) if parts.sources else None,
            parts=parts.explained() if explains and not engine else None,
        )  # fmt: skip
    return servables


def _falling(mixture: Mixture, scale: float) -> float:
    """What a better item of one's category costs in the list of a new visitor.

    Two of them halve what an item counts: its probability by the towers, whose softmax has this
    scale, or its popularity, whose logarithm has the weight of an empty history.
    """
    return float(0.5 * np.log(2.0) * max(1.0 / scale, mixture.weights[0]))


def _batching(config: Config) -> Batching | None:
    most = config.export.encoder_max_batch
    return Batching(most, config.export.encoder_wait_micros) if most else None


def _engines(parts: Parts, space: Space) -> Iterator[tuple[str, ExactIndex | ScannIndex]]:
    yield "", ExactIndex(space.vectors)
    if parts.serves_scann(space):
        settings = ScannSettings(**parts.measured(space)["settings"])
        trained = load_parts(parts.index.path / f"{space.name}.npz")
        yield SCANN, ScannIndex(space.vectors, settings, trained)


def open_parts(workdir: Workdir, both_engines: bool = True) -> Parts:
    """Opens what a bundle is made of.

    Args:
        both_engines: as `export.both_engines` says.

    Raises:
        ArtifactError: something is missing, or artifacts do not belong together.
    """
    spaces = open_spaces(workdir)
    index = open_artifact(workdir.index, "index", mend="Run `vitrine index` first.")
    if dict(index.inputs) != spaces.fingerprints:
        raise ArtifactError(
            "the index was measured on other embeddings or another model.",
            where=str(workdir.index), mend="Run `vitrine index` again.",
        )  # fmt: skip
    if spaces.photo is not None and _tower_of(workdir) != spaces.fingerprints["tower"]:
        raise ArtifactError(
            "the embeddings were made by another tower.", where=str(workdir.embeddings),
            mend="Run `vitrine embed` again, then `vitrine index`.",
        )  # fmt: skip
    return Parts(workdir, spaces, index, both_engines)


def _tower_of(workdir: Workdir) -> str:
    return open_artifact(workdir.tower, TOWER, mend="Run `vitrine train-tower` first.").fingerprint
