"""Item features: tokens of each field, price bins, unknown tokens, photos."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsys.config import ModelConfig
from recsys.features import (
    Vocabulary,
    category_levels,
    item_features,
    learn_vocabulary,
    several,
    title_words,
)


def _catalog(**columns: list) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    empty = {name: [""] * size for name in ("title", "category", "brand")}
    return pd.DataFrame({**empty, "price": [np.nan] * size, **columns})


def _tokens(catalog: pd.DataFrame, field: str, **settings: bool) -> list[set[str]]:
    vocabulary = learn_vocabulary(catalog, ModelConfig(**settings), 0)
    bags = item_features(catalog, vocabulary).bags[field]
    names = ["", *vocabulary.tokens[field]]
    return [{names[token] for token in row if token} for row in bags]


def test_every_level_of_a_category_is_a_token():
    assert category_levels("Women > Dresses > Midi") == [
        "Women", "Women > Dresses", "Women > Dresses > Midi",
    ]  # fmt: skip
    assert category_levels("") == []
    found = _tokens(_catalog(category=["Women > Dresses", "Women", ""]), "category")
    assert found == [{"Women", "Women > Dresses"}, {"Women"}, set()]


def test_a_category_brand_or_attribute_may_hold_several_values():
    assert category_levels("Women > Dresses|Sale|Women") == ["Women", "Women > Dresses", "Sale"]
    assert several("Action| Comedy ||Action") == ["Action", "Comedy"]
    assert several("") == []
    catalog = _catalog(brand=["Acme|Bolt", "Bolt"], attr_genre=["Action|Comedy", "Comedy"])
    assert _tokens(catalog, "brand") == [{"Acme", "Bolt"}, {"Bolt"}]
    assert _tokens(catalog, "attributes") == [
        {"genre=Action", "genre=Comedy"}, {"genre=Comedy"},
    ]  # fmt: skip


def test_title_words_are_lower_case_and_distinct():
    assert title_words("Red DRESS, red (42cm) Größe_M") == ["red", "dress", "42cm", "größe", "m"]


def test_a_word_of_one_title_alone_is_left_out():
    found = _tokens(_catalog(title=["red dress", "red shoe", "unique"]), "title")
    assert found == [{"red"}, {"red"}, set()]


def test_prices_fall_into_bins_of_equally_many():
    catalog = _catalog(price=[float(price) for price in range(160)] + [np.nan])
    vocabulary = learn_vocabulary(catalog, ModelConfig(), 0)
    bins = item_features(catalog, vocabulary).bags["price"][:, 0]
    assert bins[-1] == 0  # no price, no token
    # 160 prices in 16 bins: ten each, and dearer items in later bins
    assert np.bincount(bins[:-1])[1:].tolist() == [10] * 16
    assert (np.diff(bins[:-1]) >= 0).all()


def test_one_price_for_all_is_one_bin():
    assert _tokens(_catalog(price=[5.0, 5.0]), "price")[0] == _tokens(
        _catalog(price=[5.0, 5.0]), "price")[1]  # fmt: skip


def test_attributes_know_their_column_and_may_hold_several_values():
    catalog = _catalog(attr_genre=["Drama|War", "War", ""], attr_mood=["War", "", ""])
    assert _tokens(catalog, "attributes") == [
        {"genre=Drama", "genre=War", "mood=War"}, {"genre=War"}, set(),
    ]  # fmt: skip


def test_a_field_switched_off_or_empty_everywhere_is_absent():
    catalog = _catalog(brand=["Acme", "Acme"])
    assert learn_vocabulary(catalog, ModelConfig(), 0).fields == ["brand"]
    assert learn_vocabulary(catalog, ModelConfig(use_brand=False), 0).fields == []


def test_tokens_that_training_never_saw_are_left_out():
    vocabulary = learn_vocabulary(_catalog(brand=["Acme", "Bolt"]), ModelConfig(), 0)
    bags = item_features(_catalog(brand=["Bolt", "Newcomer"]), vocabulary).bags
    assert bags["brand"].tolist() == [[2], [0]]


def test_photos_are_used_only_where_the_config_asks():
    catalog = _catalog(brand=["Acme", "Bolt"])
    image, present = np.eye(2, 3, dtype=np.float32), np.array([True, False])
    used = item_features(catalog, learn_vocabulary(catalog, ModelConfig(), 3), image, present)
    assert used.image.shape == (2, 3) and used.has_image.tolist() == [True, False]
    config = ModelConfig(use_image=False)
    unused = item_features(catalog, learn_vocabulary(catalog, config, 3), image, present)
    assert unused.image.shape == (2, 0) and not unused.has_image.any()


def test_a_vocabulary_comes_back_from_disk_as_it_was(tmp_path):
    catalog = _catalog(title=["Größe 日本", "Größe 日本"], price=[1.0, 2.0])
    vocabulary = learn_vocabulary(catalog, ModelConfig(), 4)
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


def test_a_category_that_appears_only_later_leaves_its_items_without_one():
    old, new = _catalog(category=["Women > Dresses", "Men"]), _catalog(category=["Kids > Dresses"])
    vocabulary = learn_vocabulary(old, ModelConfig(), 0)
    assert item_features(new, vocabulary).bags["category"].tolist() == [[0, 0]]


def test_what_is_not_a_number_counts_as_not_given():
    catalog = _catalog(price=[1.0, np.nan, np.inf])
    image = np.array([[1, 0], [np.nan, 1], [np.inf, 0]], np.float32)
    vocabulary = learn_vocabulary(catalog, ModelConfig(), 2)
    features = item_features(catalog, vocabulary, image, np.ones(3, bool))
    assert features.bags["price"][1:].tolist() == [[0], [0]]
    assert features.has_image.tolist() == [True, False, False]
    assert features.image.tolist() == [[1, 0], [0, 0], [0, 0]]
