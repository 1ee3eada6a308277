"""Every operation of the OpenAPI document, tried with what fits it and what does not."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.serving.fuzz.campaign import campaign, shop

SECONDS = 40


@pytest.mark.slow
def test_no_operation_answers_5xx_or_against_its_schema():
    pytest.importorskip("schemathesis", reason="pip install schemathesis")
    with shop() as address:
        operations = sum(map(len, httpx.get(f"{address}/openapi.json").json()["paths"].values()))
        done = campaign(address, seconds=SECONDS, examples=15)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    tried = re.search(r"Tested: +(\d+)", done.stdout)
    assert tried is not None, done.stdout
    assert int(tried[1]) == operations
