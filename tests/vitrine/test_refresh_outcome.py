"""Every ending has a code of its own kind, in the code, the documents and the examples."""

import json
import re
from pathlib import Path

import pytest
import yaml

from vitrine.refresh_outcome import DONE, EXIT_CODES, GATE_FAILED, Outcome

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "refresh"
GUIDE = (ROOT / "docs" / "refresh.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("status", "code"), EXIT_CODES.items())
def test_the_guide_names_every_ending_with_its_code(status, code):
    assert f"| {code} | `{status}` |" in GUIDE


def test_only_what_went_well_is_zero_and_two_is_left_to_usage():
    assert {status for status, code in EXIT_CODES.items() if code == 0} == {"done", "unchanged"}
    others = [code for code in EXIT_CODES.values() if code]
    assert len(set(others)) == len(others) and 2 not in others


def test_an_outcome_is_json_and_lines():
    gate = {"name": "neighbors", "passed": False, "line": "neighbors: 0.5, 0.2 under"}
    stages = {"tables": {"state": "made", "seconds": 1.0}}
    outcome = Outcome(GATE_FAILED, version=3, gates=[gate], stages=stages, report=Path("r"))
    assert json.loads(json.dumps(outcome.as_dict()))["exit_code"] == 3
    text = "\n".join(outcome.lines())
    assert "bundle 3 stays" in text and "0.2 under" in text and "r/report.html" in text
    assert "bundle 4 is published" in Outcome(DONE, version=4).lines()[0]


def test_the_examples_try_again_only_where_trying_again_can_help():
    later, never = ["5|6", "[5, 6]", "LATER = {5:"], {2, 3, 4}
    texts = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.iterdir())]
    assert all(any(word in text for word in later) for text in texts) and len(texts) == 3
    job = yaml.safe_load((EXAMPLES / "kubernetes-cronjob.yaml").read_text(encoding="utf-8"))
    spec = job["spec"]["jobTemplate"]["spec"]
    fail = next(rule for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "FailJob")
    assert set(fail["onExitCodes"]["values"]) == never
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_the_examples_give_options_that_there_are():
    from tests.vitrine.test_cli import COMMANDS

    known = {option for each in COMMANDS.commands["refresh"].params for option in each.opts}
    for path in EXAMPLES.iterdir():
        words = re.findall(r"--[a-z-]+", path.read_text(encoding="utf-8"))
        used = set(words)
        assert used and used <= known, path.name


def test_the_crontab_is_one(tmp_path):
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if line and not line.startswith("#") and "=" not in line[:9]]
    assert len(jobs) == 2 and all(len(job.split()) > 6 and "%" not in job for job in jobs)


def test_the_dag_is_python():
    compile((EXAMPLES / "airflow_dag.py").read_text(encoding="utf-8"), "airflow_dag.py", "exec")
