"""``zeekml train``: a bundle from a recipe and labelled logs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("train")(train)


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to train, on which logs.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The folder that the recipe's paths start from.",
            show_default="the recipe's",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder in which the bundle's folder is made.")
    ] = Path("models"),
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes", min=1, help="Folds that are measured at a time.", show_default="one a core"
        ),
    ] = None,
    folds: Annotated[
        Path | None,
        typer.Option(
            "--folds",
            metavar="DIR",
            help="Keep finished folds here, and take those that are here and still fit.",
            show_default="none kept",
        ),
    ] = None,
) -> None:
    """Train a model on labelled logs and write it as a bundle.

    It is measured on folds it did not see, beside boosted trees on the same features, and trained on all logs
    in the end. The figures do not depend on --processes. It needs the extra `evaluate`.
    """
    from zeekml.pipeline.interrupts import stopping_by_signal

    with stopping_by_signal():
        from zeekml.pipeline.training_progress import epochs_on
        from zeekml.training import train as run

        with epochs_on(sys.stderr) as watcher:
            folder = run(recipe, data or recipe.parent, out, watcher, processes or _at_a_time(recipe), folds)
    _show_comparison(folder)
    typer.echo(f"bundle: {folder}")


def _at_a_time(recipe: Path) -> int:
    """As many folds as there are cores for, by the threads of each."""
    from zeekml.training import load_recipe

    return max(1, len(os.sched_getaffinity(0)) // load_recipe(recipe).threads)


def _show_comparison(folder: Path) -> None:
    """The model's figures on the folds it did not see, beside its network's and the trees'; which is best."""
    from rich.console import Console
    from rich.table import Table

    from zeekml.training.report import comparison

    table = Table("held out", "model", "network", "trees", "best", box=None, pad_edge=False)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for row in comparison(metrics):
        table.add_row(*row.texts())
    Console(file=sys.stdout, markup=False, highlight=False).print(table)
