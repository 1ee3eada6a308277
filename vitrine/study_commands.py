"""The commands that ask which recommender is better: compare, ablate, tune."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vitrine.options import JsonOption, OwnConfigOption

WorkdirOption = Annotated[
    Path, typer.Option("--workdir", "-w", help="A workdir with its tables made.")
]


def add_study_commands(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command("compare")(compare)
    app.command("ablate")(ablate)
    app.command("tune")(tune)


def compare(
    run_a: Annotated[Path, typer.Argument(help="A workdir, or its evaluation folder.")],
    run_b: Annotated[Path, typer.Argument(help="Another one; the same compares two models.")],
    model: Annotated[
        str, typer.Option(help="Which model of the first run; the one served by default.")
    ] = "",
    against: Annotated[
        str, typer.Option(help="Which model of the second run; the same by default.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Compare two evaluated runs case by case, by the paired bootstrap."""
    from recsys import comparing

    report = comparing.compare(run_a, run_b, model=model, against=against)
    print(json.dumps(report, indent=2) if as_json else comparing.render_text(report))


def ablate(
    workdir: WorkdirOption,
    variants: Annotated[
        list[str], typer.Option("--set", help="A variant; several settings in it by spaces.")
    ],
    base: Annotated[
        list[str] | None, typer.Option("--base", help="Override a setting of all variants.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Training seeds: 0,1,…")] = "0",
    temporal: Annotated[
        bool, typer.Option("--temporal", help="Judge after one moment too; trains twice.")
    ] = False,
    config: OwnConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train variants alike and show in one table what each setting is worth."""
    from recsys.workdir import Workdir
    from vitrine import ablation
    from vitrine.variants import config_maker

    place = Workdir(workdir)
    protocols = ("leave_last_out", "temporal") if temporal else ("leave_last_out",)
    report = ablation.ablate(
        config_maker(config, place, base or []), place, variants, _whole_numbers(seeds),
        protocols=protocols,
    )  # fmt: skip
    _show(report, place.root / ablation.FOLDER, as_json)


def tune(
    workdir: WorkdirOption,
    space: Annotated[
        Path, typer.Option("--space", help="A YAML file of settings and their ranges.")
    ] = Path("configs/search/recommender.yaml"),
    trials: Annotated[
        int, typer.Option(min=1, help="How many there shall be, earlier ones included.")
    ] = 30,
    hours: Annotated[float, typer.Option(min=0.0, help="Begin no trial after so long.")] = 24.0,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting: section.name=value.")
    ] = None,
    config: OwnConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search settings of the recommender on validation; a killed search goes on."""
    from recsys.workdir import Workdir
    from vitrine import tuning
    from vitrine.variants import config_maker

    place = Workdir(workdir)
    report = tuning.tune(
        config_maker(config, place, overrides or []), place, space, trials=trials, hours=hours
    )
    _show(report, place.root / tuning.FOLDER, as_json)


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"`{text}` is no list of whole numbers.") from None


def _show(report: dict[str, object], folder: Path, as_json: bool) -> None:
    text = json.dumps(report, indent=2) if as_json else (folder / "report.txt").read_text("utf-8")
    print(text.rstrip())
    print(f"\nfull report: {folder / 'report.html'}", file=sys.stderr)
