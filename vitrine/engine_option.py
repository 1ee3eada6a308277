"""The options that say where photos are embedded and models trained: here, or on Ray."""

from __future__ import annotations

from typing import Annotated

import typer

ENGINES = ("local", "ray")

EngineOption = Annotated[
    str | None, typer.Option("--engine", help="local, or ray: a cluster (the extra `ray`).")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="Of a running Ray cluster, HOST:PORT; else one starts here."),
]


def with_engine(
    overrides: list[str] | None, engine: str | None, address: str | None
) -> list[str] | None:
    """The overrides of a command with those that its engine stands for.

    Args:
        overrides: `section.name=value`, of `--set`.
        engine: `local` or `ray`; as the config says when None.
        address: of a running cluster, which means `ray`.
    """
    if engine is None and address is None:
        return overrides
    engine = engine or "ray"
    if engine not in ENGINES:
        raise typer.BadParameter("--engine is local or ray.")
    if engine == "local" and address:
        raise typer.BadParameter("--address is that of a Ray cluster: --engine ray.")
    on_ray = engine == "ray"
    chosen = [f"embed.engine={engine}", f"ray.train={str(on_ray).lower()}"]
    if address:
        chosen.append(f'ray.address="{address}"')
    return [*chosen, *(overrides or [])]
