"""The OpenAPI document has an example for every operation, and docs/api.md names every one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from httpx import Client
from pydantic import BaseModel

from serving.api import live_routes, operation_routes, privacy_routes, schemas
from serving.api.examples import JSON, answers

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
MODULES = (schemas, live_routes, operation_routes, privacy_routes)


@pytest.fixture
def operations(api: Client) -> dict[str, dict[str, Any]]:
    """Every operation by "METHOD path"."""
    return {
        f"{method.upper()} {path}": operation
        for path, known in api.get("/openapi.json").json()["paths"].items()
        for method, operation in known.items()
    }


def test_every_json_answer_has_an_example_of_its_schema(operations: dict[str, dict[str, Any]]):
    for name, operation in operations.items():
        answer = operation["responses"]["200"].get("content", {}).get(JSON)
        if answer is None:
            continue
        assert "example" in answer, name
        model = answer["schema"]["$ref"].rpartition("/")[2]
        kind = next(getattr(module, model) for module in MODULES if hasattr(module, model))
        assert issubclass(kind, BaseModel)
        read = kind.model_validate(answer["example"])
        assert set(read.model_dump()) == set(answer["example"]), name


def test_every_example_belongs_to_an_operation(operations: dict[str, dict[str, Any]]):
    assert set(answers()) <= {operation["operationId"] for operation in operations.values()}


def test_every_json_body_has_an_example(api: Client, operations: dict[str, dict[str, Any]]):
    components = api.get("/openapi.json").json()["components"]["schemas"]
    for name, operation in operations.items():
        content = operation.get("requestBody", {}).get("content", {}).get(JSON)
        if content is None:
            continue
        reference = json.dumps(content["schema"])
        named = [components[each] for each in re.findall(r"schemas/(\w+)", reference)]
        assert "example" in content or any("examples" in each for each in named), name


def test_every_path_parameter_has_an_example_or_a_pattern(operations: dict[str, dict[str, Any]]):
    for name, operation in operations.items():
        for each in operation.get("parameters", []):
            if each["in"] == "path":
                known = {*each, *each["schema"]}
                assert known & {"example", "examples", "pattern"}, name


def test_every_operation_is_documented_and_nothing_else(operations: dict[str, dict[str, Any]]):
    pattern = r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|"
    assert set(re.findall(pattern, DOCS.read_text(), re.M)) == set(operations)
