"""How a refresh ended, for a scheduler and for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DONE = "done"  # a new bundle is published
UNCHANGED = "unchanged"  # nothing to do, and nothing was published
FAILED = "failed"  # an error that the next line explains
GATE_FAILED = "gate_failed"  # the old bundle stays: a figure is past its limit
REFUSED = "refused"  # the tables cannot be used as they are, or have shrunk
OUT_OF_TIME = "out_of_time"  # --max-minutes are over; the next one goes on
LOCKED = "locked"  # another process works in the workdir

# 2 is wrong usage, as everywhere
EXIT_CODES = {DONE: 0, UNCHANGED: 0, FAILED: 1, GATE_FAILED: 3, REFUSED: 4, OUT_OF_TIME: 5,
              LOCKED: 6}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended.

    Attributes:
        status: one of the words above.
        error: one line, where something stood in the way.
        version: of the newest bundle; None without one.
        changes: as `vitrine.catalog_changes.Changes` counts them.
        stages: name → state, seconds and summary.
        gates: what was judged, as dictionaries.
        report: the report's folder; None where none was written.
    """

    status: str
    error: str = ""
    version: int | None = None
    fingerprint: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    report: Path | None = None
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return EXIT_CODES[self.status]

    def as_dict(self) -> dict[str, Any]:
        """As JSON can write it."""
        return {
            "status": self.status, "exit_code": self.exit_code, "error": self.error,
            "version": self.version, "fingerprint": self.fingerprint, "changes": self.changes,
            "stages": self.stages, "gates": self.gates,
            "report": str(self.report) if self.report else None,
            "seconds": round(self.seconds, 1),
        }  # fmt: skip

    def lines(self) -> list[str]:
        """What a person wants to know."""
        said = {
            DONE: f"bundle {self.version} is published", UNCHANGED: "nothing changed",
            GATE_FAILED: f"not published, bundle {self.version} stays",
            OUT_OF_TIME: f"stopped in time, bundle {self.version} stays",
        }.get(self.status, "not refreshed")  # fmt: skip
        lines = [f"{said} ({self.seconds:.0f} s)"]
        for name, stage in self.stages.items():
            lines.append(f"  {name:<12} {stage['state']:<8} {stage['seconds']:>7.1f} s")
        lines += [f"  failed gate {gate['line']}" for gate in self.gates if not gate["passed"]]
        if self.report:
            lines.append(f"report: {self.report / 'report.html'}")
        return lines
