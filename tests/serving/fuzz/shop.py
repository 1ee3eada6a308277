"""A shop on a circle, in this process or in one of its own.

    python -m tests.serving.fuzz.shop PHOTO

prints the port that it listens on and serves until it is told to stop.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from recsys.config import Config
from serving.api.app import create_app
from serving.api.http_protocol import HttpProtocol
from serving.items import Items
from serving.recommender import Recommender
from serving.service import Service
from serving.store import Event, Store
from tests.serving.api.circle import CircleBundle, CircleClient, circle_items

NUM_ITEMS = 60
NOW = 1_700_000_000.0


class AnyWords(CircleClient):
    """A circle where any words lie somewhere: at the share of a turn that their length says."""

    def predict(
        self, model: str, inputs: Mapping[str, Any], *, signature: str = "",
        version: int | None = None,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Runs one servable."""
        if model == "text_encoder":
            inputs = {"text": [f"at {len(text) % 100 / 100}" for text in inputs["text"]]}
        return super().predict(model, inputs, signature=signature, version=version)


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
    client = AnyWords([str(i) for i in range(NUM_ITEMS)])
    known = Items(store.read_items(), store.popularity())
    return Service(Recommender(bundle, client, known, config.serving), store, config)


def main() -> None:
    """Serves the shop."""
    app = create_app(circle_service([Path(sys.argv[1])], Config()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        settings = uvicorn.Config(app, log_level="error", lifespan="on", http=HttpProtocol)
        uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
