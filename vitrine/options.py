"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="A YAML file; states only what differs.")
]
OwnConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="A YAML file; the workdir's own by default.")
]
WorkdirOption = Annotated[
    Path, typer.Option("--workdir", "-w", help="The folder that holds everything made.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Override a setting: section.name=value.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
