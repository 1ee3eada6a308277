"""What is said of a photo, by a tower trained on drawn discs and bars."""

from __future__ import annotations

import numpy as np
import pytest

from embeddings.describe import Describer, likeliest, one_line
from embeddings.embed import embed
from embeddings.train_tower import train_tower
from recsys.errors import NotFoundError, PhotoError
from tests.embeddings.small_catalog import draw, prepared, small_config, write_catalog


@pytest.fixture(scope="module")
def describer(tmp_path_factory):
    root = tmp_path_factory.mktemp("catalog")
    write_catalog(root, title="A drawn shape")
    config = small_config(root)
    workdir = prepared(root, config)
    train_tower(config, workdir)
    embed(config, workdir)
    return Describer(config, workdir)


@pytest.fixture
def disc(tmp_path):
    draw("disc", "blue", 500).save(tmp_path / "disc.png")
    return str(tmp_path / "disc.png")


def test_a_photo_is_named_and_placed_beside_its_like(describer, disc):
    found = describer.describe(disc)
    assert found.labels["category"][0][0] == "disc"
    assert found.labels["category"][0][1] > 0.5
    assert len(found.nearest) == 5
    discs = [item_id for item_id, _, _ in found.nearest if int(item_id[1:]) % 2 == 0]
    assert len(discs) >= 4  # even numbers are discs
    cosines = [cosine for _, _, cosine in found.nearest]
    assert cosines == sorted(cosines, reverse=True)
    assert found.line.startswith("Disc")
    assert found.line.endswith('like "A drawn shape"')
    assert set(found.as_dict()) == {"line", "labels", "nearest", "findings"}


def test_an_explanation_is_a_picture_of_the_towers_size(describer, disc, tmp_path):
    assert describer.explain(disc).size == (32, 32)
    assert describer.explain(disc, "attr_color").size == (32, 32)
    draw("bar", "red", 501).save(tmp_path / "bar.png")
    assert describer.explain_pair(disc, str(tmp_path / "bar.png")).size == (64, 32)


def test_lines_for_a_terminal_say_all_of_it(describer, disc):
    found = describer.describe(disc)
    text = "\n".join(found.lines())
    assert text.startswith(found.line)
    for part in ("category", "attr_color", found.nearest[0][0], "A drawn shape"):
        assert part in text


def test_an_unknown_label_is_answered_with_those_there_are(describer, disc):
    with pytest.raises(NotFoundError, match="attr_size") as caught:
        describer.explain(disc, "attr_size")
    assert "attr_color" in caught.value.mend


def test_what_is_no_photo_is_refused(describer, tmp_path):
    (tmp_path / "note.png").write_text("no photo")
    with pytest.raises(PhotoError):
        describer.describe(str(tmp_path / "note.png"))


def test_likeliest_values_come_first():
    found = likeliest(np.array([0.1, 0.2, 0.65, 0.05], np.float32), ["a", "b", "c", "d"])
    assert found == [("c", 0.65), ("b", 0.2), ("a", 0.1)]


def test_the_line_claims_only_what_is_likelier_than_not():
    labels = {"category": [("Women > Dresses", 0.9)], "attr_color": [("red", 0.4)],
              "attr_sleeve_length": [("short", 0.6)]}  # fmt: skip
    assert (
        one_line(labels, ["", "Summer dress"])
        == 'Dresses, sleeve length short; like "Summer dress"'
    )
    assert one_line({}, ["Summer dress"]) == 'Like "Summer dress"'
    assert one_line({"category": [("a", 0.2)]}, []) == "Nothing that the tower is sure of"


def test_a_set_may_be_said_with_more_than_one_value():
    labels = {"attr_material": [("wool", 0.9), ("silk", 0.6), ("tin", 0.1)]}
    assert one_line(labels, [], ["attr_material"]) == "Material wool and silk"
    assert one_line(labels, []) == "Material wool"
