"""More requests than can be worked on: some are told to come back, none hangs, nothing breaks."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from tests.serving.faults.site import MAX_WAITING, Site

NUM_REQUESTS = 500
pytestmark = pytest.mark.slow


async def ask_all(site: Site, path: str) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=NUM_REQUESTS)
    async with httpx.AsyncClient(base_url=site.api.base_url, timeout=120, limits=limits) as client:
        return await asyncio.gather(*(client.get(path) for _ in range(NUM_REQUESTS)))


def test_a_rush_is_answered_or_told_to_come_back(site: Site):
    item_id = site.bundle.items["item_id"].iloc[0]
    path = f"/v1/items/{item_id}/similar?k=5"
    answers = asyncio.run(ask_all(site, path))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= MAX_WAITING // 2
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert {answer.json()["detail"] for answer in refused} == {"too many requests are waiting."}
    assert site.api.get(path).status_code == 200
    assert site.api.get("/readyz").status_code == 200
