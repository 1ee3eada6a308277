"""Merchandising: pins, hides and boosts that a shop writes in a YAML file, read again when changed.

    pins:
      - {filter: {item_id: p000108}, position: 1, lists: [recommend]}
    hides:
      - {filter: {brand: Acme}}
    boosts:
      - {filter: {category: Women > Dresses}, by: 0.1}

Filters have the form of serving/filters.py, so a rule is about items, categories, brands or
anything else. `lists` names them (similar, search, recommend); without it all. A file that
cannot be used is reported, and the rules read before it stay.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from recsys.errors import ConfigError, VitrineError
from serving.boosts import Boost
from serving.conditions import Condition
from serving.filters import parse_filter
from serving.items import Items

LISTS = ("similar", "search", "recommend")
CHECK_SECONDS = 1.0  # how often the file's time is looked at
MAX_BYTES = 1_000_000
MAX_RULES = 1000
MAX_BOOST = 10.0
_NAMES = {"pins": ("filter", "lists", "position"), "hides": ("filter", "lists"),
          "boosts": ("filter", "lists", "by")}  # fmt: skip

_log = logging.getLogger("vitrine.api")
# the last text of each file that could be used: a bundle that comes while the file is spoiled
# starts with the rules of the one before it
_good: dict[Path, str] = {}


@dataclass(frozen=True)
class Pin:
    """The best item that meets a condition stands at a position, which counts from 1."""

    condition: Condition
    position: int = 1


@dataclass(frozen=True)
class Rules:
    """The rules of one list."""

    pins: tuple[Pin, ...] = ()
    hides: tuple[Condition, ...] = ()
    boosts: tuple[Boost, ...] = ()


class Merchandising:
    """The rules of a file, read again when it has changed.

    Args:
        path: the YAML file; empty is without rules.
        items: whose columns the filters name.
        clock: seconds, for how often the file is looked at.

    Attributes:
        fault: why the file as it is now cannot be used; empty where it can.
    """

    def __init__(
        self, path: str, items: Items, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.fault = ""
        self._path = Path(path) if path else None
        self._items = items
        self._clock = clock
        self._rules: dict[str, Rules] = {}
        self._seen: tuple[int, int] | None = None
        self._next = -math.inf
        self._lock = threading.Lock()

    def of(self, name: str) -> Rules:
        """The rules of a list: similar, search or recommend."""
        if self._path is not None:
            self._look()
        return self._rules.get(name, Rules())

    def _look(self) -> None:
        with self._lock:
            if self._clock() < self._next:
                return
            self._next = self._clock() + CHECK_SECONDS
            try:
                self._read_if_changed()
            except (VitrineError, OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                fault = " ".join(str(getattr(error, "line", error)).split())
                if fault != self.fault:
                    _log.warning("the merchandising rules stay as they were: %s", fault)
                self.fault = fault
                self._read_last_good()

    def _read_if_changed(self) -> None:
        assert self._path is not None
        try:
            found = self._path.stat()
        except OSError:
            self._seen = None  # the same file may come back
            raise
        if (seen := (found.st_mtime_ns, found.st_size)) == self._seen:
            return
        self._seen = seen
        if found.st_size > MAX_BYTES:
            raise ConfigError(f"the file is longer than {MAX_BYTES} bytes.", where=str(self._path))
        text = self._path.read_text(encoding="utf-8")
        self._rules, self.fault = read_rules(text, self._items, str(self._path)), ""
        _good[self._path] = text

    def _read_last_good(self) -> None:
        assert self._path is not None
        if not self._rules and self._path in _good:
            with contextlib.suppress(VitrineError):  # its columns may be gone with the old bundle
                self._rules = read_rules(_good[self._path], self._items, str(self._path))


def read_rules(text: str, items: Items, where: str) -> dict[str, Rules]:
    """Reads the file's text: the rules of each list.

    Raises:
        ConfigError: a rule has not the form.
        DataError: a filter cannot be read.
        NotFoundError: a filter names an unknown category.
        yaml.YAMLError: it is no YAML.
    """
    try:
        found = yaml.safe_load(text)
    except RecursionError:
        raise ConfigError("the file is nested too deep.", where=where) from None
    found = {} if found is None else found
    if not isinstance(found, dict) or not set(found) <= set(_NAMES):
        raise ConfigError("the file is no mapping of pins, hides and boosts.", where=where,
                          mend=f"Its names are {', '.join(_NAMES)}.")  # fmt: skip
    rules: dict[str, dict[str, list[Any]]] = {each: {kind: [] for kind in _NAMES} for each in LISTS}
    for kind, entries in found.items():
        if not isinstance(entries or [], list) or len(entries or []) > MAX_RULES:
            raise ConfigError(f"`{kind}` is no list of at most {MAX_RULES} rules.", where=where)
        for index, entry in enumerate(entries or []):
            rule, lists = _rule(kind, entry, items, f"{where}: {kind}[{index}]")
            for name in lists:
                rules[name][kind].append(rule)
    return {
        name: Rules(tuple(kinds["pins"]), tuple(kinds["hides"]), tuple(kinds["boosts"]))
        for name, kinds in rules.items()
    }


def _rule(kind: str, entry: Any, items: Items, where: str) -> tuple[Any, list[str]]:
    names = _NAMES[kind]
    if not isinstance(entry, dict) or not set(entry) <= set(names) or not entry.get("filter"):
        raise ConfigError("this is no rule.", where=where,
                          mend=f"It has a `filter`, and may have {', '.join(names[1:])}."
                          )  # fmt: skip
    lists = entry.get("lists") or list(LISTS)
    if not isinstance(lists, list) or not set(map(str, lists)) <= set(LISTS):
        raise ConfigError("`lists` names a list that there is not.", where=where,
                          mend=f"Use some of {', '.join(LISTS)}.")  # fmt: skip
    condition = parse_filter(entry["filter"], items, f"{where}.filter")
    if kind == "hides":
        return condition, lists
    if kind == "pins":
        position = entry.get("position", 1)
        if not isinstance(position, int) or isinstance(position, bool) or not 1 <= position <= 200:
            raise ConfigError("a position is a whole number from 1 to 200.", where=where)
        return Pin(condition, position), lists
    by = entry.get("by")
    if not isinstance(by, (int, float)) or isinstance(by, bool) or not abs(by) <= MAX_BOOST:
        raise ConfigError(f"`by` is a number of at most {MAX_BOOST:g}.", where=where,
                          mend="0.1 moves an item as being 0.1 more similar would.")  # fmt: skip
    return Boost(condition, float(by)), lists
