"""Signatures answer the same in memory and in a TensorFlow 1 session, with numbers done by hand."""

import numpy as np
import pytest
import tensorflow as tf

from embeddings.images import encode_png
from recsys.errors import ServingError
from recsys.explanations import ItemParts
from recsys.features import Vocabulary
from recsys.index import ExactIndex, ScannIndex
from recsys.scann_parts import BRUTE_FORCE
from serving.batch_function import Batching
from serving.canaries import text
from serving.loaded_servable import LoadedServable, as_text
from serving.servables import ImageEncoder, Recommend, SimilarItems, save_servable

IDS = ["a", "b", "ü", "d"]
VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float32)


class MeanOfHistory(tf.Module):
    """A stand-in for the two towers: the mean of the history's vectors, plus hour/100."""

    def __init__(self):
        super().__init__()
        self.vectors = tf.Variable(VECTORS)

    def query(self, rows, kinds, ages, context):
        is_real = tf.cast(rows >= 0, tf.float32)[..., None]
        total = tf.reduce_sum(tf.gather(self.vectors, tf.maximum(rows, 0)) * is_real, axis=1)
        mean = tf.math.divide_no_nan(total, tf.reduce_sum(is_real, axis=1))
        moved = tf.cast(context["hour"] + 0 * context["weekday"], tf.float32)[:, None] / 100
        return mean + moved + 0 * tf.reduce_sum(ages, axis=1, keepdims=True)


def make_index(engine):
    return ExactIndex(VECTORS) if engine == "exact" else ScannIndex(VECTORS, BRUTE_FORCE)


class InMemory:
    """A module asked as a loaded servable is."""

    def __init__(self, servable):
        self._signatures = servable.signatures()

    def predict(self, inputs, signature="serving_default"):
        found = self._signatures[signature](**{
            name: tf.constant(text_array(values)) for name, values in inputs.items()
        })  # fmt: skip
        return {name: as_text(value.numpy()) for name, value in found.items()}


def text_array(values):
    array = np.array(values)
    if array.dtype.kind in "US":
        return text(array.ravel().tolist()).reshape(array.shape)
    return array.astype(np.int32) if array.dtype.kind == "i" else array.astype(np.float32)


@pytest.fixture(scope="module", params=["exact", "scann"])
def engine(request):
    return request.param


@pytest.fixture(scope="module", params=["in memory", "loaded"])
def similar(request, engine, tmp_path_factory):
    return served(SimilarItems(make_index(engine), IDS, "f0"), request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=["in memory", "loaded"])
def recommend(request, engine, tmp_path_factory):
    servable = Recommend(MeanOfHistory(), make_index(engine), IDS, "f0", masks_history=True)
    return served(servable, request.param, tmp_path_factory)


def served(servable, how, tmp_path_factory):
    if how == "in memory":
        return InMemory(servable)
    folder = tmp_path_factory.mktemp("models") / "1"
    save_servable(servable, folder)
    return LoadedServable(folder)


def history(items, exclude=("",), k=2, hour=0):
    return {"history": [items], "kinds": [["view"] * len(items)], "ages": [[0.0] * len(items)],
            "hour": [hour], "weekday": [-1], "exclude": [list(exclude)], "k": [k]}  # fmt: skip


def test_neighbors_of_an_item_without_itself(similar):
    answer = similar.predict({"item_id": ["a"], "k": [2], "exclude": [[""]]})
    # a · b = 0.8, a · d = 0.6, a · ü = 0
    assert answer["item_ids"].tolist() == [["b", "d"]]
    np.testing.assert_allclose(answer["scores"], [[0.8, 0.6]], atol=1e-6)
    np.testing.assert_allclose(answer["query"], [[1, 0]], atol=1e-6)
    assert answer["fingerprint"].tolist() == ["f0"]


@pytest.mark.parametrize("engine", ["exact", "scann"])
def test_no_signature_gathers_from_a_variable(engine):
    # TensorFlow copies such a variable at every later read: 25 MB a call for 100,000 items
    servable = SimilarItems(make_index(engine), IDS, "f")
    for function in servable.signatures().values():
        graph = function.get_concrete_function().graph.as_graph_def()
        nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
        assert "ResourceGather" not in {node.op for node in nodes}


def test_excluded_items_cost_no_place(similar):
    answer = similar.predict({"item_id": ["a"], "k": [2], "exclude": [["b", "no such"]]})
    assert answer["item_ids"].tolist() == [["d", "ü"]]


def test_an_unknown_item_has_no_neighbors(similar):
    answer = similar.predict({"item_id": ["nobody", "ü"], "k": [1, 1], "exclude": [[""], [""]]})
    assert answer["item_ids"].tolist() == [[""], ["d"]]
    assert np.isneginf(answer["scores"][0]).all()
    np.testing.assert_allclose(answer["query"], [[0, 0], [0, 1]], atol=1e-6)


def test_the_largest_k_of_a_batch_counts_up_to_the_catalog(similar):
    answer = similar.predict({"item_id": ["a", "b"], "k": [1, 99], "exclude": [[""], [""]]})
    # 4 items, of which the asked one is left out
    assert answer["item_ids"].shape == (2, 4)
    assert answer["item_ids"][1].tolist() == ["d", "a", "ü", ""]


def test_an_empty_batch(similar):
    inputs = {
        "embedding": np.zeros((0, 2)),
        "k": np.zeros(0, int),
        "exclude": np.zeros((0, 1), str),
    }
    answer = similar.predict(inputs, "by_embedding")
    assert len(answer["item_ids"]) == len(answer["fingerprint"]) == 0


def test_neighbors_of_an_embedding(similar):
    inputs = {"embedding": [[0.0, 1.0]], "k": [3], "exclude": [["d"]]}
    answer = similar.predict(inputs, "by_embedding")
    assert answer["item_ids"].tolist() == [["ü", "b", "a"]]
    np.testing.assert_allclose(answer["query"], [[0, 1]], atol=1e-6)


def test_a_query_is_told_as_the_index_took_it(similar):
    inputs = {"embedding": [[np.nan, 1.0]], "k": [1], "exclude": [[""]]}
    answer = similar.predict(inputs, "by_embedding")
    np.testing.assert_allclose(answer["query"], [[0, 1]], atol=1e-6)


def test_a_history_leads_to_items_it_does_not_hold(recommend):
    answer = recommend.predict(history(["", "a", "no such"]))
    assert answer["item_ids"].tolist() == [["b", "d"]]


def test_excluded_items_are_not_recommended(recommend):
    answer = recommend.predict(history(["a"], exclude=["b", "ü"], k=4))
    assert answer["item_ids"].tolist() == [["d", "", "", ""]]


def test_a_new_visitor_gets_an_answer(recommend):
    # the query is (0.2, 0.2): scores are 0.2 of each vector's sum, 1, 1.4, 1 and 1.4
    answer = recommend.predict(history([""], hour=20))
    assert sorted(answer["item_ids"][0]) == ["b", "d"]
    np.testing.assert_allclose(answer["scores"], [[0.28, 0.28]], atol=1e-6)


def test_ages_that_are_no_ages_are_taken_for_now(recommend):
    inputs = {**history(["a", "a"]), "ages": [[np.nan, -5.0]]}
    assert recommend.predict(inputs)["item_ids"].tolist() == [["b", "d"]]


def test_the_query_embedding_gives_the_same_answer(recommend):
    inputs = history(["a", "ü"], hour=10)
    page = {name: inputs.pop(name) for name in ("exclude", "k")}
    embedding = recommend.predict(inputs, "query_embedding")["embedding"]
    # the mean of (1, 0) and (0, 1), moved by 10/100
    np.testing.assert_allclose(embedding, [[0.6, 0.6]], atol=1e-6)
    by_embedding = recommend.predict(
        {"embedding": embedding, "k": page["k"], "exclude": [["a", "ü"]]}, "by_embedding"
    )
    whole = recommend.predict({**inputs, **page})
    np.testing.assert_allclose(whole["query"], embedding, atol=1e-6)
    assert by_embedding["item_ids"].tolist() == whole["item_ids"].tolist()


def test_neighbors_by_behavior(recommend):
    answer = recommend.predict({"item_id": ["ü"], "k": [1], "exclude": [[""]]}, "by_item")
    assert answer["item_ids"].tolist() == [["d"]]


def test_an_encoder_that_joins_requests_answers_as_one_that_does_not(tmp_path):
    class MeanColor:
        """A stand-in for the tower and its model: the mean of each channel."""

        image_size, fit, variables = 8, "pad", ()

        @property
        def model(self):
            return self

        def __call__(self, pixels, training):
            return {"embedding": tf.reduce_mean(pixels, axis=[1, 2])}

    photos = [encode_png(np.full((8, 8, 3), red, np.uint8)) for red in (10, 200)]
    servable = ImageEncoder(MeanColor(), "f0", Batching())
    save_servable(servable, tmp_path / "1")
    joined = LoadedServable(tmp_path / "1")
    assert joined.predict({"photo": photos})["embedding"].tolist() == [[10] * 3, [200] * 3]
    assert joined.predict({"photo": text([])})["embedding"].shape == (0, 3)
    with pytest.raises(ServingError, match="INVALID_ARGUMENT"):
        joined.predict({"photo": [b"no photo", photos[0]]})
    assert joined.predict({"photo": photos[:1]})["fingerprint"].tolist() == ["f0"]


def test_a_new_item_is_placed_by_its_photo_and_its_tokens(tmp_path):
    class Summing:
        """A stand-in for the candidate tower: the photo plus 10 for each brand token."""

        vocabulary = Vocabulary({"brand": ["Acme"]}, [], image_dim=2, widths={"brand": 1})
        weights = ()

        def vectors(self, image, bags):
            return image + 10 * tf.cast(tf.reduce_sum(bags["brand"], 1, keepdims=True), tf.float32)

    servable = Recommend(MeanOfHistory(), make_index("exact"), IDS, "f0", masks_history=True,
                         placement=Summing())  # fmt: skip
    save_servable(servable, tmp_path / "1")
    inputs = {"embedding": [[1.0, 2.0], [0.0, 0.0]], "brand": [[1], [0]]}
    for asked in (InMemory(servable), LoadedServable(tmp_path / "1")):
        answer = asked.predict(inputs, "place")
        assert answer["embedding"].tolist() == [[11, 12], [0, 0]]
        assert answer["fingerprint"].tolist() == ["f0", "f0"]


def test_where_items_are_bought_again_the_history_may_be_recommended():
    servable = Recommend(MeanOfHistory(), make_index("exact"), IDS, "f0", masks_history=False)
    assert InMemory(servable).predict(history(["a"]))["item_ids"].tolist() == [["a", "b"]]


@pytest.mark.parametrize("how", ["in memory", "loaded"])
def test_a_score_is_explained_by_its_history_and_its_parts(how, tmp_path_factory):
    half = ItemParts(*(np.array(VECTORS * share, np.float16) for share in (0.5, 0.25, 0.0)))
    servable = Recommend(
        MeanOfHistory(), make_index("exact"), IDS, "f0", masks_history=True, parts=half
    )
    asked = {
        "history": [["", "a", "ü"], ["", "", "a"]], "kinds": [["view"] * 3] * 2,
        "ages": [[0.0] * 3] * 2, "hour": [0, 0], "weekday": [0, 0],
        "item_ids": [["b", "no such item"]] * 2,
    }  # fmt: skip
    found = served(servable, how, tmp_path_factory).predict(asked, "explain")
    assert found["fingerprint"].tolist() == ["f0", "f0"]
    # the mean of (1, 0) and (0, 1) scores 0.7 with (0.8, 0.6); of one alone 0.6, or 0.8
    assert found["contributions"][0, 0] == pytest.approx([0.0, 0.7 - 0.6, 0.7 - 0.8], abs=1e-6)
    assert found["contributions"][1, 0] == pytest.approx([0.0, 0.0, 0.8], abs=1e-6)
    # an unknown hour is -1 and moves the stand-in by -1/100 each way
    assert found["parts"][1, 0, 3] == pytest.approx(0.014, abs=1e-5)
    score = 0.8 - 0.014
    assert found["parts"][1, 0, :3] == pytest.approx([score / 2, score / 4, score / 4], abs=2e-3)
    assert found["shares"].shape == (2, 2, 4) and not found["shares"][:, 1].any()
