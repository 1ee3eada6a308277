"""Plots are SVG that stands by itself, one for each protocol and one for the training."""

from xml.etree import ElementTree

from recsys.report_plots import draw_plots

ROW = {"group": "all", "ndcg@10": {"mean": 0.2, "low": 0.1, "high": 0.3}}
PROTOCOL = {
    "name": "temporal",
    "rows": [{**ROW, "model": "two_tower"}, {**ROW, "model": "popularity"}],
}
TRAINING = {
    "validation_ndcg_at_10": 0.2, "best_epoch": 2,
    "epochs": [{"validation_ndcg": 0.1}, {"validation_ndcg": 0.2}],
}  # fmt: skip


def test_every_protocol_and_the_training_have_a_plot():
    plots = draw_plots({"k": 10, "protocols": [PROTOCOL], "training": TRAINING})
    assert sorted(plots) == ["temporal", "training"]
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in plots.values())


def test_a_training_without_validation_has_no_course():
    training = {**TRAINING, "validation_ndcg_at_10": None}
    assert draw_plots({"k": 10, "protocols": [], "training": training}) == {}


def test_segments_and_lists_have_plots_where_they_are():
    interval = {"mean": 0.2, "low": 0.1, "high": 0.3}
    models = ("two_tower", "popularity")
    protocol = {
        **PROTOCOL,
        "segments": [{"model": model, "dimension": "category", "segment": segment, "cases": 3,
                      "ndcg@10": interval} for model in models for segment in ("Home", "Toys")],
        "lists": [{"model": model, "coverage": 0.5, "novelty": interval} for model in models],
    }  # fmt: skip
    plots = draw_plots({"k": 10, "protocols": [protocol], "training": None})
    assert sorted(plots) == ["temporal", "temporal lists", "temporal segments"]
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") for svg in plots.values())
