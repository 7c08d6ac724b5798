"""``zeekml train``: a bundle from a recipe and labelled logs, or from another bundle and a site's own logs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.figures import show_change, show_held_out
from zeekml.cli.options import Config

if TYPE_CHECKING:
    from zeekml.tuning import Asked, Tuned

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("train")(train)


def train(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE.yaml|LOG...",
            help="What to train, on which logs; with --from: the site's logs, as for zeekml score.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The folder that the recipe's paths start from; with --from: the old captures, to rehearse.",
            show_default="the recipe's; with --from: none",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder in which the bundle's folder is made.")
    ] = Path("models"),
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            help="Parts of folds (networks, trees) that are worked out at a time.",
            show_default="one a core",
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
    parent: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Go on from this model, by name or folder with a slash, with the logs of a site.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="With --from: the new model's.",
            show_default="the parent's and -site",
        ),
    ] = None,
    feedback: Annotated[
        list[Path] | None,
        typer.Option(
            "--feedback",
            metavar="FILE",
            help="With --from: a table of zeekml feedback, or rules that give labels; repeat it for several.",
        ),
    ] = None,
    calibrate_only: Annotated[
        bool,
        typer.Option("--calibrate-only", help="With --from: fit only the calibration, to the verdicts."),
    ] = False,
    prior: Annotated[
        float,
        typer.Option(
            "--prior",
            metavar="N",
            min=0.1,
            help="With --calibrate-only: N verdicts move the calibration by 1 nat at most.",
        ),
    ] = 10.0,
    not_clean: Annotated[
        bool,
        typer.Option(
            "--not-clean", help="With --from: what has no label and no verdict is not taken as benign."
        ),
    ] = False,
    leave_out_named: Annotated[
        bool,
        typer.Option(
            "--leave-out-named", help="With --from: nor are hosts that the model names in these logs."
        ),
    ] = False,
    hold_out: Annotated[
        float,
        typer.Option(
            "--hold-out",
            metavar="X",
            min=0,
            max=0.9,
            help="With --from: share of each log, its last part, that is measured on.",
        ),
    ] = 0.25,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE",
            help="With --from: the recipe of that model.",
            show_default="the default model's",
        ),
    ] = None,
    most_lost: Annotated[
        float,
        typer.Option(
            "--most-lost",
            metavar="X",
            min=0,
            max=1,
            help="With --from: refuse a model of which an old figure falls by more than X.",
        ),
    ] = 0.05,
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, help="With --from: how often it sees the logs.")
    ] = 3,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="X",
            min=1e-7,
            max=1,
            help="With --from: peak learning rate.",
            show_default="a quarter of the recipe's",
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option(
            "--share",
            metavar="X",
            min=0.01,
            max=0.99,
            help="With --from: share of the loss that the site makes.",
        ),
    ] = 0.25,
    seed: Annotated[int, typer.Option("--seed", min=0, help="With --from: of every draw.")] = 0,
    threads: Annotated[
        int, typer.Option("--threads", metavar="N", min=1, help="With --from: threads to train with.")
    ] = 1,
    config: Config = None,
) -> None:
    """Train a model on labelled logs and write it as a bundle; or fine-tune one on a site's own logs.

    By a recipe it is measured on folds it did not see, beside boosted trees on the same features, and trained on all
    logs in the end. The figures do not depend on --processes. With --from a model goes on from where it is, and the
    figures of both are printed. It needs the extra `evaluate`.
    """
    from zeekml.pipeline.interrupts import stopping_by_signal

    _check_together(context, parent, arguments or [], feedback or [], calibrate_only)
    if parent is None:
        with stopping_by_signal():
            _by_recipe(Path((arguments or [])[0]), data, out, processes, folds)
        return
    with stopping_by_signal():
        asked = _asked(
            parent,
            name,
            paths=tuple(arguments or []),
            out=out,
            recipe=recipe,
            data=data,
            feedback=tuple(feedback or []),
            hold_out=hold_out,
            epochs=epochs,
            rate=rate,
            share=share,
            most_lost=most_lost,
            seed=seed,
            threads=threads,
            clean=not not_clean,
            leave_out_named=leave_out_named,
            prior=prior,
        )
        tuned = _calibrated(asked) if calibrate_only else _tuned(asked, config)
    show_change(tuned.figures)
    typer.echo(f"bundle: {tuned.folder}")
    raise typer.Exit(ExitCode.INPUT if tuned.problems else ExitCode.OK)


_OF_RECIPES = {"processes", "folds"}
_OF_BOTH = {"arguments", "data", "out", "parent"}
_NOT_CALIBRATING = {"data", "not_clean", "leave_out_named", "hold_out", "most_lost", "epochs", "rate", "share",
                    "seed", "config"}  # fmt: skip


def _check_together(
    context: typer.Context, parent: str | None, arguments: list[str], feedback: list[Path], calibrating: bool
) -> None:
    """Refuse options that mean nothing together."""
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.name and _is_given(context, parameter.name)
    }
    if parent is None:
        wrong = [option for name, option in given.items() if name not in _OF_RECIPES | _OF_BOTH]
        if wrong:
            raise typer.BadParameter(f"{wrong[0]} goes with --from")
        if len(arguments) != 1:
            raise typer.BadParameter(
                f"expected one RECIPE.yaml, found {len(arguments)} arguments; logs go with --from MODEL"
            )
        return
    for name in sorted(_OF_RECIPES & given.keys()):
        raise typer.BadParameter(f"{given[name]} does not go with --from")
    if not calibrating:
        if "prior" in given:
            raise typer.BadParameter("--prior goes with --calibrate-only")
        if not arguments:
            raise typer.BadParameter("name the site's logs")
        return
    wrong = [option for name, option in given.items() if name in _NOT_CALIBRATING]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]} does not go with --calibrate-only")
    if not feedback:
        raise typer.BadParameter("--calibrate-only needs verdicts: give --feedback FILE")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _by_recipe(recipe: Path, data: Path | None, out: Path, processes: int | None, folds: Path | None) -> None:
    from zeekml.pipeline.training_progress import epochs_on
    from zeekml.scoring.bundle import read_metrics
    from zeekml.training.job import train as run

    with epochs_on(sys.stderr) as watcher:
        folder = run(recipe, data or recipe.parent, out, watcher, processes or _at_a_time(recipe), folds)
    show_held_out(read_metrics(folder.resolve()))
    typer.echo(f"bundle: {folder}")


def _asked(parent: str, name: str | None, **given: Any) -> Asked:
    from datetime import UTC, datetime

    from zeekml.scoring.bundle import read_manifest
    from zeekml.tuning import Asked

    name = name or f"{read_manifest(parent).name}-site"
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"--name {name!r}: expected small letters, digits, '.', '_' and '-', the first no sign"
        )
    return Asked(parent=parent, name=name, made=datetime.now(UTC).isoformat(timespec="seconds"), **given)


def _tuned(asked: Asked, config: Path | None) -> Tuned:
    from zeekml.config import load_settings
    from zeekml.errors import ForgettingError
    from zeekml.pipeline.progress import progress_on
    from zeekml.pipeline.training_progress import epochs_on
    from zeekml.tuning import read_site, tune

    settings = load_settings(config).with_options("score", threads=asked.threads)
    with progress_on(sys.stderr, quiet=False) as progress:
        site = read_site(asked, settings, progress)
    try:
        with epochs_on(sys.stderr) as watcher:
            return tune(site, asked, settings, watcher)
    except ForgettingError as error:
        show_change(error.figures)
        raise


def _calibrated(asked: Asked) -> Tuned:
    from zeekml.pipeline.progress import progress_on
    from zeekml.tuning import recalibrate

    with progress_on(sys.stderr, quiet=False) as progress:
        return recalibrate(asked, progress)


def _at_a_time(recipe: Path) -> int:
    """As many folds as there are cores for, by the threads of each."""
    from zeekml.training import load_recipe

    return max(1, len(os.sched_getaffinity(0)) // load_recipe(recipe).threads)
