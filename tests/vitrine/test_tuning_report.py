"""The report of a search, cell by cell."""

from __future__ import annotations

from vitrine.tuning_report import parts_of, render_note


def _trial(number: int, value: float, rate: float) -> dict:
    return {"number": number, "value": value, "best_epoch": 4, "seconds": 11.6,
            "settings": {"train.learning_rate": rate}}  # fmt: skip


TRIALS = [_trial(0, 0.1, 0.001), _trial(2, 0.125, 0.00314159)]
REPORT = {"trials": TRIALS, "failed": 1, "best": TRIALS[1], "space": ["train.learning_rate"],
          "importances": {"train.learning_rate": 1.0}}  # fmt: skip


def test_trials_stand_best_first():
    trials, matters = parts_of(REPORT)
    assert trials.cells == [
        ["trial", "NDCG@10", "epochs", "seconds", "learning_rate"],
        ["2", "0.1250", "4", "12", "0.00314"], ["0", "0.1000", "4", "12", "0.001"],
    ]  # fmt: skip
    assert matters.cells[1] == ["train.learning_rate", "1.00"]
    assert trials.plot.startswith("<svg")


def test_the_note_says_what_it_was_judged_by():
    note = render_note(REPORT)
    assert note.startswith("2 trials, 1 failed; judged by validation NDCG@10 alone, best 0.1250")


def test_too_few_trials_have_no_importances():
    assert len(parts_of({**REPORT, "importances": {}})) == 1
