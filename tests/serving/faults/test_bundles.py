"""Bundles that are not whole: what is served goes on, and nobody is answered by half of one."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.serving.faults.site import Site

pytestmark = pytest.mark.slow


def copied(site: Site, version: int, *, leave_out: str = "", spoil: str = "") -> list[Path]:
    """Copies the served bundle to a version, as an operator's interrupted copy would be."""
    old = site.bundle.version
    made = []
    for servable in site.bundle.servables:
        folder = site.workdir.models / servable / str(version)
        shutil.copytree(site.workdir.models / servable / str(old), folder)
        made.append(folder)
        if servable == leave_out:
            (folder / "saved_model.pb").unlink()
        if servable == spoil:
            graph = folder / "saved_model.pb"
            graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    folder = site.workdir.bundles / str(version)
    shutil.copytree(site.workdir.bundles / str(old), folder)
    made.append(folder)
    if leave_out == "manifest":
        (folder / "manifest.json").unlink()
    if spoil == "items":
        items = folder / "items.parquet"
        data = bytearray(items.read_bytes())
        data[len(data) // 2] ^= 0xFF
        items.write_bytes(bytes(data))
    return made


@pytest.mark.parametrize("fault", [
    {"leave_out": "manifest"}, {"leave_out": "similar_items"}, {"spoil": "items"},
    {"spoil": "similar_items"},
])  # fmt: skip
def test_a_bundle_that_is_not_whole_is_not_served(site: Site, fault: dict[str, str]):
    item_id = site.bundle.items["item_id"].iloc[0]
    made = copied(site, site.bundle.version + 1, **fault)
    try:
        answers = []
        end = time.monotonic() + 5  # it looks every second
        while time.monotonic() < end:
            answer = site.api.get(f"/v1/items/{item_id}/similar?k=3")
            assert answer.status_code == 200, answer.text
            answers.append(answer.json())
            time.sleep(0.05)
        assert {each["bundle"]["version"] for each in answers} == {site.bundle.version}
        assert not any(each["degraded"] for each in answers)
        assert site.api.get("/readyz").status_code == 200
        assert "serving goes on as it was" in site.log
    finally:
        for folder in made:
            shutil.rmtree(folder)
