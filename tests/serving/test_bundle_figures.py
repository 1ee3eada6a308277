"""The figures of a bundle, and of one that was made before they were kept."""

from __future__ import annotations

from serving.bundle_figures import figures
from tests.serving.api.circle import CircleBundle, circle_items


def test_figures_are_those_of_the_manifest():
    bundle = CircleBundle(circle_items(3))
    bundle.info = {
        **bundle.info, "created_at": 12.5, "num_items": 3, "num_photos": 2,
        "metrics": {"validation_ndcg_at_10": 0.25},
        "index": {"photo": {"recall": 0.97}, "behavior": {"recall": None}},
    }  # fmt: skip
    found = figures(bundle)
    assert (found["version"], found["created_at"], found["ndcg_at_10"]) == (3, 12.5, 0.25)
    assert found["recall"] == {"photo": 0.97}


def test_what_was_not_measured_is_none():
    found = figures(CircleBundle(circle_items(3)))
    assert found["ndcg_at_10"] is None
    assert (found["num_items"], found["recall"]) == (0, {})
