"""Caps: at most so many items of one brand, or of one category, on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from recsys import columns

CAPPED = (columns.BRAND, columns.CATEGORY)


class Caps:
    """Counts what is on a page.

    Args:
        most: column -> how many items of one value; a column without a cap is absent.
        text: (column, row) -> the item's value; an empty one is not counted.

    Example:
        >>> caps = Caps({"brand": 1}, lambda column, row: "Acme")
        >>> caps.allows(3), caps.put(3), caps.allows(4)
        (True, None, False)
    """

    def __init__(self, most: dict[str, int], text: Callable[[str, int], str]) -> None:
        self._most = most
        self._text = text
        self._counts: dict[str, Counter[str]] = {}
        self.start_page()

    def start_page(self) -> None:
        """Forgets what was counted: a cap holds within a page."""
        self._counts = {column: Counter() for column in self._most}

    def allows(self, row: int) -> bool:
        """Whether there is room for one more item like this."""
        return all(
            not (value := self._text(column, row)) or self._counts[column][value] < most
            for column, most in self._most.items()
        )

    def put(self, row: int) -> None:
        """An item is on the page now."""
        for column, counts in self._counts.items():
            counts[self._text(column, row)] += 1
