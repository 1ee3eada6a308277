"""Caps count within a page."""

from __future__ import annotations

from serving.caps import Caps

BRANDS = {0: "Acme", 1: "Acme", 2: "Bolt", 3: "", 4: ""}
CATEGORIES = dict.fromkeys(range(5), "Shoes")
TEXTS = {"brand": BRANDS, "category": CATEGORIES}


def caps(**most: int) -> Caps:
    return Caps(most, lambda column, row: TEXTS[column][row])


def test_a_brand_is_shown_so_often_and_no_more():
    subject = caps(brand=1)
    subject.put(0)
    assert [subject.allows(row) for row in (1, 2)] == [False, True]


def test_items_without_a_brand_are_not_counted():
    subject = caps(brand=1)
    subject.put(3)
    assert subject.allows(4)


def test_every_cap_must_allow_it():
    subject = caps(brand=2, category=1)
    subject.put(0)
    assert not subject.allows(2)


def test_the_next_page_counts_anew():
    subject = caps(brand=1)
    subject.put(0)
    subject.start_page()
    assert subject.allows(1)
