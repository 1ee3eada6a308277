"""What is answered while a model server is down or slow: what is popular where one looked.

Where several model servers share the catalog and some answer, the answer is made of theirs, and
says so: whoever finds a part missing calls `note`, and `partly` around the answer reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import numpy as np

from recsys import columns
from recsys.errors import UnavailableError
from serving.items import Items
from serving.reasons import Reason

T = TypeVar("T")

MODEL_SERVER = "the model server does not answer: this is what is popular where you looked"
DATABASE = "the database does not answer: this is made without what was stored of you"

_notes: ContextVar[list[str] | None] = ContextVar("notes", default=None)


class Degraded(list[T]):
    """An answer that is less than it should be.

    Attributes:
        why: in words.
    """

    def __init__(self, found: Sequence[T], why: str) -> None:
        super().__init__(found)
        self.why = why


def why_degraded(found: object) -> str:
    """Why an answer is less than it should be; empty where it is not."""
    return found.why if isinstance(found, Degraded) else ""


def or_else(answer: Callable[[], list[T]], other: Callable[[], list[T]], why: str) -> list[T]:
    """An answer, or a degraded one where what it needs is unavailable."""
    try:
        return partly(answer)
    except UnavailableError:
        return Degraded(other(), why)


def note(why: str) -> None:
    """Says that a part of the answer in hand is missing, and why."""
    if (notes := _notes.get()) is not None and why not in notes:
        notes.append(why)


@contextmanager
def noting() -> Iterator[list[str]]:
    """What is noted to be missing inside."""
    notes: list[str] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def partly(answer: Callable[[], list[T]]) -> list[T]:
    """An answer; degraded where parts of it were noted to be missing meanwhile."""
    with noting() as notes:
        found = answer()
    return Degraded(found, "; ".join(notes)) if notes else found


def popular_rows(
    items: Items, allowed: np.ndarray, categories: Sequence[str]
) -> list[tuple[int, float]]:
    """Allowed rows by popularity, those in the categories first.

    Args:
        allowed: rows that may be shown, int64 [n].
        categories: whole names; without any, all rows compete.

    Returns:
        Rows with scores: events as a share of one more than the most popular item has, plus 1
        in the categories.
    """
    inside = np.zeros(len(items), dtype=bool)
    facet = items.facets[columns.CATEGORY]
    for category in categories:
        inside[facet.rows.get(category, [])] = True
    most = int(items.popularity.max(initial=0))
    scores = items.popularity[allowed] / (most + 1) + inside[allowed]
    order = np.argsort(-scores, kind="stable")
    return [(int(allowed[at]), float(scores[at])) for at in order]


def popular_reason(items: Items, row: int) -> Reason:
    """Why a popular item is there."""
    category = items.category(row).rpartition(columns.CATEGORY_SEPARATOR)[2]
    return Reason("popular", f"popular in {category}" if category else "popular")
