"""A model server without a network: items on a circle, so that neighbors can be named by hand.

Item number i of n lies at the angle 360 i / n in both spaces; the score of two items is the
cosine between them. A photo's mean red of r in 0..255 lies at 360 r / 256. A history's query
is its last item; nobody's is item 0.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from recsys.errors import UnavailableError

CATEGORIES = ["Bags", "Dresses", "Shoes"]


@dataclass
class CircleBundle:
    """A bundle of items on a circle."""

    items: pd.DataFrame
    version: int = 3
    fingerprint: str = "circle"
    info: dict[str, Any] = field(
        default_factory=lambda: {
            "servables": ["image_encoder", "text_encoder", "similar_items", "recommend",
                          "recommend_scann"],
            "engines": {"similar_items": "exact", "recommend": "exact"},
            "image_size": 8, "fit": "pad", "categories": CATEGORIES,
            "attributes": {"color": ["red", "other"]},
            "spaces": {"similar_items": "photo", "recommend": "behavior"},
            "history_length": 50, "explains": True, "repeat_consumption": "mask",
            "event_kinds": ["view", "cart", "purchase", "dislike"],
        }
    )  # fmt: skip

    @property
    def photo_vectors(self) -> np.ndarray:
        """Where each item lies; zeros without a photo."""
        has_photo = self.items["has_photo"].to_numpy(np.float32)
        return self.candidate_vectors * has_photo[:, np.newaxis]

    @property
    def candidate_vectors(self) -> np.ndarray:
        """Where each item lies."""
        count = len(self.items)
        return np.array([circle_vector(row / count) for row in range(count)])


@dataclass
class CircleClient:
    """Answers as the servables of a CircleBundle do; `calls` remembers what was asked."""

    item_ids: list[str]
    fingerprint: str = "circle"
    down: bool = False
    calls: list[tuple[str, str, int | None]] = field(default_factory=list)

    def predict(
        self, model: str, inputs: Mapping[str, Any], *, signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Runs one servable."""
        if self.down:
            raise UnavailableError("UNAVAILABLE: connection refused.", where="127.0.0.1:1",
                               mend="Is the model server running?")  # fmt: skip
        self.calls.append((model, signature, version))
        if model == "text_encoder":  # "somewhere at 0.25" lies at a quarter of a turn
            turns = [float(text.split()[-1]) for text in inputs["text"]]
            return {
                "embedding": np.array([circle_vector(each) for each in turns]),
                "fingerprint": np.array([self.fingerprint] * len(turns), object),
            }
        if model == "image_encoder":
            return self._encode(inputs["photo"])
        if signature == "explain":
            return self._explain(inputs)
        queries, hidden = self._queries(model, signature, inputs)
        k = min(int(np.max(inputs["k"])), len(self.item_ids))
        answers = [self._nearest(query, out, k) for query, out in zip(queries, hidden, strict=True)]
        return {
            "item_ids": np.array([ids for ids, _ in answers], object),
            "scores": np.array([scores for _, scores in answers], np.float32),
            "query": np.array([np.zeros(2) if q is None else q for q in queries], np.float32),
            "fingerprint": np.array([self.fingerprint] * len(answers), object),
        }

    def _queries(
        self, model: str, signature: str, inputs: Mapping[str, Any]
    ) -> tuple[list[np.ndarray | None], list[set[str]]]:
        hidden = [set(row) for row in inputs["exclude"]]
        if signature == "by_embedding":
            return list(inputs["embedding"]), hidden
        if "item_id" in inputs:
            own = [{item_id} for item_id in inputs["item_id"]]
            return (
                [self._vector(item_id) for item_id in inputs["item_id"]],
                [a | b for a, b in zip(hidden, own, strict=True)],
            )
        assert model.startswith("recommend")
        history = [[each for each in row if each in self.item_ids] for row in inputs["history"]]
        return [self._vector(row[-1] if row else self.item_ids[0]) for row in history], hidden

    def _explain(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Each event contributes its cosine; a photo and an id make half of every score each."""
        (history,), (wanted,) = inputs["history"], inputs["item_ids"]
        vectors = [self._vector(item_id) for item_id in (*history, *wanted)]
        known = np.array([np.zeros(2) if vector is None else vector for vector in vectors])
        contributions = known[len(history) :] @ known[: len(history)].T
        shares = np.tile(np.array([0.5, 0.0, 0.5, 0.0]), (1, len(wanted), 1))
        return {"contributions": contributions[np.newaxis], "shares": shares,
                "fingerprint": np.array([self.fingerprint], object)}  # fmt: skip

    def _nearest(
        self, query: np.ndarray | None, hidden: set[str], k: int
    ) -> tuple[list[str], list[float]]:
        scored = [] if query is None else [
            (float(query @ circle_vector(row / len(self.item_ids))), item_id)
            for row, item_id in enumerate(self.item_ids) if item_id not in hidden
        ]  # fmt: skip
        best = sorted(scored, key=lambda pair: -round(pair[0], 6))[:k]
        best += [(-np.inf, "")] * (k - len(best))
        return [item_id for _, item_id in best], [score for score, _ in best]

    def _vector(self, item_id: str) -> np.ndarray | None:
        if item_id not in self.item_ids:
            return None
        return circle_vector(self.item_ids.index(item_id) / len(self.item_ids))

    def _encode(self, photos: list[bytes]) -> dict[str, np.ndarray]:
        reds = [np.asarray(Image.open(io.BytesIO(photo)))[..., 0].mean() for photo in photos]
        b = len(photos)
        return {
            "embedding": np.array([circle_vector(red / 256) for red in reds]),
            "category_probabilities": np.array([[0.1, 0.7, 0.2]] * b, np.float32),
            "attr_color_probabilities": np.array([[0.9, 0.1]] * b, np.float32),
            "fingerprint": np.array([self.fingerprint] * b, object),
        }


def circle_vector(turns: float) -> np.ndarray:
    """The point of the unit circle at a share of a turn; float32 [2]."""
    return np.array([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], np.float32)


def circle_items(count: int, image: str = "") -> pd.DataFrame:
    """Items "0" to "count - 1": categories in turn, price 10 times the number, all available."""
    numbers = range(count)
    return pd.DataFrame({
        "item_id": [str(i) for i in numbers],
        "image": [image] * count,
        "title": [f"{'Red' if i % 2 else 'Blue'} thing {i}" for i in numbers],
        "description": [""] * count,
        "category": [f"Women > {CATEGORIES[i % 3]}" for i in numbers],
        "brand": ["Acme"] * count,
        "price": [10.0 * i for i in numbers],
        "available": [True] * count,
        "created_at": [86_400.0 * i for i in numbers],
        "attr_color": ["red" if i % 2 else "blue" for i in numbers],
        "has_photo": [bool(image)] * count,
    })  # fmt: skip
