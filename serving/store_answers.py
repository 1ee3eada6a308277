"""The answers in the store, and the events that name them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from serving.database import Database
from serving.sql_answers import answers_table
from serving.sql_tables import events_table


@dataclass(frozen=True)
class ShownItem:
    """One place of an answer; see serving.exploration.Slot."""

    item_id: str
    explored: bool = False
    chance: float = 0.0
    choices: int = 0


@dataclass(frozen=True)
class GivenAnswer:
    """One answer that was given.

    Attributes:
        request_id: what an event names it by.
        timestamp: epoch seconds.
        verb: recommend, similar_items or search.
        bundle, version: the fingerprint and number of the bundle that answered.
        shown: its items, best first.
        share: of places given to exploration at the time.
    """

    request_id: str
    timestamp: float
    verb: str
    bundle: str
    version: int
    shown: tuple[ShownItem, ...]
    share: float = 0.0


@dataclass(frozen=True)
class AnswerCount:
    """How many answers and items one bundle and verb gave."""

    bundle: str
    version: int
    verb: str
    answers: int
    items: int


class StoredAnswers:
    """What was answered; a part of the store."""

    _database: Database

    def add_answers(self, answers: Sequence[GivenAnswer]) -> None:
        """Keeps answers, all or none."""
        if answers:
            with self._database.writing() as connection:
                connection.execute(sa.insert(answers_table), [_row(each) for each in answers])

    def forget_answers(self, before: float) -> int:
        """Removes answers older than a time; returns how many."""
        query = sa.delete(answers_table).where(answers_table.c.timestamp < before)
        with self._database.writing() as connection:
            return int(connection.execute(query).rowcount)

    def count_answers(self, since: float) -> list[AnswerCount]:
        """Answers and items by bundle and verb, newest bundle first."""
        table = answers_table.c
        query = (
            sa.select(table.bundle, table.version, table.verb, sa.func.count(),
                      sa.func.sum(table.num_items))
            .where(table.timestamp >= since)
            .group_by(table.bundle, table.version, table.verb)
            .order_by(table.version.desc(), table.bundle, table.verb)
        )  # fmt: skip
        with self._database.reading() as connection:
            return [
                AnswerCount(bundle, version, verb, answers, int(items or 0))
                for bundle, version, verb, answers, items in connection.execute(query)
            ]

    def answers(
        self, since: float = 0.0, verb: str = "", request_ids: Sequence[str] | None = None, *,
        followed: bool = False,
    ) -> Iterable[GivenAnswer]:  # fmt: skip
        """Answers in the order in which they were given.

        Args:
            since: epoch seconds.
            verb: of one verb only; empty gives all.
            request_ids: of these requests only.
            followed: only those that events name.
        """
        query = sa.select(answers_table).where(answers_table.c.timestamp >= since)
        if verb:
            query = query.where(answers_table.c.verb == verb)
        if request_ids is not None:
            query = query.where(answers_table.c.request_id.in_(request_ids))
        if followed:
            named = sa.select(events_table.c.request_id).where(events_table.c.request_id != "")
            query = query.where(answers_table.c.request_id.in_(named))
        with self._database.reading() as connection:
            for row in connection.execute(query.order_by(answers_table.c.id)).mappings():
                yield _answer(row)

    def answered_events(self, since: float = 0.0) -> dict[str, set[tuple[str, str]]]:
        """Request id -> distinct (item id, kind) of the events that name an answer."""
        known = sa.select(answers_table.c.request_id).where(answers_table.c.timestamp >= since)
        event = events_table.c
        query = (
            sa.select(event.request_id, event.item_id, event.event)
            .where(event.request_id != "", event.request_id.in_(known))
            .distinct()
        )
        found: dict[str, set[tuple[str, str]]] = {}
        with self._database.reading() as connection:
            for request_id, item_id, kind in connection.execute(query):
                found.setdefault(request_id, set()).add((item_id, kind))
        return found


def _row(answer: GivenAnswer) -> dict[str, Any]:
    shown = [
        [each.item_id, each.explored, round(each.chance, 9), each.choices]
        if each.choices else [each.item_id]
        for each in answer.shown
    ]  # fmt: skip
    return {
        "request_id": answer.request_id, "timestamp": answer.timestamp, "verb": answer.verb,
        "bundle": answer.bundle, "version": answer.version, "num_items": len(shown),
        "share": answer.share, "shown": json.dumps(shown, separators=(",", ":")),
    }  # fmt: skip


def _answer(row: Any) -> GivenAnswer:
    shown = tuple(ShownItem(*each) for each in json.loads(row["shown"]))
    return GivenAnswer(row["request_id"], row["timestamp"], row["verb"], row["bundle"],
                       row["version"], shown, row["share"])  # fmt: skip
