"""The command line: one module per command, each with a ``register(app)``; errors become exit codes here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from zeekml import __version__
from zeekml.cli import config, model, score, simulate, train
from zeekml.cli.exit_codes import ExitCode, exit_code
from zeekml.errors import ZeekMLError

app = typer.Typer(
    name="zeekml",
    help="Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (score, model, config, simulate, train):
    command.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"zeekml {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code; the only place where an error becomes a message.

    ``arguments``: the command line without the program's name; None takes the process's own.
    Raises SystemExit always.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="zeekml")
    except ZeekMLError as error:
        typer.echo(f"zeekml: {error}", err=True)
        sys.exit(exit_code(error))
    except SystemExit as stop:
        if stop.code == ExitCode.INTERRUPTED:
            typer.echo("zeekml: interrupted, nothing was written", err=True)
        raise
