"""Labels: which columns teach something, as class numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from embeddings.labels import Labels, is_missing, read_labels


def catalog(**columns):
    size = len(next(iter(columns.values())))
    frame = {"category": [""] * size, "split": ["train"] * size, **columns}
    return pd.DataFrame(frame)


def test_classes_are_sorted_and_missing_is_minus_one():
    labels = read_labels(catalog(category=["shoe", "", "hat", "shoe"]), 10)
    assert labels.values == {"category": ["hat", "shoe"]}
    assert labels.numbers["category"].tolist() == [1, -1, 0, 1]


def test_a_class_outside_of_training_is_no_label():
    splits = ["train", "train", "test", "validation"]
    labels = read_labels(catalog(category=["a", "b", "c", "b"], split=splits), 10)
    assert labels.values["category"] == ["a", "b"]
    assert labels.numbers["category"].tolist() == [0, 1, -1, 1]


def test_one_value_and_too_many_values_teach_nothing(capsys):
    frame = catalog(
        category=["a"] * 4, attr_code=["1", "2", "3", "4"], attr_color=["r", "r", "g", "g"]
    )
    labels = read_labels(frame, 3)
    assert list(labels.values) == ["attr_color"]
    said = capsys.readouterr().err
    assert "`category` is not learned" in said
    assert "`attr_code` is not learned" in said


def test_no_labels_at_all():
    assert read_labels(catalog(attr_color=["", ""]), 10) == Labels()


def test_class_weights_balance_classes_and_average_one():
    labels = Labels({"category": ["a", "b"]}, {"category": np.array([0, 0, 0, 1, -1])})
    rows = np.arange(5)
    # balance 1: a has 3 of 4 photos, b 1; weights 1/3 : 1, scaled so that (3 a + b) / 4 = 1
    np.testing.assert_allclose(labels.class_weights(rows, 1.0)["category"], [2 / 3, 2])
    np.testing.assert_allclose(labels.class_weights(rows, 0.0)["category"], [1, 1])


def test_a_class_without_photos_has_no_weight():
    labels = Labels({"category": ["a", "b"]}, {"category": np.array([0, 0, -1])})
    np.testing.assert_allclose(labels.class_weights(np.arange(3), 0.5)["category"], [1, 0])


def test_several_values_in_a_cell_are_a_set_of_yes_and_no():
    frame = catalog(attr_genre=["Action|Comedy", "Comedy", "", "Drama|Comedy", "War"],
                    split=["train", "train", "train", "train", "test"])  # fmt: skip
    labels = read_labels(frame, 10)
    assert labels.values == {"attr_genre": ["Action", "Comedy", "Drama"]}
    assert labels.numbers["attr_genre"].tolist() == [
        [1, 1, 0], [0, 1, 0], [-1, -1, -1], [0, 1, 1], [-1, -1, -1],
    ]  # fmt: skip
    assert labels.several == ["attr_genre"]
    assert is_missing(labels.numbers["attr_genre"]).tolist() == [False, False, True, False, True]


def test_a_category_has_one_value_whatever_it_is_called():
    labels = read_labels(catalog(category=["a|b", "c"]), 10)
    assert labels.values["category"] == ["a|b", "c"]
    assert labels.several == []


def test_values_of_a_set_are_balanced_by_how_often_they_are_held():
    labels = Labels({"x": ["a", "b"]}, {"x": np.array([[1, 1], [1, 0], [1, 0], [-1, -1]])})
    # a is held 3 times, b once: 1/3 : 1, scaled so that (3 a + b) / 4 = 1
    np.testing.assert_allclose(labels.class_weights(np.arange(4), 1.0)["x"], [2 / 3, 2])
