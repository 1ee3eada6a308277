"""`vitrine off-policy` over a store with logged answers."""

import json
import time

from recsys.workdir import Workdir
from serving.store import Event, Store, store_url
from serving.store_answers import GivenAnswer, ShownItem
from vitrine.__main__ import main


def fill(workdir):
    store = Store(store_url("", workdir.store))
    now = time.time()
    store.add_answers([
        GivenAnswer(f"r{n}", now - 60, "recommend", "f", 1,
                    (ShownItem("new", True, 0.5, 2) if n % 5 == 0 else ShownItem("a", False, 0, 2),
                     ShownItem("b")), 0.2)
        for n in range(100)
    ])  # fmt: skip
    store.add_events([Event("u", "a", "view", now, request_id=f"r{n}") for n in (1, 2, 3, 4)])
    store.close()


def test_the_command_estimates_policies(tmp_path, capsys):
    workdir = Workdir(tmp_path)
    fill(workdir)
    assert main(["off-policy", "-w", str(tmp_path), "--share", "0.4", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["places"], report["explored"]) == (200, 20)
    values = {each["policy"]: each["ips"]["value"] for each in report["policies"]}
    # 4 clicks on the ranking's own: each weighs 1 / 0.8 without exploration, 0.6 / 0.8 with 40%
    assert values["as logged"] == 4 / 200
    assert values["no exploration"] == 4 / 0.8 / 200
    assert abs(values["40% explored, all alike"] - 4 * 0.75 / 200) < 1e-12


def test_it_prints_a_table_with_its_definition(tmp_path, capsys):
    fill(Workdir(tmp_path))
    assert main(["off-policy", "-w", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "no exploration" in text
    assert "The value of a policy is" in text


def test_an_empty_log_says_what_to_do(tmp_path, capsys):
    assert main(["off-policy", "-w", str(tmp_path)]) == 1
    assert "serving.answer_days" in capsys.readouterr().err


def test_an_unknown_reward_is_wrong_usage(tmp_path):
    assert main(["off-policy", "-w", str(tmp_path), "--reward", "love"]) == 2
