"""The command line: one module per command, each with a ``register(app)``; errors become exit codes here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from zeekml.loading import loading

with loading(stays=True):
    from typing import Annotated, NoReturn

    import typer

    from zeekml import __version__
    from zeekml.cli.commands import AllCommands
    from zeekml.cli.exit_codes import ExitCode, Interrupted, exit_code
    from zeekml.cli.leave import leave_at_once, leaves_at_once
    from zeekml.cli.stdout import guarded_stdout
    from zeekml.errors import ZeekMLError
    from zeekml.extras import TRAINING
    from zeekml.pipeline.readahead import left_behind

app = typer.Typer(
    name="zeekml",
    cls=AllCommands,
    help="Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


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
    # Read when numpy is loaded, which is later: threads that wait for small products of matrices took half a core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Read by pydantic, which would look for plugins in what every installed package says of itself; none is wanted.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        with guarded_stdout(sys.stdout):
            app(args=None if arguments is None else list(arguments), prog_name="zeekml")
    except ZeekMLError as error:
        typer.echo(f"zeekml: {error}", err=True)
        _exit(exit_code(error))
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        typer.echo(f"zeekml: this command needs {TRAINING}", err=True)
        _exit(ExitCode.CONFIG)
    except Interrupted:
        _exit(ExitCode.INTERRUPTED)
    except SystemExit as stop:
        if stop.code == ExitCode.INTERRUPTED:
            typer.echo("zeekml: interrupted, nothing was written", err=True)
            _exit(ExitCode.INTERRUPTED)
        if arguments is None and leaves_at_once() and isinstance(stop.code, int):
            leave_at_once(ExitCode(stop.code))
        raise


def _exit(code: ExitCode) -> NoReturn:
    """Ends the process, at once if it must be; every output was committed or removed before."""
    if left_behind():
        leave_at_once(code)
    sys.exit(code)
