"""The tower's report: every part is there, and nothing of the catalog is taken for HTML."""

from __future__ import annotations

from vitrine.tower_report import draw_confusion, tower_page, tower_text

FIGURES = {
    "split": "test", "photos": 40,
    "heads": {"category": {"photos": 40, "classes": 2, "accuracy": 0.9, "macro_f1": 0.85,
                           "calibration_error": {"before": 0.1, "after": 0.04}}},
    "classes": {"category": {
        "rows": [{"class": "bag", "photos": 30, "precision": 0.9, "recall": 1.0, "f1": 0.947,
                  "mistaken_for": ""},
                 {"class": "<b>hat</b>", "photos": 10, "precision": None, "recall": 0.6,
                  "f1": 0.75, "mistaken_for": "bag"}],
        "names": ["bag", "<b>hat</b>"], "confusion": [[30, 0], [4, 6]]}},
    "mistakes": [{"item_id": "7", "photo": "/nowhere.jpg", "is": "<b>hat</b>", "named": "bag",
                  "probability": 0.98}],
    "robustness": {"as it is": 0.9, "blur": 0.7},
    "gaps": {"brand": [{"group": "Acme", "photos": 12, "accuracy": 0.75, "below_others": 0.2,
                        "doubt": 0.15}]},
}  # fmt: skip


def test_the_text_has_every_part():
    text = tower_text(FIGURES)
    assert "40 photos of the split `test`" in text
    for line in ("blur      0.700  +0.200", "Acme", "called", "0.040"):
        assert line in text


def test_the_page_shows_the_same_and_escapes_names():
    page = tower_page(FIGURES)
    assert "<b>hat</b>" not in page
    assert page.count("&lt;b&gt;hat&lt;/b&gt;") >= 2
    assert "<svg" in page
    assert "0.700" in page


def test_a_matrix_too_large_to_read_is_not_drawn():
    assert draw_confusion([], []) == ""
