"""The commands that run at night: refresh and verify."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrine.engine_option import AddressOption, EngineOption, with_engine
from vitrine.options import JsonOption, OwnConfigOption, SetOption

if TYPE_CHECKING:
    from recsys.config import Config
    from recsys.workdir import Workdir

WorkdirOption = Annotated[
    Path, typer.Option("--workdir", "-w", help="A workdir that `vitrine run` has made.")
]


def add_refresh_commands(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command("refresh")(refresh)
    app.command("verify")(verify)


def refresh(
    workdir: WorkdirOption,
    config: OwnConfigOption = None,
    overrides: SetOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done and how long; change nothing.")
    ] = False,
    max_minutes: Annotated[
        float, typer.Option(min=0, help="Stop cleanly after so long; 0 is no end.")
    ] = 0.0,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="Many items may be gone from the catalog.")
    ] = False,
    force_gate: Annotated[
        list[str] | None, typer.Option("--force-gate", help="Publish though this gate fails.")
    ] = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring everything up to date with catalog and photos, without training; publish a bundle."""
    from vitrine.refresh import Asked
    from vitrine.refresh import refresh as refreshing

    place, settings = _settings(workdir, config, with_engine(overrides, engine, address))
    if plan:
        from vitrine.refresh_plan import plan as planning

        found = planning(settings, place)
        print(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(found.lines()))
        return
    asked = Asked(allow_shrink, tuple(force_gate or ()), max_minutes)
    outcome = refreshing(settings, workdir, asked)
    print(json.dumps(outcome.as_dict(), indent=2, default=str) if as_json
          else "\n".join(outcome.lines()))  # fmt: skip
    if outcome.error:
        print(f"vitrine: {outcome.error}", file=sys.stderr)
    raise typer.Exit(outcome.exit_code)


def verify(workdir: WorkdirOption, as_json: JsonOption = False) -> None:
    """Audit a workdir: every artifact, version, bundle and stored photo vector, by its hashes."""
    from vitrine import verify as auditing

    report = auditing.verify(workdir)
    print(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report.lines()))
    raise typer.Exit(0 if report.whole else 1)


def _settings(
    workdir: Path, config: Path | None, overrides: list[str] | None
) -> tuple[Workdir, Config]:
    """A workdir with its settings: those given, else those that it was made by."""
    from recsys.config import load_config
    from recsys.workdir import Workdir

    if config is None and (workdir / "config.yaml").is_file():
        config = workdir / "config.yaml"
    return Workdir(workdir), load_config(config, overrides)
