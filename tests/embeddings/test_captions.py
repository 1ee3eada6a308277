"""What is said of items in training."""

from __future__ import annotations

import pandas as pd

from embeddings.captions import Captions


def catalog(**change: list[str]) -> pd.DataFrame:
    table = {
        "title": ["Acme Red Dress", "", "Bolt Blue Shoe"],
        "category": ["Women > Dresses", "Women > Dresses", "Men > Shoes"],
        "attr_color": ["Red", "Red|Pink", "Blue"], "attr_same": ["x", "x", "x"],
    }  # fmt: skip
    return pd.DataFrame({**table, **change})


def drawn(captions: Captions, times: int = 200) -> list[tuple[list[str], list[str]]]:
    return [captions.draw([0, 1, 2]) for _ in range(times)]


def test_titles_lose_some_words_and_facts_are_joined():
    texts = {text for said, _ in drawn(Captions(catalog())) for text in said[:1]}
    assert {"Acme Red Dress", "Red", "Dresses", "Red Dresses", "Dresses Red"} <= texts
    assert not any("x" in text.split() for text in texts)  # what all share tells nothing
    assert any(len(text.split()) == 2 and "Acme" in text for text in texts)  # a word is left out


def test_several_values_of_one_attribute_are_several_words():
    assert any("Red Pink" in said[1] for said, _ in drawn(Captions(catalog())))


def test_items_with_the_same_facts_have_the_same_key_and_others_not():
    for said, keys in drawn(Captions(catalog())):
        facts = "Acme" not in said[0] and said[0] in ("Dresses",)
        if facts:
            assert keys[0] == keys[1] != keys[2]
    same = Captions(catalog(title=["A b", "A b", "C d"]), seed=1)
    assert all(keys[0] == keys[1] or "|" in keys[1] or "Pink" in keys[1] for _, keys in drawn(same))


def test_untitled_items_are_not_taken_for_the_same_one():
    titles_only = catalog(category=[""] * 3, attr_color=[""] * 3, title=["", "", "Shoe"])
    _, keys = Captions(titles_only).draw([0, 1, 2])
    assert len(set(keys)) == 3


def test_the_same_seed_says_the_same():
    assert drawn(Captions(catalog(), 3), 5) == drawn(Captions(catalog(), 3), 5)
    assert Captions(catalog()).any_title
