"""What a page shows, read from its cards."""

from __future__ import annotations

from typing import Any


def titles(page: Any, within: str = "main") -> list[str]:
    """The titles of the cards within a part of the page, in their order."""
    return page.locator(f"{within} .card .name").all_inner_texts()
