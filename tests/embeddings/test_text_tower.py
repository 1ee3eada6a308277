"""Words are cut in the graph, and texts that hold any lie on the unit sphere."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from embeddings.text_tower import (
    KIND,
    MAX_WORDS,
    SETTINGS_FILE,
    TextSettings,
    build_text_tower,
    load_text_tower,
    save_text_tower,
    tokens,
)
from recsys.artifact import write_artifact
from recsys.errors import ArtifactError

SMALL = TextSettings(embedding_dim=4, num_buckets=64, width=8)


def test_words_are_lower_case_runs_of_letters_and_digits():
    words, triples = tokens(tf.constant(["Red MIDI-dress, 42!", "", "Été 裙"]))
    texts = [[word.decode() for word in row] for row in words.to_list()]
    assert texts == [["red", "midi", "dress", "42"], [], ["été", "裙"]]
    assert [part.decode() for part in triples.to_list()[0][:3]] == ["<re", "red", "ed>"]
    assert [part.decode() for part in triples.to_list()[2]] == ["<ét", "été", "té>", "<裙>"]


def test_a_long_text_is_cut():
    words, _ = tokens(tf.constant([" ".join(["word"] * 100)]))
    assert words.row_lengths().numpy().tolist() == [MAX_WORDS]


@pytest.mark.parametrize(
    ("text", "norm"),
    [("", 0), (" ", 0), ("!?", 0), (b"\xff\xfe", 0), ("a", 1), ("x" * 10_000, 1), ("Été", 1)],
)
def test_a_text_has_a_direction_if_it_has_a_word(text: str | bytes, norm: int):
    tower = build_text_tower(SMALL)
    tower.layers[-1].bias.assign(tf.ones([4]))  # as a trained one has
    assert np.linalg.norm(tower(tf.constant([text])).numpy()) == pytest.approx(norm, abs=1e-5)


def test_order_and_case_of_words_do_not_matter():
    tower = build_text_tower(SMALL)
    one, other = tower(tf.constant(["red dress", "Dress RED"])).numpy()
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_an_empty_batch_is_answered():
    assert build_text_tower(SMALL)(tf.zeros([0], tf.string)).shape == (0, 4)


def test_what_was_saved_says_the_same(tmp_path):
    tower = build_text_tower(SMALL)
    with write_artifact(tmp_path / "words", KIND) as draft:
        save_text_tower(tower, draft.path)
        draft.inputs |= {"embeddings": "e", "tower": "t"}
    loaded = load_text_tower(tmp_path / "words")
    assert loaded.taught_by == {"e", "t"}
    text = tf.constant(["red dress", "shoe"])
    np.testing.assert_array_equal(loaded.tower(text).numpy(), tower(text).numpy())


def test_what_is_missing_or_spoiled_says_what_to_run(tmp_path):
    with pytest.raises(ArtifactError, match="train-words"):
        load_text_tower(tmp_path / "words")
    with write_artifact(tmp_path / "words", KIND) as draft:
        (draft.path / SETTINGS_FILE).write_text(json.dumps({"width": 3}))
        draft.inputs["embeddings"] = "e"
    with pytest.raises(ArtifactError, match="settings cannot be read"):
        load_text_tower(tmp_path / "words")
