"""What a search may try, read from YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config import Config
from recsys.errors import ConfigError
from vitrine.search_space import Choice, Range, read_space, value_of

SHIPPED = Path(__file__).parents[2] / "configs" / "search" / "recommender.yaml"


def _space(folder: Path, text: str) -> Path:
    path = folder / "space.yaml"
    path.write_text(text)
    return path


def test_values_and_ranges(tmp_path):
    text = "model.num_blocks: [1, 2]\ntrain.learning_rate: {low: 0.001, high: 0.01, log: true}\n"
    space = read_space(_space(tmp_path, text))
    assert space == [Choice("model.num_blocks", (1, 2)),
                     Range("train.learning_rate", 0.001, 0.01, log=True)]  # fmt: skip
    assert space[0].holds(2) and not space[0].holds(3)
    assert space[1].holds(0.01) and not space[1].holds(0.02)


def test_the_shipped_space_names_known_settings_and_holds_most_defaults():
    space = read_space(SHIPPED)
    assert all(value_of(Config(), part.name) is not None for part in space)


@pytest.mark.parametrize("text", [
    "model.dropout: 0.1", "model.dropout: []", "model.dropout: {low: 0.5, high: 0.1}",
    "model.dropout: {low: 0, high: 1, log: true}", "model.dropout: {low: 0, hgih: 1}",
    "[]", "a: [", "",
])  # fmt: skip
def test_what_cannot_be_drawn_from_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match=r"space\.yaml"):
        read_space(_space(tmp_path, text))


def test_an_unknown_setting_is_named():
    with pytest.raises(ConfigError, match=r"`model\.depth`"):
        value_of(Config(), "model.depth")
