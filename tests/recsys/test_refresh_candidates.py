"""A refreshed model holds today's items where the trained towers put them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from recsys.artifact import open_artifact, verify_artifact
from recsys.catalog import load_catalog
from recsys.embedding_table import Part, open_table, write_table
from recsys.errors import ArtifactError
from recsys.features import item_features
from recsys.placement import load_candidate_tower, load_placement
from recsys.prepare import prepare
from recsys.refresh_candidates import known_items, refresh_candidates
from recsys.train import train
from recsys.two_tower import load_two_tower
from recsys.workdir import Workdir
from tests.recsys.small_shop import make_shop, write_embeddings


@pytest.fixture(scope="module", params=[True, False], ids=["shared", "own_inputs"])
def trained(request, tmp_path_factory):
    """A trained shop of 12 items, all touched; the last one has no photo."""
    tf.config.run_functions_eagerly(True)  # a few steps without a graph are quicker
    try:
        config, workdir = make_shop(
            tmp_path_factory.mktemp("shop"), photos=True,
            model={"share_item_vectors": request.param}, train={"epochs": 1},
            data={"max_unknown_items": 1.0},  # most items leave
        )  # fmt: skip
        train(config, workdir)
    finally:
        tf.config.run_functions_eagerly(False)
    return config, workdir


@pytest.fixture
def shop(trained, tmp_path):
    """A copy of the shop that may be changed, and a workdir to refresh into."""
    config, workdir = trained
    root = shutil.copytree(workdir.root.parent, tmp_path / "shop")
    data = config.data.model_copy(update={"root": str(root)})
    draft = Workdir(tmp_path / "draft")
    return config.model_copy(update={"data": data}), Workdir(root / "work"), draft


def _edit(config, workdir: Workdir, change) -> None:
    """Changes the catalog, prepares it and embeds every item but the last."""
    path = Path(config.data.root) / "catalog.csv"
    catalog = change(pd.read_csv(path, dtype={"item_id": str}))
    catalog.to_csv(path, index=False)
    prepare(config, workdir)
    write_embeddings(workdir, catalog["item_id"].tolist()[:-1])


def _without_first_with_new(catalog: pd.DataFrame) -> pd.DataFrame:
    new = catalog.iloc[[3]].assign(item_id="i20")
    return pd.concat([new, catalog.iloc[1:]])


def test_what_did_not_change_stays_where_it_was(shop):
    config, workdir, draft = shop
    _edit(config, draft, lambda catalog: catalog)
    summary = refresh_candidates(config, workdir, draft)
    assert summary == {"items": 12, "known": 12, "added": 0, "removed": 0}
    before, after = load_two_tower(workdir.model), load_two_tower(draft.model)
    np.testing.assert_allclose(after.candidate_vectors, before.candidate_vectors, atol=1e-6)
    asked = [[[1, 2]], [["view", "view"]], [[9.0, 1.0]], {}]
    np.testing.assert_allclose(after.query(*asked), before.query(*asked), atol=1e-6)
    assert after.info["best_epoch"] == before.info["best_epoch"]
    verify_artifact(open_artifact(draft.model, "model", mend=""))


def test_items_come_and_go_and_the_others_keep_their_vectors(shop):
    config, workdir, draft = shop
    _edit(config, draft, _without_first_with_new)
    assert refresh_candidates(config, workdir, draft) == {
        "items": 12, "known": 11, "added": 1, "removed": 1,
    }  # fmt: skip
    before, after = load_two_tower(workdir.model), load_two_tower(draft.model)
    assert list(after.item_ids) == ["i20", *(f"i{n}" for n in range(1, 12))]
    np.testing.assert_allclose(
        after.candidate_vectors[1:], before.candidate_vectors[1:], atol=1e-6
    )  # fmt: skip


def test_a_new_item_lies_where_the_servable_places_it(shop):
    config, workdir, draft = shop
    _edit(config, draft, _without_first_with_new)
    refresh_candidates(config, workdir, draft)
    placement, catalog = load_placement(workdir.model), load_catalog(draft)
    photos = open_table(draft.embeddings).vectors_for(catalog["item_id"].tolist())
    features = item_features(catalog, placement.vocabulary, *photos)
    found = placement.vectors(tf.constant(features.image), features.bags).numpy()
    after = load_two_tower(draft.model).candidate_vectors
    np.testing.assert_allclose(after[0], found[0], atol=1e-6)
    assert np.abs(after[1] - found[1]).max() > 1e-3  # a known one has its id vector besides


def test_an_item_that_comes_back_has_its_id_vector_again(shop, tmp_path):
    config, workdir, draft = shop
    path = Path(config.data.root) / "catalog.csv"
    whole = pd.read_csv(path)
    _edit(config, draft, _without_first_with_new)
    refresh_candidates(config, workdir, draft)
    again = Workdir(tmp_path / "again")
    _edit(config, again, lambda catalog: whole)
    assert refresh_candidates(config, draft, again)["known"] == 12
    before, after = load_two_tower(workdir.model), load_two_tower(again.model)
    np.testing.assert_allclose(after.candidate_vectors, before.candidate_vectors, atol=1e-6)
    assert known_items(again.model) == known_items(workdir.model)


def test_a_changed_price_moves_an_item(shop):
    config, workdir, draft = shop
    _edit(config, draft, lambda catalog: catalog.assign(price=[1.0, *catalog["price"][1:]]))
    refresh_candidates(config, workdir, draft)
    moved = np.abs(load_two_tower(draft.model).candidate_vectors
                   - load_two_tower(workdir.model).candidate_vectors).max(axis=1)  # fmt: skip
    assert moved[0] > 1e-3 and moved[1:].max() < 1e-6


def test_the_training_behind_the_model_is_remembered_through_refreshes(shop, tmp_path):
    config, workdir, draft = shop
    model = open_artifact(workdir.model, "model", mend="")
    assert model.trained == model.fingerprint
    _edit(config, draft, _without_first_with_new)
    refresh_candidates(config, workdir, draft)
    once = open_artifact(draft.model, "model", mend="")
    again = Workdir(tmp_path / "again")
    _edit(config, again, lambda catalog: catalog.iloc[1:])
    refresh_candidates(config, draft, again)
    twice = open_artifact(again.model, "model", mend="")
    assert once.trained == twice.trained == model.fingerprint
    assert len({model.fingerprint, once.fingerprint, twice.fingerprint}) == 3
    assert load_two_tower(again.model).trained == model.fingerprint


def test_the_same_inputs_give_the_same_artifact(shop):
    config, workdir, draft = shop
    _edit(config, draft, _without_first_with_new)
    refresh_candidates(config, workdir, draft)
    first = open_artifact(draft.model, "model", mend="").fingerprint
    refresh_candidates(config, workdir, draft)
    assert open_artifact(draft.model, "model", mend="").fingerprint == first


def test_items_that_leave_do_not_cost_the_tower_its_last_id_vectors(shop):
    config, workdir, draft = shop
    _edit(config, draft, lambda catalog: catalog.iloc[:3])
    refresh_candidates(config, workdir, draft)
    tower, _, ids = load_candidate_tower(draft.model)
    assert tower.ids.shape[0] == 12 and len(ids) == 3


def test_photos_of_another_tower_are_refused(shop):
    config, workdir, draft = shop
    prepare(config, draft)
    vectors = np.array([[1, 0, 0, 0]], np.float32)
    part = Part(item_ids=["i1"], photo_sha256=["0" * 64], vectors=vectors)
    inputs = {"tower": "another"}
    write_table(draft.embeddings, [part], tower_fingerprint="another", embedding_dim=4,
                inputs=inputs)  # fmt: skip
    with pytest.raises(ArtifactError, match=r"another tower.*vitrine train"):
        refresh_candidates(config, workdir, draft)


def test_a_model_that_cannot_place_new_inputs_says_what_to_run(shop):
    config, workdir, draft = shop
    if config.model.share_item_vectors:
        (workdir.model / "candidate_tower.npz").unlink()
    else:
        (workdir.model / "input_tower.npz").unlink()
    _edit(config, draft, lambda catalog: catalog)
    with pytest.raises(ArtifactError, match=r"lacks its .* tower.*vitrine train"):
        refresh_candidates(config, workdir, draft)
    assert not draft.model.exists()
