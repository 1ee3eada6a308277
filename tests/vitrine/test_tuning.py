"""A search: kept, gone on with, refused when begun otherwise; the training is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from recsys.artifact import write_artifact
from recsys.config import load_config
from recsys.errors import ConfigError, TrainingError
from recsys.workdir import Workdir
from vitrine import tuning
from vitrine.variants import config_maker

SPACE = "model.dropout: {low: 0.0, high: 0.5}\nmodel.num_blocks: {low: 1, high: 3}\n"


class Training:
    """Stands in for `train`: best at a dropout of 0.4 and three blocks."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []
        self.fails_at: int | None = None
        self.error: BaseException = TrainingError("the loss is nan.")

    def __call__(self, config, workdir) -> dict:
        assert (workdir.tables / "manifest.json").is_file()
        if len(self.seen) == self.fails_at:
            self.fails_at = None
            raise self.error
        self.seen.append((config.model.dropout, config.model.num_blocks))
        value = 0.1 - (config.model.dropout - 0.4) ** 2 + 0.01 * config.model.num_blocks
        return {"validation_ndcg_at_10": value, "best_epoch": 3, "seconds": 1.0}


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Training:
    fake = Training()
    monkeypatch.setattr(tuning, "train", fake)
    return fake


@pytest.fixture
def place(tmp_path: Path):
    workdir = Workdir(tmp_path / "work")
    with write_artifact(workdir.tables, "tables"):
        pass
    space = tmp_path / "space.yaml"
    space.write_text(SPACE)
    return workdir, space, config_maker(None, workdir, [])


def _search(place, trials: int, make=None, space: Path | None = None) -> dict:
    workdir, default, maker = place
    return tuning.tune(make or maker, workdir, space or default, trials=trials)


def test_the_first_trial_is_the_config_as_it_is(place, training):
    report = _search(place, 1)
    assert training.seen == [(0.2, 2)]
    assert report["best"]["settings"] == {"model.dropout": 0.2, "model.num_blocks": 2}
    assert report["best"]["value"] == pytest.approx(0.1 - 0.2**2 + 0.02)


def test_a_search_goes_on_where_it_stopped(place, training):
    _search(place, 3)
    report = _search(place, 5)
    assert len(training.seen) == 5 and len(report["trials"]) == 5
    assert len(set(training.seen)) == 5  # nothing is drawn again


def test_a_killed_trial_is_tried_again(place, training):
    training.fails_at, training.error = 1, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        _search(place, 3)
    assert len(_search(place, 3)["trials"]) == 3
    study = optuna.load_study(
        study_name="recommender", storage=f"sqlite:///{place[0].root}/tuning/study.sqlite"
    )
    killed = [t for t in study.trials if t.state == optuna.trial.TrialState.FAIL]
    assert len(killed) == 1
    assert killed[0].params in [t.params for t in study.trials if t is not killed[0]]


def test_another_config_or_space_is_refused_with_the_difference(place, training, tmp_path):
    _search(place, 1)
    other = config_maker(None, place[0], ["train.epochs=7"])
    with pytest.raises(ConfigError, match=r"train\.epochs 50 → 7"):
        _search(place, 2, make=other)
    space = tmp_path / "other.yaml"
    space.write_text("model.dropout: [0.1, 0.2]\n")
    with pytest.raises(ConfigError, match="space"):
        _search(place, 2, space=space)


def test_a_trial_that_cannot_be_trained_counts_as_failed(place, training):
    training.fails_at = 1
    report = _search(place, 3)
    assert report["failed"] == 1 and len(report["trials"]) == 3


def test_where_nothing_trains_it_ends(place, monkeypatch):
    def broken(config, workdir):
        raise TrainingError("the loss is nan.")

    monkeypatch.setattr(tuning, "train", broken)
    with pytest.raises(TrainingError, match="the loss is nan"):
        _search(place, 2)


def test_the_best_settings_are_a_config_and_the_report_is_written(place, training):
    report = _search(place, 12)
    folder = place[0].root / "tuning"
    best = load_config(folder / "best.yaml")
    assert best.model.dropout == report["best"]["settings"]["model.dropout"]
    assert json.loads((folder / "report.json").read_text()) == report
    assert set(report["importances"]) == {"model.dropout", "model.num_blocks"}
    assert "12 trials" in (folder / "report.txt").read_text()
    assert "<svg" in (folder / "report.html").read_text()
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []  # no model is kept
