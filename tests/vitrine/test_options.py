"""Options that commands share mean the same everywhere."""

from __future__ import annotations

import typer

from vitrine.cli import app


def test_an_option_is_explained_in_one_way():
    group = typer.main.get_command(app)
    told: dict[str, set[str]] = {"--set": set(), "--json": set()}
    for command in group.commands.values():
        for option in getattr(command, "params", []):
            for name in told.keys() & set(option.opts):
                told[name].add(option.help)
    assert told["--json"] == {"Print JSON on standard output."}
    told["--set"].remove("A variant; several settings in it by spaces.")  # of `ablate`
    assert told["--set"] == {"Override a setting: section.name=value."}
