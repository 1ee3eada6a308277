"""An example answer for every operation of the OpenAPI document, and for bodies without one."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

JSON = "application/json"
BODIES = {"serve_bundle": {"share": 0.1}}


def answers() -> dict[str, Any]:
    """Example answers by operation id, as a small shop gave them."""
    text = resources.files("serving.api").joinpath("examples.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def add_examples(document: dict[str, Any]) -> None:
    """Puts the examples into an OpenAPI document."""
    known = answers()
    for operation in (each for path in document["paths"].values() for each in path.values()):
        name = operation.get("operationId", "")
        answer = operation["responses"].get("200", {}).get("content", {}).get(JSON)
        if answer is not None and name in known:
            answer["example"] = known[name]
        if name in BODIES:
            operation["requestBody"]["content"][JSON]["example"] = BODIES[name]
