"""New items are placed as the trained tower places items without an id vector."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from recsys.catalog import load_catalog
from recsys.embedding_table import open_table
from recsys.errors import ArtifactError
from recsys.features import item_features
from recsys.placement import load_placement
from recsys.train import train
from recsys.two_tower import load_two_tower
from tests.recsys.small_shop import make_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tf.config.run_functions_eagerly(True)  # a few steps without a graph are quicker
    try:
        config, workdir = make_shop(
            tmp_path_factory.mktemp("shop"), photos=True,
            model={"use_id": False}, train={"epochs": 1},
        )  # fmt: skip
        train(config, workdir)
    finally:
        tf.config.run_functions_eagerly(False)
    return workdir


def test_without_id_vectors_known_items_are_placed_where_training_put_them(shop):
    placement = load_placement(shop.model)
    catalog = load_catalog(shop)
    vectors, present = open_table(shop.embeddings).vectors_for(catalog["item_id"].tolist())
    features = item_features(catalog, placement.vocabulary, vectors, present)
    # the last item has no photo: zeros say so
    assert not present[-1]
    found = placement.vectors(tf.constant(features.image), features.bags).numpy()
    np.testing.assert_allclose(found, load_two_tower(shop.model).candidate_vectors, atol=1e-5)
    assert placement.dim == 16


def test_a_tower_of_other_settings_is_refused(shop, tmp_path):
    import shutil

    shutil.copytree(shop.model, tmp_path / "model")
    (tmp_path / "model" / "vocabulary.json").write_text(
        '{"tokens": {}, "price_edges": [], "image_dim": 0, "widths": {}}'
    )
    with pytest.raises(ArtifactError, match=r"does not fit.*vitrine train"):
        load_placement(tmp_path / "model")
