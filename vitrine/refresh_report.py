"""What is kept of each refresh: one folder with its report, the oldest ones cleared."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.config import Config
from recsys.workdir import Workdir
from vitrine.refresh_outcome import Outcome
from vitrine.refresh_record import REFRESHES

if TYPE_CHECKING:
    from vitrine.health.gate import GateResult


@dataclass(frozen=True)
class Reported:
    """One refresh that was judged.

    Attributes:
        tag: of its drafts.
        outcome: how it ended.
        figures: what was measured.
        gates: how each figure was judged.
    """

    tag: str
    outcome: Outcome
    figures: dict[str, Any]
    gates: Sequence[GateResult]


def report(config: Config, draft: Workdir, reported: Reported) -> Path:
    """Writes report.json and report.html to `refreshes/<time>-<tag>/`; returns the folder."""
    from vitrine.health.report import write_report

    root = draft.root / REFRESHES
    when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    folder = root / f"{when}-{reported.tag}"
    write_report(folder, reported.outcome.as_dict(), reported.figures, reported.gates)
    for old in sorted(path for path in root.glob("2*") if path.is_dir())[
        : -config.refresh.keep_reports
    ]:
        shutil.rmtree(old, ignore_errors=True)
    return folder
