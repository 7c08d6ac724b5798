"""``zeekml train``: a bundle from a recipe and labelled logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("train")(train)


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to train, on which logs.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder in which the bundle's folder is made.")
    ] = Path("models"),
) -> None:
    """Train a model on labelled logs and write it as a bundle."""
    from zeekml.pipeline.interrupts import stopping_by_signal

    with stopping_by_signal():
        from zeekml.training import train as run

        bundle = run(recipe, out)
    typer.echo(f"bundle: {bundle}")
