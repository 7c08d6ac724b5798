"""``zeekml doctor``: whether a watch would work here, and what to do where not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Baseline, Config, OutIfAny, StateIfAny


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("doctor")(doctor)


def doctor(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Live logs, or folders of logs.")],
    out: OutIfAny = None,
    state: StateIfAny = None,
    baseline: Baseline = None,
    config: Config = None,
) -> None:
    """Check what zeekml watch needs, and say what to do; nothing is changed.

    Run it as the user that the watch runs as. Exit code 9 says that something is wrong; a warning does not.
    """
    from zeekml.operations.doctor import Level, examine
    from zeekml.operations.logs import escaped

    counts = dict.fromkeys(Level, 0)
    for finding in examine(paths, out, state, config, time.time(), baseline):
        counts[finding.level] += 1
        first, *others = finding.what.splitlines()
        typer.echo(f"{finding.level:<8} {escaped(first)}")
        for line in others:
            typer.echo(f"{'':<8} {escaped(line)}")
        if finding.cure:
            typer.echo(f"{'':<8}   {escaped(finding.cure)}")
    typer.echo(f"{counts[Level.WRONG]} wrong, {counts[Level.WARNING]} warnings, {counts[Level.OK]} ok")
    raise typer.Exit(ExitCode.UNHEALTHY if counts[Level.WRONG] else ExitCode.OK)
