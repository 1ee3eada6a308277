"""Rules from a file: read again when it changes, kept when it is spoiled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recsys.errors import VitrineError
from serving.conditions import OneOf
from serving.items import Items
from serving.merchandising import Merchandising, Pin, Rules, read_rules
from tests.serving.api.circle import circle_items

ITEMS = Items(circle_items(6), {})
GOOD = """
pins:
  - {filter: {item_id: "3"}, position: 2, lists: [search]}
hides:
  - filter: {brand: Acme}
boosts:
  - {filter: {category: Women > Bags}, by: -0.5}
"""


def test_rules_are_of_the_lists_that_they_name():
    rules = read_rules(GOOD, ITEMS, "rules.yaml")
    assert rules["search"].pins == (Pin(OneOf("item_id", ("3",)), 2),)
    assert rules["similar"].pins == rules["recommend"].pins == ()
    assert [each.by for each in rules["similar"].boosts] == [-0.5]
    assert rules["recommend"].hides == (OneOf("brand", ("Acme",)),)


def test_an_empty_file_is_without_rules():
    assert read_rules("", ITEMS, "")["similar"] == Rules()
    assert read_rules("pins:\n", ITEMS, "")["similar"] == Rules()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "no mapping"),
        ("pin: []", "no mapping"),
        ("pins: {a: 1}", "no list"),
        ("hides: [{filter: {}}]", "no rule"),
        ("hides: [{filter: {brand: a}, by: 3}]", "no rule"),
        ("hides: [{filter: {brnd: a}}]", "Did you mean `brand`?"),
        ("hides: [{filter: {category: Women > Bag}}]", "Did you mean `Women > Bags`?"),
        ("pins: [{filter: {brand: a}, position: 0}]", "whole number"),
        ("pins: [{filter: {brand: a}, lists: [basket]}]", "a list that there is not"),
        ("boosts: [{filter: {brand: a}}]", "a number"),
        ("boosts: [{filter: {brand: a}, by: .nan}]", "a number"),
    ],
)
def test_a_bad_rule_is_named(text: str, words: str):
    with pytest.raises(VitrineError) as error:
        read_rules(text, ITEMS, "rules.yaml")
    assert words in error.value.line
    assert error.value.where.startswith("rules.yaml")


def written(path: Path, text: str, moment: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(moment, moment))


def test_a_changed_file_is_read_again_and_a_spoiled_one_changes_nothing(tmp_path: Path, caplog):
    path, now = tmp_path / "rules.yaml", [0.0]
    subject = Merchandising(str(path), ITEMS, clock=lambda: now[0])

    def hides() -> int:
        now[0] += 2
        return len(subject.of("similar").hides)

    assert hides() == 0  # there is no file yet
    assert "No such file" in subject.fault
    written(path, GOOD, 1)
    assert (hides(), subject.fault) == (1, "")
    written(path, "hides: [{filter: {brnd: a}}]", 2)
    assert (hides(), hides()) == (1, 1)
    assert "Did you mean `brand`?" in subject.fault
    assert sum("brnd" in record.message for record in caplog.records) == 1  # said once
    written(path, "hides: [{filter", 3)
    assert hides() == 1
    written(path, "hides: []", 4)
    assert (hides(), subject.fault) == (0, "")


def test_the_file_is_looked_at_once_a_second(tmp_path: Path):
    path, now = tmp_path / "rules.yaml", [0.0]
    subject = Merchandising(str(path), ITEMS, clock=lambda: now[0])
    subject.of("similar")
    written(path, GOOD, 1)
    now[0] = 0.5
    assert not subject.of("similar").hides
    now[0] = 1.5
    assert subject.of("similar").hides


def test_without_a_path_there_are_no_rules():
    assert Merchandising("", ITEMS).of("search") == Rules()


def test_a_bundle_that_comes_while_the_file_is_spoiled_keeps_its_rules(tmp_path: Path):
    path = tmp_path / "rules.yaml"
    written(path, GOOD, 1)
    assert Merchandising(str(path), ITEMS).of("similar").hides
    written(path, "hides: [", 2)
    later = Merchandising(str(path), Items(circle_items(9), {}))
    assert len(later.of("similar").hides) == 1
    assert later.fault
