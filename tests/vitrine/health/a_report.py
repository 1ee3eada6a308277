"""The report of a refresh with something in every part of it."""

from __future__ import annotations

from typing import Any

from recsys.config import Config
from vitrine.health.gate import gate, parity
from vitrine.health.report import Report, make_report

HISTOGRAM = {"edges": [0.0, 0.5, 1.0], "old": [10, 30], "new": [12, 28]}


def figures() -> dict[str, Any]:
    """As `measure` gives them."""
    kept = {"asked": 40, "overlap": 0.95, "emptied": 0, "shares": [0] * 8 + [2, 8, 30],
            "examples": [{"id": "i<7>", "kept": 0.2}]}  # fmt: skip
    photos = {"total": 3, "causes": {"not_found": 2, "truncated": 1},
              "examples": {"not_found": [{"id": "i8", "detail": "https://shop/8.jpg: 404"}],
                           "truncated": [{"id": "i9", "detail": ""}]}}  # fmt: skip
    return {
        "items": {"old": 400, "new": 402, "added": 4, "removed": 2, "lost_share": 0.005,
                  "photos_old": 400, "photos_new": 400, "photos_lost": 2,
                  "photos_lost_share": 0.005, "photos_lost_of": ["i8", "i9"]},
        "drift": {"same_tower": True, "items": 396, "centroid_shift": 0.01,
                  "centroid_instability": 0.002, "neighbor_instability": 0.01,
                  "histograms": {"center": HISTOGRAM, "neighbors": HISTOGRAM}},
        "neighbors": {**kept, "overlap": 0.41},
        "canaries": {"similar": kept, "recommended": None},
        "near_duplicates": {"new_photos": 6, "asked": 6, "found": 2, "groups": 1,
                            "min_cosine": 0.995, "examples": [["i7", "new-1", "new-2"]]},
        "index": {"photo": {"recall": 0.97, "scann": True, "engine": "scann", "num_items": 400,
                            "num_probes": 400, "settings": {}}},
        "failures": {"photos": photos, "rows": {"total": 0, "causes": {}, "examples": {}}},
    }  # fmt: skip


def outcome(**changed: Any) -> dict[str, Any]:
    """As a refresh says how it ended."""
    stages = {
        "tables": {"state": "made", "seconds": 1.5, "num_items": 402},
        "embeddings": {"state": "made", "seconds": 6.0, "embedded": 6, "photos_per_second": 2.5},
        "model": {"state": "kept", "seconds": 0.0},
        "measure": {"state": "made", "seconds": 2.5},
    }
    changes = {"items": 402, "before": 400, "added": 4, "removed": 2, "photo_changed": 2,
               "metadata_changed": 5, "tower_changed": False,
               "recommender_changed": False}  # fmt: skip
    return {"status": "gate_failed", "error": "neighbors: …", "version": None,
            "fingerprint": "", "changes": changes, "stages": stages, **changed}  # fmt: skip


def a_report(**changed: Any) -> Report:
    """As report.json holds it; `changed` is how the refresh ended."""
    gates = [*gate(figures(), Config()), parity(None)]
    return make_report(outcome(**changed), figures(), gates, written_at=1_795_259_200.0)
