"""The two public verbs over one bundle: `similar_items` and `recommend`.

Joins what the bundle's servables score with what the rules allow, and says why of each item.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from recsys.config import ServingConfig
from recsys.errors import NotFoundError
from recsys.repeats import word_for
from serving.arrangement import Arrangement
from serving.degraded import popular_reason, popular_rows
from serving.exploration import Exploration, Slot
from serving.items import Items
from serving.nearness import Nearness
from serving.overlay import Overlay, vectors_of
from serving.ranking import Asked, Ranking
from serving.reasons import (
    Neighborhoods,
    Neighbors,
    Reason,
    Seen,
    last_distinct,
    reason_for,
)
from serving.rules import Filter, Page
from serving.seen import hidden_items
from serving.served_bundle import (
    ENCODER,
    RECOMMEND,
    SIMILAR,
    WORDS,
    Client,
    Published,
    ServedBundle,
    text,
)

NEAREST = 4  # neighbors that an explanation looks at, at least


@dataclass(frozen=True)
class Visit:
    """One event of a history, as the model reads it."""

    item_id: str
    event: str = "view"
    age: float = 0.0  # seconds before now


@dataclass(frozen=True)
class Answered:
    """One item of an answer."""

    row: int
    score: float  # of an item that is tried: that of the one in whose place it stands
    reason: Reason
    slot: Slot | None = None  # of recommendations: with which chance it is there


@dataclass(frozen=True)
class Context:
    """When a recommendation is asked for; -1 is unknown."""

    hour: int = -1
    weekday: int = -1

    @classmethod
    def at(cls, timestamp: float) -> Context:
        """The context of a point of time, in UTC as in training."""
        moment = datetime.fromtimestamp(timestamp, UTC)
        return cls(moment.hour, moment.weekday())


@dataclass(frozen=True)
class Shown:
    """What a photo shows.

    Attributes:
        embedding: float32 [embedding_dim].
        categories: probabilities by name, likeliest first.
        attributes: the same for each attribute.
    """

    embedding: np.ndarray
    categories: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, dict[str, float]] = field(default_factory=dict)


class Recommender:
    """Answers from one bundle.

    Args:
        bundle: which version is asked for.
        client: of the model server that serves it.
        items: the bundle's items.
        config: limits, over-fetch, engine.
        clock: seconds since the epoch.
        overlay: the items put or withdrawn since; its items are answered then.

    Example:
        >>> recommender.similar_items("17", Page(k=10))  # doctest: +SKIP
    """

    def __init__(
        self, bundle: Published, client: Client, items: Items, config: ServingConfig, *,
        clock: Callable[[], float] = time.time, overlay: Overlay | None = None,
    ) -> None:  # fmt: skip
        self.bundle = bundle
        self.served = ServedBundle(bundle, client, config.engine)
        self.overlay = overlay or Overlay(items, vectors_of(bundle))
        self.items = self.overlay.items
        self.clock = clock
        self._config = config
        self._neighborhoods = Neighborhoods(self._neighbors)
        self._ranking = Ranking(bundle, self.served, self.items, config, self.overlay)
        self._nearness = self._told_by_vectors()
        self.exploration = Exploration(self.items.item_ids, self.items.is_new,
                                       config.explore_share)  # fmt: skip

    def with_overlay(self, overlay: Overlay) -> Recommender:
        """The same bundle with other changes; what is remembered of neighbors is shared."""
        other = copy.copy(self)
        other.overlay, other.items = overlay, overlay.items
        other._ranking = Ranking(self.bundle, self.served, overlay.items, self._config, overlay)
        other._nearness = other._told_by_vectors()
        other.exploration = self.exploration.over(overlay.items.item_ids, overlay.items.is_new)
        return other

    @property
    def warnings(self) -> list[str]:
        """What should be mended and stops no request: a spoiled file of merchandising rules."""
        fault = self._ranking.merchandising.fault
        return [f"merchandising: {fault}"] if fault else []

    def similar_items(
        self, item_id: str, page: Page, wanted: Filter = Filter(),
        arrangement: Arrangement = Arrangement(),
    ) -> list[Answered]:  # fmt: skip
        """Items similar to one: by photo where it has one, else by who looks at both.

        Raises:
            NotFoundError: the item or the filter's category is unknown.
            ServingError: the model server does not answer, or not from this bundle.
        """
        row = self.items.row(item_id)
        verb, signature = self._similar_by(row)
        inputs: dict[str, Any] = {"item_id": [item_id]}
        space = str(self.bundle.info["spaces"].get(verb, "behavior"))
        if (vector := self._vector(row, space, verb)) is not None:
            signature, inputs = "by_embedding", {"embedding": vector[np.newaxis]}
        query = Asked(verb, signature, inputs, "similar",
                      [row, *self._rows_of(wanted.exclude)])  # fmt: skip
        found = self._ranking.page(query, page, wanted, arrangement)
        reason = Reason("similar_item", f"similar to item {item_id}", item_id)
        return [Answered(row, score, reason) for row, score in found]

    def similar_to_embedding(
        self, embedding: np.ndarray, page: Page, wanted: Filter = Filter(),
        arrangement: Arrangement = Arrangement(),
        reason: Reason = Reason("similar_photo", "looks like your photo"),
    ) -> list[Answered]:  # fmt: skip
        """Items whose photos are nearest to an embedding of the photo space."""
        inputs = {"embedding": embedding[np.newaxis].astype(np.float32)}
        query = Asked(SIMILAR, "by_embedding", inputs, "search", self._rows_of(wanted.exclude))
        found = self._ranking.page(query, page, wanted, arrangement)
        return [Answered(row, score, reason) for row, score in found]

    def photo_square(self) -> tuple[int, str]:
        """The side of the tower's square and how a photo is fitted to it.

        Raises:
            ArtifactError: the bundle was made without photos, and has no tower.
        """
        self.served.require(ENCODER)
        return int(self.bundle.info["image_size"]), str(self.bundle.info["fit"])

    def describe_photo(self, png: bytes) -> Shown:
        """What a photo shows, and where it lies in the photo space.

        Args:
            png: the photo, fitted to the tower's square already.
        """
        return self.describe_photos([png])[0]

    def describe_photos(self, pngs: list[bytes]) -> list[Shown]:
        """What photos show, asked in one call."""
        answer = self.served.predict(ENCODER, {"photo": pngs})
        return [self._shown(answer, at) for at in range(len(pngs))]

    def understood(self, texts: list[str]) -> list[np.ndarray]:
        """Where words lie in the photo space.

        Raises:
            ArtifactError: the bundle was made without words: its items have no titles.
        """
        if not texts:
            return []
        return list(self.served.predict(WORDS, {"text": texts})["embedding"])

    def photo_vector(self, item_id: str) -> np.ndarray:
        """Where an item's photo lies in the photo space.

        Raises:
            NotFoundError: the item is unknown, or has no photo.
        """
        row = self.items.row(item_id)
        vectors: Any = self.overlay.vectors["photo"]
        if vectors is None or not self.items.has_photo[row]:
            raise NotFoundError(f"item `{item_id}` has no usable photo.", where="items",
                                mend="Search by another item.")  # fmt: skip
        return np.asarray(vectors[np.array([row])][0])

    def _shown(self, answer: dict[str, np.ndarray], at: int) -> Shown:
        info = self.bundle.info
        attributes = {
            name: _by_probability(values, answer[f"attr_{name}_probabilities"][at])
            for name, values in (info.get("attributes") or {}).items()
            if f"attr_{name}_probabilities" in answer
        }
        categories = info.get("categories") or []
        named = answer.get("category_probabilities")
        return Shown(
            answer["embedding"][at],
            _by_probability(categories, named[at]) if named is not None else {},
            attributes,
        )

    def recommend(
        self, history: list[Visit], page: Page, wanted: Filter = Filter(),
        context: Context | None = None, exclude: list[str] | None = None,
        arrangement: Arrangement = Arrangement(),
    ) -> list[Answered]:  # fmt: skip
        """Items for a shopper with this history, oldest first; it may be empty.

        Args:
            context: when it is asked for; None is now.
            exclude: items that are left out besides those the rules leave out.
        """
        context = context or Context.at(self.clock())
        repeats = self.bundle.info["repeat_consumption"]
        hidden = hidden_items(history, self._config.seen, masks=repeats)
        excluded = {*(exclude or []), *wanted.exclude}
        left_out = self._rows_of(sorted(excluded | hidden))
        read = history[-int(self.bundle.info["history_length"]) :]
        seen = {visit.item_id for visit in read if word_for(repeats, visit.event) == "mask"}
        inputs = {
            "history": [[visit.item_id for visit in read] or [""]],
            "kinds": [[visit.event for visit in read] or [""]],
            "ages": np.array([[visit.age for visit in read] or [0.0]], np.float32),
            "hour": np.array([context.hour], np.int32),
            "weekday": np.array([context.weekday], np.int32),
        }
        shown_again = self._rows_of(sorted(seen - hidden - excluded))
        query = Asked(RECOMMEND, "", inputs, "recommend", left_out, shown_again)
        found = self._ranking.page(query, page, wanted, arrangement)
        if not self.exploration.is_on:
            return self._explained(found, history)
        slots = self.exploration.placed(
            [row for row, _ in found], lambda rows: self._ranking.allows(query, wanted, rows)
        )
        placed = [(slot.row, score) for slot, (_, score) in zip(slots, found, strict=True)]
        return [_tried(answered, slot) for answered, slot in
                zip(self._explained(placed, history), slots, strict=True)]  # fmt: skip

    def popular(
        self, history: list[Visit], page: Page, wanted: Filter = Filter(),
        exclude: list[str] | None = None, kind: str = "recommend",
    ) -> list[Answered]:  # fmt: skip
        """What is popular in the categories of a history; nothing is asked of the model server.

        Args:
            kind: the list that merchandising knows it as, whose hidden items stay hidden.
        """
        repeats = self.bundle.info["repeat_consumption"]
        hidden = hidden_items(history, self._config.seen, masks=repeats)
        left_out = self._rows_of(sorted({*(exclude or []), *wanted.exclude, *hidden}))
        rows = np.arange(len(self.items))
        allowed = self._ranking.allows(Asked(RECOMMEND, "", {}, kind, left_out), wanted, rows)
        seen = [Seen(visit.item_id, visit.event) for visit in history]
        known = self._rows_of(each.item_id for each in last_distinct(seen, len(seen)))
        categories = sorted({self.items.category(row) for row in known} - {""})
        found = popular_rows(self.items, rows[allowed], categories)
        return [
            Answered(row, score, popular_reason(self.items, row))
            for row, score in found[page.offset : page.offset + page.k]
        ]

    def check(self) -> None:
        """Asks the model server for one answer, to know that it serves this bundle.

        Raises:
            ServingError: it does not.
        """
        k = np.array([1], np.int32)
        inputs: dict[str, Any] = {"item_id": self.items.item_ids[:1] or [""]}
        signature = "" if self.served.has(SIMILAR) else "by_item"
        verb = SIMILAR if self.served.has(SIMILAR) else RECOMMEND
        if self.served.is_sharded(verb):  # each shard answers for itself
            dim = self.bundle.info["embedding_dims"][self.bundle.info["spaces"][verb]]
            signature, inputs = "by_embedding", {"embedding": np.zeros((1, dim), np.float32)}
        asked = {**inputs, "k": k, "exclude": [[""]]}
        self.served.predict(self.served.servable(verb), asked, signature)

    def _vector(self, row: int, space: str, verb: str) -> np.ndarray | None:
        """Where an item lies that the servable lacks, or that only one of its shards knows."""
        vector = self.overlay.vector(row, space)
        vectors: Any = self.overlay.vectors.get(space)
        if vector is None and vectors is not None and self.served.is_sharded(verb):
            vector = np.asarray(vectors[np.array([row])][0], np.float32)
        return vector

    def _similar_by(self, row: int) -> tuple[str, str]:
        """The verb and signature that know the neighbors of an item."""
        if self.bundle.info["spaces"][SIMILAR] != "photo" or self.items.has_photo[row]:
            return SIMILAR, ""
        if self.served.has(RECOMMEND):
            return RECOMMEND, "by_item"
        raise NotFoundError(
            f"item `{self.items.item_ids[row]}` has no usable photo, and the catalog no events.",
            where="item_id", mend="`vitrine check` lists spoiled photos.",
        )  # fmt: skip

    def _rows_of(self, item_ids: Iterable[str]) -> list[int]:
        """The rows of those items that the bundle knows."""
        return [self.items.rows[each] for each in item_ids if each in self.items.rows]

    def _explained(self, found: list[tuple[int, float]], history: list[Visit]) -> list[Answered]:
        seen = [Seen(visit.item_id, visit.event) for visit in history
                if visit.item_id in self.items.rows]  # fmt: skip
        last = last_distinct(seen, self._config.reason_items)
        neighbors = self._near([s.item_id for s in last], found) if last and found else {}
        return [
            Answered(row, score, reason_for(row, self.items, last, neighbors))
            for row, score in found
        ]

    def _near(self, item_ids: list[str], found: list[tuple[int, float]]) -> Mapping[str, Neighbors]:
        """For each item of a history, those found items that lie near it, with their scores."""
        if self._nearness is None:
            return self._neighborhoods.of(item_ids)
        rows = [row for row, _ in found]
        scores = self._nearness.scores(self._rows_of(item_ids), rows)
        names = [self.items.item_ids[row] for row in rows]
        return {
            item_id: {name: score for name, score in zip(names, own, strict=True)
                      if score > -math.inf}
            for item_id, own in zip(item_ids, scores.tolist(), strict=True)
        }  # fmt: skip

    def _told_by_vectors(self) -> Nearness | None:
        """What tells near items without a search; None for a bundle without vectors."""
        vectors, count = self.overlay.vectors.get("behavior"), len(self.items)
        if vectors is None or not count:
            return None
        return Nearness(vectors, count, self._num_near)

    @property
    def _num_near(self) -> int:
        # in a small catalog everything would be a neighbor of everything
        return min(self._config.reason_neighbors, max(NEAREST, len(self.items) // 10))

    def _neighbors(self, item_ids: list[str]) -> list[Neighbors]:
        k = np.full(len(item_ids), self._num_near, np.int32)
        inputs = {"item_id": item_ids, "k": k, "exclude": [[""]] * len(item_ids)}
        answer = self.served.predict(self.served.servable(RECOMMEND), inputs, "by_item")
        return [
            {text(item_id): float(score) for item_id, score in zip(ids, scores, strict=True)}
            for ids, scores in zip(answer["item_ids"], answer["scores"], strict=True)
        ]


def _tried(answered: Answered, slot: Slot) -> Answered:
    reason = Reason("new", "new") if slot.explored else answered.reason
    return Answered(answered.row, answered.score, reason, slot)


def _by_probability(names: list[str], probabilities: np.ndarray) -> dict[str, float]:
    order = np.argsort(-probabilities, kind="stable")
    return {names[i]: float(probabilities[i]) for i in order if i < len(names)}
