"""Filters: what an item must be to be in an answer, in one small JSON form.

    {"category": "Women > Dresses"}            in it or below; a list means any of them
    {"brand": ["Acme", "Juniper Lane"]}        likewise item_id and every attr_* column
    {"price": {"min": 10, "max": 50}}          inclusive, either may be missing; also created_at
    {"available": true}                        also has_photo
    {"title": "red midi"}                      holds each of the words
    {"and": [...]}  {"or": [...]}  {"not": {...}}

Several names in one object must all hold. An item without a price is in no price range. A
condition is the same for the catalog's rows (`mask`) and for one item alone (`passes`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from recsys import columns
from recsys.errors import DataError
from serving.conditions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Condition,
    Not,
    OneOf,
    Says,
    Titled,
    Within,
)
from serving.items import Items, nearest

MAX_DEPTH = 8  # of and/or/not within each other; people write two
MAX_CONDITIONS = 64  # in one filter, each of which may cost half a millisecond
MAX_VALUES = 1000  # in one list
MAX_TEXT = 256  # characters of one value

YES_NO = (columns.AVAILABLE, columns.HAS_PHOTO)
RANGES = (columns.PRICE, columns.CREATED_AT)
TEXTS = (columns.ITEM_ID, columns.CATEGORY, columns.BRAND)
JOINED = ("and", "or", "not")


def parse_filter(value: Any, items: Items, where: str = "filter") -> Condition:
    """Reads a filter, as JSON text or as what JSON text holds; None allows everything.

    Args:
        items: whose columns may be named.
        where: the parameter, for errors, which name the path within it.

    Raises:
        DataError: it is no filter, names an unknown column, or is too deep or too long.
        NotFoundError: a category is unknown.
    """
    if value is None or value == "":
        return EVERYTHING
    if isinstance(value, str):
        value = _decoded(value, where)
    return _Reader(items).condition(value, where, 1)


class _Reader:
    """Reads one filter and counts its conditions."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._count = 0
        self._names = [*TEXTS, columns.TITLE, *RANGES, *YES_NO, *items.attribute_names, *JOINED]

    def condition(self, value: Any, where: str, depth: int) -> Condition:
        """One object: each of its names must hold."""
        if depth > MAX_DEPTH:
            raise DataError(f"the filter is nested more than {MAX_DEPTH} deep.", where=where,
                            mend="Say the same with fewer levels.")  # fmt: skip
        if not isinstance(value, Mapping):
            raise DataError(f"a filter is an object, and this is {_kind(value)}.", where=where,
                            mend='Write {"brand": "Acme"}, for example.')  # fmt: skip
        parts = [self._named(name, each, f"{where}.{name}", depth) for name, each in value.items()]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _named(self, name: Any, value: Any, where: str, depth: int) -> Condition:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise DataError(f"the filter has more than {MAX_CONDITIONS} conditions.", where=where,
                            mend="A list of values is one condition.")  # fmt: skip
        if name in ("and", "or"):
            return self._joined(name, value, where, depth)
        if name == "not":
            return Not(self.condition(value, where, depth + 1))
        if name in RANGES:
            return _range(name, value, where)
        if name in YES_NO:
            if not isinstance(value, bool):
                raise DataError(f"`{name}` is true or false, and this is {_kind(value)}.",
                                where=where, mend=f'Write {{"{name}": true}}.')  # fmt: skip
            return Says(name, value)
        if name == columns.TITLE:
            return Titled(tuple(_text(value, where).casefold().split()))
        if name in TEXTS or name in self._items.attribute_names:
            return self._one_of(name, value, where)
        near = nearest(str(name), self._names)
        raise DataError(f"the catalog has no column `{str(name)[:MAX_TEXT]}` to filter by.",
                        where=where, mend=f"Did you mean `{near}`?" if near
                        else f"Use one of {', '.join(self._names)}.")  # fmt: skip

    def _joined(self, name: str, value: Any, where: str, depth: int) -> Condition:
        if not isinstance(value, list) or not value:
            raise DataError(f"`{name}` takes a list of filters with at least one.", where=where,
                            mend=f'Write {{"{name}": [{{"brand": "Acme"}}]}}.')  # fmt: skip
        parts = tuple(self.condition(each, f"{where}[{i}]", depth + 1)
                      for i, each in enumerate(value))  # fmt: skip
        return AllOf(parts) if name == "and" else AnyOf(parts)

    def _one_of(self, name: str, value: Any, where: str) -> Condition:
        given = value if isinstance(value, list) else [value]
        if not given or len(given) > MAX_VALUES:
            raise DataError(f"a list holds 1 to {MAX_VALUES} values, and this one {len(given)}.",
                            where=where, mend="Split the question.")  # fmt: skip
        values = tuple(dict.fromkeys(_text(each, where) for each in given))
        if name == columns.CATEGORY:
            for each in values:
                self._items.check_category(each, where)
        return OneOf(name, values)


def _range(name: str, value: Any, where: str) -> Condition:
    if not isinstance(value, Mapping) or not value or not set(value) <= {"min", "max"}:
        raise DataError("a range is an object with `min`, `max` or both.", where=where,
                        mend=f'Write {{"{name}": {{"min": 10, "max": 50}}}}.')  # fmt: skip
    ends = {end: _number(each, f"{where}.{end}") for end, each in value.items()}
    low, high = ends.get("min", -math.inf), ends.get("max", math.inf)
    if low > high:
        raise DataError(f"min {low:g} is above max {high:g}.", where=where, mend="Swap the two.")
    return Within(name, low, high)


def _number(value: Any, where: str) -> float:
    # a whole number of JSON may be too long for a float
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    raise DataError(f"a range ends at a number, and this is {_kind(value)}.", where=where,
                    mend="Leave an end out where there is none.")  # fmt: skip


def _text(value: Any, where: str) -> str:
    if isinstance(value, str) and value.strip() and len(value) <= MAX_TEXT:
        return value
    raise DataError(f"a value is text of 1 to {MAX_TEXT} characters, and this is {_kind(value)}.",
                    where=where, mend='Write numbers as text, such as "42".')  # fmt: skip


def _decoded(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        what = getattr(error, "msg", "it is nested too deep")
        raise DataError(f"this is not JSON: {what}.", where=where,
                        mend='Write {"brand": "Acme"}, percent-encoded in an address.'
                        ) from None  # fmt: skip


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false",
             int: "a number", float: "a number", type(None): "null"}  # fmt: skip
    return names.get(type(value), "something else")
