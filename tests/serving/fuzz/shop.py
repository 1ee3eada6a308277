"""A shop on a circle, in this process or in one of its own.

    python -m tests.serving.fuzz.shop PHOTO

prints the port that it listens on and serves until it is told to stop.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uvicorn

from recsys.config import Config
from serving.api.app import create_app
from serving.api.http_protocol import HttpProtocol
from serving.items import Items
from serving.recommender import Recommender
from serving.service import Service
from serving.store import Event, Store
from serving.traffic import Traffic
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items

NUM_ITEMS = 60
NOW = 1_700_000_000.0
SERVED = 3  # the version that is served first
REFRESH: dict[str, Any] = {
    "name": "20261121T030000-5f2c0a91d3e7", "written_at": NOW, "status": "done", "error": "",
    "version": 4, "seconds": 30.6, "slowest": "embeddings", "photos": 57,
    "changes": {"added": 4, "removed": 2, "photo_changed": 51, "metadata_changed": 9},
    "failed_gates": [], "failures": 3,
}  # fmt: skip


class Circles(CircleClient):
    """Circles of several bundles, where any words lie somewhere: as their length says."""

    def predict(
        self, model: str, inputs: Mapping[str, Any], *, signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Runs one servable."""
        if model == "text_encoder":
            inputs = {"text": [_at(text) for text in inputs["text"]]}
        answer = super().predict(model, inputs, signature=signature, version=version)
        names = [fingerprint(version or SERVED)] * len(answer["fingerprint"])
        return {**answer, "fingerprint": np.array(names, object)}


def _at(text: str) -> str:
    """A text that says where on the circle it lies; any text lies somewhere, by its length."""
    said = re.search(r" (0\.\d+)$", text)
    return f"at {said[1] if said else len(text) % 100 / 100}"


@dataclass
class CircleShelf:
    """Bundles of one circle under several versions."""

    items: pd.DataFrame
    client: CircleClient
    config: Config
    known: list[int] = field(default_factory=lambda: [2, SERVED, 4])
    chosen: Traffic = field(default_factory=lambda: Traffic(pinned=SERVED))

    def versions(self) -> list[int]:
        """The versions that are published."""
        return self.known

    def bundles(self) -> list[Any]:
        """Them all."""
        return [self.bundle(version) for version in self.known]

    def bundle(self, version: int) -> CircleBundle:
        """One of them."""
        return CircleBundle(self.items, version=version, fingerprint=fingerprint(version))

    def load(self, version: int, beside: Sequence[int]) -> Recommender:
        """Loads nothing: every version is answered for already."""
        return Recommender(self.bundle(version), self.client, Items(self.items, {}),
                           self.config.serving)  # fmt: skip

    def keep(self, versions: Sequence[int]) -> None:
        """Unloads nothing."""

    def traffic(self) -> Traffic:
        """What was chosen last."""
        return self.chosen

    def choose(self, traffic: Traffic) -> None:
        """Keeps a choice."""
        self.chosen = traffic

    def latest_refresh(self) -> dict[str, Any] | None:
        """One that was published."""
        return REFRESH


def fingerprint(version: int) -> str:
    """Of a version of the circle."""
    return "circle" if version == SERVED else f"circle-{version}"


def circle_service(photos: list[Path], config: Config) -> Service:
    """Sixty items with these photos in turn; ann has four views, bob one."""
    items = circle_items(NUM_ITEMS)
    items["image"] = [str(photos[i % len(photos)]) for i in range(NUM_ITEMS)]
    items["has_photo"] = True
    items.loc[12, "available"] = False
    bundle = CircleBundle(items)
    store = Store("sqlite://")
    store.fill_items(items, bundle.fingerprint)
    store.add_events([Event("ann", str(i), "view", NOW - i) for i in (20, 21, 22, 5)])
    store.add_events([Event("bob", "7", "purchase", NOW - 50)])
    client = Circles([str(i) for i in range(NUM_ITEMS)])
    known = Items(store.read_items(), store.popularity())
    first = Recommender(bundle, client, known, config.serving)
    return Service(first, store, config, shelf=CircleShelf(items, client, config))


def main() -> None:
    """Serves the shop."""
    app = create_app(circle_service([Path(sys.argv[1])], Config()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        settings = uvicorn.Config(app, log_level="error", lifespan="on", http=HttpProtocol)
        uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
