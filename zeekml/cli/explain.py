"""``zeekml explain``: why a connection got its score."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Baseline, Config, Model


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("explain")(explain)


def explain(
    uid: Annotated[str, typer.Argument(metavar="UID", help="The connection's uid, as a notice has it.")],
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG",
            help="The logs it is in, with those before it: as for zeekml score.",
            show_default=False,
        ),
    ],
    model: Model = None,
    baseline: Baseline = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; problems are still told.")] = False,
) -> None:
    """Print why a connection got its score: score, class, thresholds, the host's evidence, the features behind it.

    The logs are scored from their start up to the connection, for what its host did before counts as well.
    """
    from zeekml.config import load_settings
    from zeekml.pipeline.interrupts import stopping_by_signal

    settings = load_settings(config).with_options("score", model=model).with_baseline(baseline)
    with stopping_by_signal():
        from zeekml.pipeline.explain import explain_connection
        from zeekml.pipeline.explain_text import as_object, as_text
        from zeekml.pipeline.progress import progress_on

        with progress_on(sys.stderr, quiet=quiet) as progress:
            explanation, problems = explain_connection(uid, paths, settings, progress)
    typer.echo(as_object(explanation) if as_json else as_text(explanation))
    raise typer.Exit(ExitCode.INPUT if problems else ExitCode.OK)
