"""Where a new item lies in a bundle's two spaces, asked of the bundle's own servables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.features import Vocabulary, item_features, place_inputs
from serving.overlay import Change, table_of
from serving.served_bundle import ENCODER, RECOMMEND, ServedBundle


class NewItems:
    """Embeds photos and places items.

    Args:
        served: the bundle behind its model server.
        vocabulary: what makes an item's features; None where the bundle places no items.
    """

    def __init__(self, served: ServedBundle, vocabulary: Vocabulary | None) -> None:
        self._served, self._vocabulary = served, vocabulary

    def embed(self, photos: Sequence[bytes]) -> NDArray[np.float32] | None:
        """One unit vector of the photo space for all photos of an item: their mean direction.

        Args:
            photos: PNGs fitted to the tower's square.

        Returns:
            float32 [dim]; None without photos, or where the bundle has no photo space.
        """
        if not photos or not self._served.has(ENCODER):
            return None
        found = self._served.predict(ENCODER, {"photo": list(photos)})["embedding"]
        mean = np.mean(found, axis=0)
        # photos that point opposite ways have no mean: the first one stands for the item
        norm = float(np.linalg.norm(mean))
        return np.asarray(mean / norm if norm > 1e-6 else found[0], np.float32)

    def place(
        self, item_id: str, fields: Mapping[str, Any], embedding: NDArray[np.float32] | None
    ) -> NDArray[np.float32] | None:
        """An item's candidate vector, float32 [dim]; None where the bundle places no items."""
        if self._vocabulary is None or not self._served.has(RECOMMEND):
            return None
        names = [name for name in fields if name.startswith("attr_")]
        table = table_of([Change(item_id, fields)], names)
        image = np.zeros((1, self._vocabulary.image_dim), np.float32)
        if embedding is not None and self._vocabulary.image_dim:
            image[0] = embedding
        has_image = np.array([embedding is not None])
        inputs = place_inputs(item_features(table, self._vocabulary, image, has_image))
        if not inputs:
            return None
        placed = self._served.predict(RECOMMEND, inputs, "place")["embedding"][0]
        return np.asarray(placed, np.float32)
