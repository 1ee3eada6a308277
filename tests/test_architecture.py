"""Imports point down, and TensorFlow is imported only where tensors are made."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("recsys", "embeddings", "serving", "vitrine")  # from the ground up

# What must answer fast, or run where TensorFlow costs too much, never imports it.
WITHOUT_TENSORFLOW = (
    "recsys.errors", "recsys.config", "recsys.columns", "recsys.workdir", "recsys.artifact",
    "recsys.progress", "recsys.catalog", "recsys.interactions", "recsys.prepare",
    "recsys.metrics", "recsys.splits", "recsys.baselines", "recsys.transitions",
    "recsys.embedding_table", "recsys.refresh_transitions",
    "recsys.beyond_accuracy", "recsys.bootstrap", "recsys.comparing", "recsys.judging",
    "recsys.report_segments", "recsys.segments", "recsys.time_travel", "vitrine.study_commands",
    "vitrine.study_page", "vitrine.search_space", "vitrine.variants",
    "recsys.report", "recsys.training_draft", "recsys.item_placing",
    "recsys.analysis.analysis", "recsys.analysis.page", "vitrine.analyze",
    "recsys.off_policy", "serving.attribution", "serving.exploration", "vitrine.off_policy",
    "embeddings.album", "embeddings.engine", "embeddings.local_engine", "embeddings.photo_states",
    "embeddings.photo_store", "embeddings.photo_update", "embeddings.photo_worker",
    "embeddings.photo_workers",
    "embeddings.images", "serving.api_client", "serving.bundle", "serving.store", "serving.rules",
    "embeddings.photo_source", "serving.breaker", "serving.user_ids", "vitrine.keys",
    "serving.overlay", "serving.releases", "serving.traffic", "serving.live_changes",
    "serving.facets", "serving.conditions", "serving.filters", "serving.arrangement",
    "serving.merchandising",
    "serving.ranking", "serving.recommender",
    "serving.shards", "serving.merge", "serving.sharded_servable",
    "vitrine.health.measure", "vitrine.health.gate", "vitrine.health.report", "serving.refreshes",
    "vitrine.refresh", "vitrine.refresh_plan", "vitrine.verify", "recsys.deadline",
    "vitrine.cli", "vitrine.pipeline", "vitrine.shop", "vitrine.check", "vitrine.demo",
    "recsys.ray_cluster", "embeddings.ray_engine", "vitrine.ray_training", "vitrine.engine_option",
    "vitrine.doctor", "vitrine.importers.movielens", "vitrine.importers.folders",
    "vitrine.importers.fashion_products",
)  # fmt: skip


def imported_floors(path: Path) -> set[str]:
    """The floors that a file imports from, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names} & set(FLOORS)


def sources() -> list[Path]:
    return [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]


def test_there_are_sources_on_every_floor():
    assert {path.relative_to(ROOT).parts[0] for path in sources()} == set(FLOORS)


@pytest.mark.parametrize("floor", FLOORS)
def test_no_import_points_up(floor):
    above = set(FLOORS[FLOORS.index(floor) + 1 :])
    wrong = {
        str(path.relative_to(ROOT)): sorted(imported_floors(path) & above)
        for path in sorted((ROOT / floor).rglob("*.py"))
        if imported_floors(path) & above
    }
    assert wrong == {}


def test_an_import_that_points_up_would_be_found(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("def f():\n    from serving.bundle import open_bundle\n")
    assert imported_floors(path) == {"serving"}


def test_the_recommender_never_needs_keras_cv():
    for path in sources():
        text = path.read_text(encoding="utf-8")
        if "import keras_cv" in text or "from keras_cv" in text:
            assert path.relative_to(ROOT).as_posix() == "embeddings/image_tower.py"


def test_what_must_be_fast_does_not_import_tensorflow():
    program = (
        "import importlib, sys\n"
        f"for name in {WITHOUT_TENSORFLOW!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'tensorflow' not in sys.modules, name\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
