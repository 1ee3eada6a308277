"""`vitrine serve` as a program, over a real bundle: one process tree for the whole module."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pandas as pd
import pytest

from recsys.artifact import open_artifact
from recsys.config import Config, SecurityConfig
from recsys.errors import ArtifactError, ServingError
from recsys.workdir import Workdir
from serving.bundle import Bundle, list_versions, open_bundle
from serving.serve import check_keys, chosen_bundle, is_exposed, listening, serve
from vitrine.keys import add_key, revoke_key

SECONDS = 120
SETTINGS = ("--set", "serving.max_k=200")


@dataclass
class Program:
    """A running `vitrine serve`."""

    process: subprocess.Popen[str]
    api: httpx.Client
    bundle: Bundle
    log: Path

    @property
    def model_server(self) -> int:
        """The process number of its model server."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return int(" ".join(path.read_text() for path in children).split()[0])


@pytest.fixture(scope="module")
def program(demo_workdir: Workdir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    root = tmp_path_factory.mktemp("serve")
    shutil.copytree(demo_workdir.root, root / "w")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "vitrine", "serve", "--workdir", str(root / "w"),
               "--port", str(port), *SETTINGS]  # fmt: skip
    with (
        (root / "log").open("w") as log,
        subprocess.Popen(command, stderr=log, text=True) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as api,
    ):
        try:
            wait_until_ready(api, process)
            yield Program(process, api, open_bundle(Workdir(root / "w")), root / "log")
        finally:
            process.kill()


def wait_until_ready(api: httpx.Client, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if api.get("/readyz").status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError("it did not become ready")


def test_it_serves_the_newest_bundle(program: Program):
    body = program.api.get("/readyz").json()
    assert body["bundle"] == {
        "version": program.bundle.version, "fingerprint": program.bundle.fingerprint,
    }  # fmt: skip
    assert body["checks"] == {"model server": "ok", "database": "ok"}


def test_every_item_with_a_photo_has_similar_items(program: Program):
    items = program.bundle.items
    item_id = items.loc[items["has_photo"], "item_id"].iloc[0]
    answer = program.api.get(f"/v1/items/{item_id}/similar?k=10").json()["items"]
    scores = [item["score"] for item in answer]
    assert len(answer) == 10
    assert scores == sorted(scores, reverse=True)
    assert item_id not in [item["item_id"] for item in answer]


def test_a_catalog_photo_finds_its_own_item(program: Program):
    items = program.bundle.items
    row = items[items["has_photo"] & items["available"]].iloc[0]
    with Path(row["image"].partition("|")[0]).open("rb") as file:
        answer = program.api.post("/v1/search/image?k=1", files={"photo": file}).json()
    assert answer["items"][0]["item_id"] == row["item_id"]
    assert answer["items"][0]["score"] == pytest.approx(1.0, abs=1e-4)
    assert sum(likely["probability"] for likely in answer["categories"]) <= 1.001


def test_all_of_the_catalog_can_be_had_and_nothing_withdrawn(program: Program):
    items = program.bundle.items
    user_id = program.api.get("/v1/users?limit=1&min_events=3").json()["users"][0]["user_id"]
    history = program.api.get(f"/v1/users/{user_id}/history?limit=500").json()["events"]
    answer = program.api.get(f"/v1/users/{user_id}/recommendations?k=200").json()["items"]
    expected = set(items.loc[items["available"], "item_id"]) - {h["item_id"] for h in history}
    assert {item["item_id"] for item in answer} == expected


def test_a_category_page_is_filled(program: Program):
    items = program.bundle.items[program.bundle.items["available"]]
    category, count = next(iter(items["category"].value_counts().items()))
    answer = program.api.post("/v1/recommendations", json={"category": category, "k": 100})
    found = answer.json()["items"]
    assert len(found) == count
    assert {item["category"] for item in found} == {category}


def test_the_next_recommendation_sees_an_event(program: Program):
    item_id = program.bundle.items["item_id"].iloc[3]
    event = {"user_id": "someone new", "item_id": item_id, "event": "view"}
    assert program.api.get("/v1/users/someone new/recommendations").status_code == 404
    assert program.api.post("/v1/events", json={"events": [event]}).json()["stored"] == 1
    answer = program.api.get("/v1/users/someone new/recommendations?k=20").json()["items"]
    assert len(answer) == 20
    assert any(item["because_of"] == item_id for item in answer)


def test_an_item_put_with_a_photo_is_found_at_once_and_withdrawn_at_once(program: Program):
    items = program.bundle.items
    row = items[items["has_photo"] & items["available"]].iloc[0]
    with Path(row["image"].partition("|")[0]).open("rb") as file:
        put = program.api.put(
            "/v1/items/brand new", files={"photos": file},
            data={"item": json.dumps({"title": "just in", "category": row["category"]})},
        )  # fmt: skip
    assert put.status_code == 201, put.text
    answer = program.api.get(f"/v1/items/{row['item_id']}/similar?k=1").json()["items"]
    assert answer[0]["item_id"] == "brand new"
    assert answer[0]["score"] == pytest.approx(1.0, abs=1e-4)
    history = {"history": [{"item_id": row["item_id"]}], "k": 200}
    found = program.api.post("/v1/recommendations", json=history).json()["items"]
    assert "brand new" in [item["item_id"] for item in found]
    assert program.api.delete("/v1/items/brand new").status_code == 200
    answer = program.api.get(f"/v1/items/{row['item_id']}/similar?k=200").json()["items"]
    assert "brand new" not in [item["item_id"] for item in answer]


def test_the_next_bundle_is_served_without_a_gap(program: Program):
    workdir, item_id = program.bundle.workdir, program.bundle.items["item_id"].iloc[0]
    for name in program.bundle.servables:
        shutil.copytree(workdir.models / name / "1", workdir.models / name / "2")
    manifest = json.loads((workdir.bundles / "1" / "manifest.json").read_text())
    shutil.copytree(workdir.bundles / "1", workdir.bundles / ".2.tmp")
    manifest["info"]["version"] = 2
    (workdir.bundles / ".2.tmp" / "manifest.json").write_text(json.dumps(manifest))
    (workdir.bundles / ".2.tmp").rename(workdir.bundles / "2")
    versions, end = [], time.monotonic() + SECONDS
    while 2 not in versions and time.monotonic() < end:
        answer = program.api.get(f"/v1/items/{item_id}/similar?k=5")
        assert answer.status_code == 200, answer.text
        versions.append(answer.json()["bundle"]["version"])
    assert (versions[0], versions[-1]) == (1, 2)
    back = program.api.post("/v1/operations/bundles/1:serve", timeout=SECONDS)
    assert back.status_code == 200, back.text
    assert [(each["version"], each["share"]) for each in back.json()["bundles"]] == [(1, 1), (2, 0)]
    assert program.api.get("/readyz").json()["bundle"]["version"] == 1


def test_a_model_server_that_is_killed_is_started_again(program: Program):
    killed = program.model_server
    os.kill(killed, signal.SIGKILL)
    item_id = program.bundle.items["item_id"].iloc[0]
    answers = [program.api.get(f"/v1/items/{item_id}/similar") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert any(answer.json()["degraded"] for answer in answers)
    assert program.api.get("/healthz").status_code == 200
    wait_until_ready(program.api, program.process)
    assert program.model_server != killed
    assert program.api.get(f"/v1/items/{item_id}/similar").json()["degraded"] is False
    assert "starting it again" in program.log.read_text()


def test_sigterm_stops_both_and_ends_well(program: Program):
    child = program.model_server
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(30) == 0
    assert not Path(f"/proc/{child}").exists()
    assert "Traceback" not in program.log.read_text()


def test_a_taken_port_is_our_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match="cannot listen"), listening("127.0.0.1", port):
            pass


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_our_error(host: str):
    with pytest.raises(ServingError, match="cannot listen"), listening(host, 0):
        pass


@pytest.mark.parametrize(("host", "exposed"), [
    ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False), ("localhost", False),
    ("0.0.0.0", True), ("::", True), ("192.168.0.7", True), ("shop.example", True),
])  # fmt: skip
def test_which_addresses_others_reach(host: str, exposed: bool):
    assert is_exposed(host) == exposed


def test_where_others_reach_it_a_key_must_be_made_first(tmp_path: Path):
    workdir, config = Workdir(tmp_path), Config()
    with pytest.raises(ServingError, match="vitrine keys add"):
        check_keys(config, workdir, "0.0.0.0")
    made = add_key(config, workdir, "shop", "read")
    check_keys(config, workdir, "0.0.0.0")
    never = config.model_copy(update={"security": SecurityConfig(ask_for_keys="never")})
    with pytest.raises(ServingError, match="ask_for_keys"):
        check_keys(never, workdir, "0.0.0.0")
    revoke_key(config, workdir, made["key_id"])
    with pytest.raises(ServingError, match="vitrine keys add"):
        check_keys(config, workdir, "0.0.0.0")


def test_without_a_bundle_it_says_which_command_makes_one(tmp_path: Path):
    with pytest.raises(ArtifactError) as error:
        serve(Config(), Workdir(tmp_path))
    assert "vitrine export" in error.value.mend
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_newest_bundle_that_is_not_whole_is_passed_over(
    workdir: Workdir, capfd: pytest.CaptureFixture[str]
):
    newest = list_versions(workdir)[-1]
    shutil.copytree(workdir.bundles / str(newest), workdir.bundles / str(newest + 1))
    (workdir.bundles / str(newest + 1) / "manifest.json").unlink()
    assert chosen_bundle(workdir).version == newest
    assert f"bundle {newest + 1} cannot be opened" in capfd.readouterr().err
    shutil.rmtree(workdir.bundles / str(newest))
    with pytest.raises(ArtifactError):
        chosen_bundle(workdir)


def test_the_store_holds_the_tables_events(demo_workdir: Workdir, program: Program):
    tables = open_artifact(demo_workdir.tables, "tables", mend="")
    events = pd.read_parquet(tables.path / "interactions.parquet")
    assert "copied" in program.log.read_text()
    assert f"copied {len(events)} events" in program.log.read_text()
