"""A step runs when something it reads has changed, and only then."""

import sys

import pandas as pd
import pytest

from recsys.artifact import write_artifact
from recsys.config import load_config
from recsys.errors import NotFoundError, TrainingError
from recsys.workdir import Workdir
from vitrine import pipeline
from vitrine.pipeline import STEPS, Step

RAN: list[str] = []


def write_step(name, folder, text):
    RAN.append(name)
    with write_artifact(folder, name) as draft:
        (draft.path / "content.txt").write_text(text)
    return {"wrote": text}


def first(config, workdir):
    return write_step("first", workdir.tables, str(config.data.root))


def second(config, workdir):
    if config.train.seed == 666:
        raise TrainingError("it broke.")
    return write_step("second", workdir.model, str(config.train.epochs))


def publish(config, workdir):
    versions = [int(path.name) for path in workdir.bundles.glob("*")]
    return write_step("publish", workdir.bundles / str(max(versions, default=0) + 1), "bundle")


@pytest.fixture
def three_steps(monkeypatch):
    monkeypatch.setitem(sys.modules, "three_steps", sys.modules[__name__])
    steps = (
        Step("first", "three_steps:first", ("data",), (), lambda w: w.tables),
        Step("second", "three_steps:second", ("train",), ("first",), lambda w: w.model),
        Step("export", "three_steps:publish", ("export",), ("second",), lambda w: w.bundles),
    )
    monkeypatch.setattr(pipeline, "STEPS", steps)
    RAN.clear()


def test_the_second_run_does_nothing(tmp_path, three_steps):
    pipeline.run(load_config(), Workdir(tmp_path))
    assert RAN == ["first", "second", "publish"]
    RAN.clear()
    summaries = pipeline.run(load_config(), Workdir(tmp_path))
    assert RAN == []
    assert summaries["second"] == {"wrote": "50", "up_to_date": True}


def test_a_changed_setting_runs_its_step_and_those_that_read_it(tmp_path, three_steps):
    pipeline.run(load_config(), Workdir(tmp_path))
    RAN.clear()
    pipeline.run(load_config(None, ["train.epochs=9"]), Workdir(tmp_path))
    assert RAN == ["second", "publish"]


def test_a_setting_that_no_step_reads_runs_nothing(tmp_path, three_steps):
    pipeline.run(load_config(), Workdir(tmp_path))
    RAN.clear()
    pipeline.run(load_config(None, ["index.seed=9"]), Workdir(tmp_path))
    assert RAN == []


def test_a_step_that_gives_the_same_result_does_not_run_its_readers(tmp_path, three_steps):
    pipeline.run(load_config(), Workdir(tmp_path))
    RAN.clear()
    pipeline.run(load_config(None, ["data.min_user_events=2"]), Workdir(tmp_path))
    assert RAN == ["first"]


def test_a_failed_run_goes_on_where_it_stopped(tmp_path, three_steps):
    with pytest.raises(TrainingError):
        pipeline.run(load_config(None, ["train.seed=666"]), Workdir(tmp_path))
    RAN.clear()
    pipeline.run(load_config(), Workdir(tmp_path))
    assert RAN == ["second", "publish"]


def test_a_removed_or_replaced_artifact_is_made_again(tmp_path, three_steps):
    workdir = Workdir(tmp_path)
    pipeline.run(load_config(), workdir)
    (workdir.model / "manifest.json").unlink()
    RAN.clear()
    pipeline.run(load_config(), workdir)
    assert RAN == ["second"]


def test_a_damaged_record_is_no_record(tmp_path, three_steps):
    workdir = Workdir(tmp_path)
    pipeline.run(load_config(), workdir)
    (workdir.steps / "second.json").write_text("{")
    RAN.clear()
    pipeline.run(load_config(), workdir)
    assert RAN == ["second"]


def test_one_step_runs_even_if_it_is_up_to_date(tmp_path, three_steps):
    pipeline.run(load_config(), Workdir(tmp_path))
    RAN.clear()
    pipeline.run_step("second", load_config(), Workdir(tmp_path))
    assert RAN == ["second"]


def test_an_unknown_step_is_refused_with_the_names(tmp_path):
    with pytest.raises(NotFoundError, match="prepare, train-tower"):
        pipeline.run_step("trian", load_config(), Workdir(tmp_path))


def test_the_resolved_config_lies_in_the_workdir(tmp_path, three_steps):
    config = load_config(None, ["train.epochs=9"])
    pipeline.run(config, Workdir(tmp_path))
    assert load_config(tmp_path / "config.yaml") == config


def test_a_catalog_without_events_or_photos_skips_their_steps(tmp_path, monkeypatch):
    monkeypatch.setattr("recsys.catalog.load_catalog", lambda w: pd.DataFrame({"image": ["", ""]}))
    monkeypatch.setattr("recsys.interactions.load_interactions", lambda w: pd.DataFrame())
    workdir = Workdir(tmp_path)
    skipped = {
        step.name: pipeline._run_step(step, load_config(), workdir) for step in STEPS if step.needs
    }
    assert skipped == {
        "train-tower": {"skipped": "no photos"},
        "embed": {"skipped": "no photos"},
        "train-words": {"skipped": "no titles"},
        "train": {"skipped": "no events"},
        "transitions": {"skipped": "no events"},
        "rank": {"skipped": "no events"},
    }


def test_steps_read_only_what_earlier_steps_write():
    names = [step.name for step in STEPS]
    for place, step in enumerate(STEPS):
        assert set(step.inputs) <= set(names[:place])


def test_sections_of_steps_are_sections_of_the_config():
    sections = set(load_config().model_dump())
    assert {section for step in STEPS for section in step.sections} <= sections
