"""One page of a ranked list: candidates, filtered, arranged and merchandised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recsys import columns
from recsys.config import ServingConfig
from serving.arrangement import LOOKAHEAD, Arrangement, Pool, arrange
from serving.boosts import boosted
from serving.candidates import (
    Allowed,
    Candidates,
    Fetched,
    Limits,
    best_candidates,
    can_score,
    dot_scores,
    joined,
)
from serving.conditions import AllOf, Condition, Not, Says
from serving.items import Items
from serving.merchandising import Merchandising, Pin
from serving.overlay import Overlay, vectors_of
from serving.reranking import reranked
from serving.rules import Filter, Page, condition_of
from serving.served_bundle import RECOMMEND, Published, ServedBundle, text

GROWTH = 4  # how much larger a pool gets that was too small to arrange a page from


@dataclass(frozen=True)
class Asked:
    """What is asked of a verb's servables, but for how many.

    Attributes:
        kind: the list that merchandising knows it as.
        left_out: rows that are left out; the servable is told.
        shown_again: rows that the servable leaves out, and that are allowed all the same.
    """

    verb: str
    signature: str
    inputs: dict[str, Any]
    kind: str
    left_out: list[int]
    shown_again: list[int] = field(default_factory=list)


class Ranking:
    """Ranked lists of one bundle.

    Args:
        bundle: whose vectors score items exactly.
        served: answers from the same bundle.
        items: the bundle's items.
        config: limits, over-fetch, where the merchandising rules are.
        overlay: what changed since the bundle was published; None for nothing.
    """

    def __init__(
        self, bundle: Published, served: ServedBundle, items: Items, config: ServingConfig,
        overlay: Overlay | None = None,
    ) -> None:  # fmt: skip
        self._spaces = bundle.info["spaces"]
        self._served = served
        self._items = items
        self._overlay = overlay or Overlay(items, vectors_of(bundle))
        self.merchandising = Merchandising(config.merchandising, items)
        self._vectors: Mapping[str, Any] = self._overlay.vectors
        self._ranked_first = int(bundle.info.get("ranked_first", 0))
        self._limits = Limits(overfetch=config.overfetch, exact_below=config.exact_below,
                              exact_rows=config.exact_rows)  # fmt: skip

    def page(
        self, query: Asked, page: Page, wanted: Filter, arrangement: Arrangement
    ) -> list[tuple[int, float]]:
        """One page as rows and scores, filtered, arranged and merchandised."""
        rules = self.merchandising.of(query.kind)
        allowed = self._allowed(query, wanted, rules.hides)
        if rules.boosts:
            arrangement = replace(arrangement, boosts=(*arrangement.boosts, *rules.boosts))
        upto = page.offset + page.k
        if arrangement.is_plain and not rules.pins:
            best = self._best(query, allowed, upto)
            part = slice(page.offset, upto)
            return list(zip(best.rows[part].tolist(), best.scores[part].tolist(), strict=True))
        size = upto + LOOKAHEAD
        while True:
            pool = self._pool(query, allowed, size, arrangement, rules.pins)
            found = arrange(pool, page.offset, page.k, arrangement, self._items)
            if found is not None:
                return found
            size *= GROWTH

    def allows(self, query: Asked, wanted: Filter, rows: np.ndarray) -> np.ndarray:
        """Which of some rows a page of this query may hold: bool [n]."""
        hides = self.merchandising.of(query.kind).hides
        return self._allowed(query, wanted, hides).of(rows)

    def _allowed(self, query: Asked, wanted: Filter, hides: tuple[Condition, ...]) -> Allowed:
        conditions = [condition_of(wanted, self._items), *(Not(each) for each in hides)]
        if self._space(query.verb) == "photo":
            conditions.append(Says(columns.HAS_PHOTO, True))  # no others are searched
        condition = conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))
        return Allowed(condition.mask(self._items), query.left_out)

    def _best(self, query: Asked, allowed: Allowed, size: int) -> Candidates:
        """The best allowed items of a query."""
        vectors = self._vectors[self._space(query.verb)]
        left_out = [self._items.item_ids[row] for row in query.left_out] or [""]

        def fetch(size: int, exactly: bool) -> Fetched:
            servable = query.verb if exactly else self._served.servable(query.verb)
            inputs = {**query.inputs, "k": np.array([size], np.int32), "exclude": [left_out]}
            answer = self._served.predict(servable, inputs, query.signature)
            known = self._items.rows
            rows = np.array([known.get(text(each), -1) for each in answer["item_ids"][0]], np.int64)
            searched = answer["query"][0] if "query" in answer else None
            believed = self._overlay.believed(rows, self._space(query.verb))
            return Fetched(np.asarray(answer["scores"][0]), believed, searched)

        first = self._ranked_first if (query.verb, query.signature) == (RECOMMEND, "") else 0
        best = best_candidates(fetch, allowed, max(size, first), self._limits, vectors)
        live = self._overlay.rows(self._space(query.verb))
        more = np.concatenate([np.array(query.shown_again, np.int64), live])
        best = joined(best, more[allowed.of(more)], vectors)
        if not first:
            return best
        return reranked(best, self._served, query.inputs, self._items.item_ids, first)

    def _pool(
        self, query: Asked, allowed: Allowed, size: int, arrangement: Arrangement,
        pins: tuple[Pin, ...],
    ) -> Pool:  # fmt: skip
        """What a page is chosen from: the best items, and those that boosts bring up."""
        boosts = arrangement.boosts
        lowered = any(boost.by < 0 for boost in boosts)
        best = self._best(query, allowed, size * GROWTH if lowered else size)
        vectors = self._vectors[self._space(query.verb)]
        for boost in boosts:
            if boost.by > 0 and not best.complete:
                best = self._raised(best, allowed, boost.condition, size, vectors)
        scores = boosted(best.scores, best.rows, boosts, self._items, best.query)
        order = np.argsort(-scores, kind="stable")
        rows = best.rows[order]
        return Pool(
            scores[order], rows, best.complete, vectors=self._looks(rows),
            groups=self._items.duplicate_groups, pins=self._pinned(pins, best, allowed, vectors),
        )  # fmt: skip

    def _raised(
        self, best: Candidates, allowed: Allowed, condition: Condition, size: int,
        vectors: np.ndarray | None,
    ) -> Candidates:  # fmt: skip
        """The candidates and the best items of a boost, which may come up from far below."""
        if not can_score(best.query, vectors):
            return best
        assert best.query is not None
        assert vectors is not None
        rows = self._meeting(condition, allowed)
        scores = dot_scores(best.query, rows, vectors)
        return joined(best, rows[np.argsort(-scores, kind="stable")[:size]], vectors)

    def _pinned(
        self, pins: tuple[Pin, ...], best: Candidates, allowed: Allowed,
        vectors: np.ndarray | None,
    ) -> dict[int, int]:  # fmt: skip
        """Position from 0 -> the best allowed item that the pin means, where there is one."""
        placed: dict[int, int] = {}
        for pin in pins:
            rows = self._meeting(pin.condition, allowed)
            rows = rows[~np.isin(rows, list(placed.values()))]
            if len(rows) == 0:
                continue
            scores = self._items.popularity[rows].astype(np.float32)
            if can_score(best.query, vectors):
                assert best.query is not None
                assert vectors is not None
                scores = dot_scores(best.query, rows, vectors)
            position = pin.position - 1
            while position in placed:  # the first pin of the file has the place
                position += 1
            placed[position] = int(rows[int(np.argmax(scores))])
        return placed

    def _meeting(self, condition: Condition, allowed: Allowed) -> np.ndarray:
        """The allowed rows that meet a condition."""
        rows = np.flatnonzero(condition.mask(self._items).allowed)
        return rows[allowed.of(rows)]

    def _looks(self, rows: np.ndarray) -> np.ndarray | None:
        """How items look, as unit vectors; where there are no photos, how they are behaved to."""
        vectors = self._vectors["photo"]
        vectors = self._vectors["behavior"] if vectors is None else vectors
        if vectors is None:
            return None
        found = np.asarray(vectors[rows], np.float32)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    def _space(self, verb: str) -> str:
        return str(self._spaces.get(verb, "behavior"))
