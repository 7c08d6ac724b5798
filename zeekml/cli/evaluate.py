"""``zeekml evaluate``: what a model's verdicts on labelled logs are worth, or which of two is better."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Threads


class Resample(StrEnum):
    """What the bootstrap draws."""

    CAPTURES = "captures"
    HOSTS = "hosts"


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("evaluate")(evaluate)


def evaluate(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL [MODEL]] LOG...",
            help="One model or two, by name or folder with a slash; then labelled logs. Default: the settings' model.",
        ),
    ],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels", metavar="FILE", help="Rules that correct or give labels; repeat it for several."
        ),
    ] = None,
    hosts: Annotated[
        Path | None,
        typer.Option("--hosts", metavar="FILE", help="A table of hosts known infected or clean."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE",
            help="The recipe with the class map.",
            show_default="the default model's",
        ),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Lay every infected host into a clean network, as training measures."),
    ] = False,
    fpr: Annotated[
        list[float] | None,
        typer.Option(
            "--fpr",
            metavar="X",
            min=0,
            max=1,
            help="State recall at this false-positive rate; repeat it for several.",
            show_default="0.01 and 0.001",
        ),
    ] = None,
    resample: Annotated[
        Resample | None,
        typer.Option(
            "--resample",
            help="With two models: what the bootstrap draws.",
            show_default="captures from ten on, else hosts",
        ),
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", min=100, help="With two models: draws of the bootstrap.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of overlays and draws.")] = 0,
    threads: Threads = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A configuration file (YAML).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write evaluation.json and the report evaluation.html here."
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress and no tables; problems and warnings are still told.")
    ] = False,
) -> None:
    """Evaluate a model on labelled logs, or compare two models on the same logs.

    Verdicts are those of `zeekml score` with the same settings. It needs the extra `evaluate`.
    """
    from zeekml.config import load_settings
    from zeekml.pipeline.interrupts import stopping_by_signal

    models, paths = _told_apart(arguments)
    settings = load_settings(config).with_options("score", threads=threads)
    if not paths:
        raise typer.BadParameter("name labelled logs after the models")
    with stopping_by_signal():
        from zeekml.evaluation.evaluate import Asked
        from zeekml.evaluation.evaluate import evaluate as run
        from zeekml.evaluation.truth import Truth
        from zeekml.pipeline.progress import progress_on

        asked = Asked(
            fprs=tuple(fpr) if fpr else Asked.fprs,
            overlay=overlay,
            seed=seed,
            resample=None if resample is None else resample.value,
            draws=draws,
        )
        truth = Truth.load(recipe, labels or (), hosts)
        with progress_on(sys.stderr, quiet=quiet) as progress:
            document, logs = run(models or [settings.score.model], paths, truth, asked, settings, progress)
        if out is not None:
            _write(out, document)
    if not quiet:
        from zeekml.evaluation.table import show

        show(document, sys.stdout)
    if out is not None and not quiet:
        typer.echo(f"written to {out}: evaluation.json, evaluation.html")
    raise typer.Exit(ExitCode.INPUT if logs.problems else ExitCode.OK)


def _told_apart(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The models at the front, two at most, and the logs after them."""
    from zeekml.scoring.bundle import is_bundle

    count = 0
    while count < min(2, len(arguments)) and is_bundle(arguments[count]):
        count += 1
    return arguments[:count], arguments[count:]


def _write(out: Path, document: dict[str, object]) -> None:
    import json

    from zeekml.evaluation.html import report
    from zeekml.evaluation.outputs import write_files

    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_files(out, {"evaluation.html": report(document), "evaluation.json": text})
