"""``zeekml status``: how the running watch is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from zeekml.config import Settings


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("status")(status)


def status(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watch's configuration file.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="The watch's output folder, for a relative path of its alerts table."
        ),
    ] = Path(),
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="ADDRESS",
            help="Where the watch serves its metrics, as address:port.",
            show_default="127.0.0.1:9847",
        ),
    ] = None,
    zeek_start: Annotated[
        float | None,
        typer.Option(
            "--zeek-start",
            metavar="EPOCH",
            help="When Zeek started, seconds since 1970, where it runs elsewhere.",
            show_default="by the processes here",
        ),
    ] = None,
) -> None:
    """Show how the running watch is; exit code 9 says that none runs or that it is not well.

    Alerts that were made before Zeek started, which Zeek does not raise, are counted from the alerts table.
    """
    from zeekml.config import load_settings
    from zeekml.operations.status import Reading, describe, read_watch

    settings = load_settings(config).with_options("metrics", listen=listen)
    reading = (
        read_watch(settings.metrics.listen)
        if settings.metrics.listen
        else "the watch serves no metrics (metrics.listen is empty), so nothing can be asked"
    )
    rows = list(_zeek_rows(settings, out, zeek_start))
    if isinstance(reading, Reading):
        rows = [*describe(reading, time.time()), *rows]
    _show(rows)
    if not isinstance(reading, Reading):
        typer.echo(f"zeekml: {reading}", err=True)
    well = isinstance(reading, Reading) and not reading.problems
    raise typer.Exit(ExitCode.OK if well else ExitCode.UNHEALTHY)


def _zeek_rows(settings: Settings, out: Path, zeek_start: float | None) -> Iterator[tuple[str, str]]:
    """What the alerts table says of alerts that Zeek passes over."""
    from zeekml.operations.zeek_side import count_rows, zeek_started

    if settings.sinks.alerts_table.path is None:
        return
    table = out / settings.sinks.alerts_table.path
    try:
        taken = count_rows(table, zeek_started() if zeek_start is None else zeek_start)
    except OSError as error:
        yield "alerts table", f"{table} cannot be read: {error.strerror or error}"
        return
    if taken is None:
        yield (
            "alerts table",
            f"{table} is not there: it comes with the first alert (--out says where the outputs are)",
        )
        return
    yield "alerts table", f"{taken.rows:,} rows"
    if taken.started is None:
        yield (
            "  Zeek",
            "does not run on this machine: name its start with --zeek-start to count what it missed",
        )
    else:
        yield (
            "  before Zeek's start",
            f"{taken.before:,}, of which Zeek raises none: those that the Zeek before did not raise stand in "
            "notice.log and zeekml.log",
        )


def _show(rows: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from zeekml.operations.logs import escaped

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(escaped(name), escaped(value))
    if rows:
        Console(file=sys.stdout, markup=False, highlight=False).print(table)
