"""``zeekml report``: what was found, as one page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Config

if TYPE_CHECKING:
    from zeekml.scoring.manifest import Manifest


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("report")(report)


def report(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="A folder that zeekml score or watch wrote to, a notice.log or a zeekml.log.",
            readable=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The page; a file of that name is replaced.")
    ] = Path("zeekml-report.html"),
    min_score: Annotated[
        float,
        typer.Option(
            "--min-score", metavar="X", min=0, max=1, help="Leave out lines of zeekml.log scored below X."
        ),
    ] = 0.5,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="M",
            help="A bundle's folder, for the thresholds of a model that zeekml does not bring along.",
        ),
    ] = None,
    config: Config = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Do not say what was written; problems are still told.")
    ] = False,
) -> None:
    """Make one HTML page of what zeekml score or zeekml watch found, to look at in any browser.

    The page holds all it needs and asks nothing of the network.
    """
    from zeekml import __version__
    from zeekml.config import load_settings
    from zeekml.pipeline.interrupts import stopping_by_signal

    settings = None if config is None else load_settings(config)
    with stopping_by_signal():
        from zeekml.report import Gathered, document, gather_logs, render
        from zeekml.report.used import models_used
        from zeekml.simulate.files import whole_file

        gathered = Gathered(least=min_score)
        sources, problems = gather_logs(paths, gathered)
        for problem in problems:
            typer.echo(f"zeekml: {problem}", err=True)
        used = models_used(gathered.models, _manifests(model), settings)
        content = document(gathered, sources, used, made=time.time(), version=__version__)
        with whole_file(out) as file:
            file.write(render(content).encode())
    totals = content["totals"]
    if not quiet:
        typer.echo(f"hosts named: {totals['named']:,}, notices: {totals['notices']:,}; written to {out}")
    raise typer.Exit(ExitCode.INPUT if problems else ExitCode.OK)


def _manifests(model: str | None) -> dict[str, Manifest]:
    """The models known here by name: those that come with zeekml, and the one that was named."""
    from zeekml.errors import BundleError
    from zeekml.scoring import list_bundles
    from zeekml.scoring.bundle import read_manifest

    known = {name: each for name, each in list_bundles().items() if not isinstance(each, BundleError)}
    if model is not None:
        manifest = read_manifest(model)
        known[manifest.name] = manifest
    return known
