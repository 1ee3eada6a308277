"""compare, ablate and tune from the command line: what is parsed, and what goes wrong."""

from __future__ import annotations

import json

import pytest

from recsys.artifact import write_text
from vitrine.__main__ import main


def test_compare_without_an_evaluation_says_what_to_run(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 1
    assert "Run `vitrine evaluate` there first." in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ["ablate", "-w", "x"], ["ablate", "-w", "x", "--set", "train.epochs=1", "--seeds", "a"],
    ["tune", "-w", "x", "--trials", "0"], ["compare", "x"],
])  # fmt: skip
def test_wrong_usage_is_two(arguments):
    assert main(arguments) == 2


def test_ablate_hands_on_variants_seeds_and_splits(tmp_path, monkeypatch, capsys):
    asked = {}

    def fake(make, workdir, variants, seeds, *, protocols):
        asked.update(base=make([]).train.epochs, variants=variants, seeds=seeds, splits=protocols)
        write_text(workdir.root / "ablations" / "report.txt", "one table\n")
        return {"k": 10}

    monkeypatch.setattr("vitrine.ablation.ablate", fake)
    command = [
        "ablate",
        "-w",
        str(tmp_path),
        "--base",
        "train.epochs=3",
        "--seeds",
        "0,2",
        "--set",
        "model.use_image=false",
        "--set",
        "model.use_id=false",
        "--temporal",
    ]
    assert main(command) == 0  # fmt: skip
    assert capsys.readouterr().out == "one table\n"
    assert asked == {
        "base": 3, "variants": ["model.use_image=false", "model.use_id=false"], "seeds": [0, 2],
        "splits": ("leave_last_out", "temporal"),
    }  # fmt: skip
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"k": 10}


def test_tune_hands_on_how_long_it_may_take(tmp_path, monkeypatch, capsys):
    asked = {}

    def fake(make, workdir, space, *, trials, hours):
        asked.update(space=space.name, trials=trials, hours=hours)
        write_text(workdir.root / "tuning" / "report.txt", "the best\n")
        return {}

    monkeypatch.setattr("vitrine.tuning.tune", fake)
    command = ["tune", "-w", str(tmp_path), "--trials", "4", "--hours", "0.5"]
    assert main(command) == 0
    assert asked == {"space": "recommender.yaml", "trials": 4, "hours": 0.5}
    assert capsys.readouterr().out == "the best\n"
