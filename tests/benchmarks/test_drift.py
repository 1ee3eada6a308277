"""The gates of a refresh tell what went wrong with vectors."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from drift import table

from recsys.workdir import Workdir
from tests.vitrine.health.two_workdirs import write_vectors


def test_each_damage_is_past_the_limits_of_its_own_gates_and_a_nights_change_of_none(tmp_path):
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(20, 32))[np.arange(600) % 20] + 0.5 * rng.normal(size=(600, 32)) + 0.3
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    write_vectors(Workdir(tmp_path), {f"i{row}": vector for row, vector in enumerate(vectors)})
    heading, *rows = table(Workdir(tmp_path))
    assert heading[0] == "600 items"
    past = {row[0]: [name for name, cell in zip(heading[1:], row[1:], strict=True)
                     if cell.endswith("!")] for row in rows}  # fmt: skip
    assert past["1% of the photos have changed places"] == []
    assert past["5% of the photos have changed places"] == []
    assert past["100% of the photos have changed places"] == ["overlap"]
    assert "centroid shift" in past["each pulled by 0.2 to one side"]
    assert "neighbors PSI" in past["noise of norm 0.3 on each"]
    assert len(past["the tower sees one thing everywhere"]) == 4
