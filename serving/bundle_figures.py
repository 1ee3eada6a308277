"""What a bundle is worth, in a few figures that an operator compares."""

from __future__ import annotations

from typing import Any

VALIDATION = "validation_ndcg_at_10"


def figures(bundle: Any) -> dict[str, Any]:
    """A bundle's figures; None for what was not measured.

    Returns:
        version, fingerprint, created_at (epoch seconds), num_items, num_photos, servables,
        engines (verb → engine), ndcg_at_10 (of the model on validation) and recall (space →
        recall@10 of the index).
    """
    info = bundle.info
    ndcg = (info.get("metrics") or {}).get(VALIDATION)
    index = info.get("index") or {}
    return {
        "version": int(bundle.version),
        "fingerprint": str(bundle.fingerprint),
        "created_at": float(info.get("created_at") or 0.0),
        "num_items": int(info.get("num_items") or 0),
        "num_photos": int(info.get("num_photos") or 0),
        "servables": list(info["servables"]),
        "engines": dict(info.get("engines") or {}),
        "ndcg_at_10": None if ndcg is None else float(ndcg),
        "recall": {space: float(found["recall"]) for space, found in index.items()
                   if found.get("recall") is not None},
    }  # fmt: skip
