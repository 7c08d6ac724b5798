"""``zeekml score``: logs in, notices out."""

from __future__ import annotations

import stat
import sys
from collections import Counter
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.leave import leave_when_done
from zeekml.cli.options import Baseline, Config, LogThreshold, Model, Threads
from zeekml.errors import ConfigError
from zeekml.loading import loading

if TYPE_CHECKING:
    from zeekml.config import Settings
    from zeekml.pipeline.progress import Progress
    from zeekml.pipeline.summary import Summary


class Engine(StrEnum):
    """What the work is done by."""

    LOCAL = "local"
    SPARK = "spark"


class ScoreFormat(StrEnum):
    """How the outputs are written."""

    TSV = "tsv"
    JSON = "json"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("score")(score)


def score(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Logs, globs, folders of logs, or - for standard input."),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="The folder for notice.log and zeekml.log.")
    ],
    output_format: Annotated[
        ScoreFormat | None,
        typer.Option(
            "--format",
            help="How the outputs are written; parquet, with --engine spark, makes tables of them.",
            show_default="tsv",
        ),
    ] = None,
    log_threshold: LogThreshold = None,
    model: Model = None,
    threads: Threads = None,
    baseline: Baseline = None,
    config: Config = None,
    fail_on_alert: Annotated[
        bool, typer.Option("--fail-on-alert", help="Exit with code 3 when a notice was written.")
    ] = False,
    engine: Annotated[
        Engine, typer.Option("--engine", help="What does the work: this process, or Spark.")
    ] = Engine.LOCAL,
    master: Annotated[
        str | None,
        typer.Option(
            "--master",
            metavar="URL",
            help="Where Spark runs, such as spark://host:7077, yarn or local[2,4].",
            show_default="local[*,4]",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", help="No progress and no closing table; problems and warnings are still told."
        ),
    ] = False,
) -> None:
    """Score connection logs and write notice.log and zeekml.log.

    The logs of Zeek (TSV or JSON) and Suricata (eve.json), plain or compressed, are told apart by content.
    A log that cannot be read is reported, the others are scored, and the exit code is 4.
    """
    parquet = output_format == ScoreFormat.PARQUET
    if engine != Engine.SPARK and (parquet or master is not None):
        raise ConfigError(
            f"{'--format parquet' if parquet else '--master'} is for Spark; add --engine spark, or leave it out"
        )

    @cache
    def settings() -> Settings:
        from zeekml.config import load_settings

        given = load_settings(config).with_options(
            "score",
            format=None if output_format is None or parquet else output_format.value,
            log_threshold=log_threshold,
            model=model,
            threads=threads,
        )
        return given.with_baseline(baseline)

    if any(map(_is_waited_for, paths)):  # a wrong setting is told before anything is taken from a pipe
        with loading(stays=True):
            settings()

    # Loading all that scoring takes is most of what happens before the first connection. What reading takes comes
    # first: the logs are read while the rest is loaded.
    with loading(stays=True):
        from zeekml.pipeline.interrupts import stopping_by_signal
        from zeekml.pipeline.progress import progress_on

    with stopping_by_signal(), progress_on(sys.stderr, quiet=quiet) as progress:
        if engine == Engine.SPARK:
            summary = _on_spark(paths, out, settings(), progress, master, parquet=parquet)
        else:
            with loading(stays=True):
                from zeekml.pipeline.reading import Reading

                begun = Reading(paths)
            with begun as reading:
                with loading(stays=True):
                    from zeekml.pipeline.batch import score_logs

                    chosen = settings()
                summary = score_logs(reading, Path(out), chosen, progress)
    if not quiet:
        _show(summary, out, parquet=parquet)
    if engine == Engine.LOCAL:
        leave_when_done()
    raise typer.Exit(_code(summary, fail_on_alert))


def _is_waited_for(path: str) -> bool:
    """Whether it is standard input, or a pipe or device: what is read from them is gone."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return path == "-"
    return path == "-" or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _on_spark(
    paths: list[str], out: str, settings: Settings, progress: Progress, master: str | None, *, parquet: bool
) -> Summary:
    from zeekml.spark.session import check_installed

    check_installed()
    from zeekml.spark.batch import SparkOptions, score_on_spark

    options = SparkOptions(parquet=parquet) if master is None else SparkOptions(master, parquet=parquet)
    return score_on_spark(paths, out, settings, options, progress)


def _code(summary: Summary, fail_on_alert: bool) -> ExitCode:
    if summary.problems:
        return ExitCode.INPUT
    if fail_on_alert and summary.notices:
        return ExitCode.ALERTS
    return ExitCode.OK


def _show(summary: Summary, out: str, *, parquet: bool) -> None:
    """The closing table on standard output."""
    rows = _rows(summary)
    left, right = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, value in rows:
        typer.echo(f"{name:<{left}}  {value:>{right}}")
    written = "tables notice, zeekml, rejects"
    if not parquet:
        written = "notice.log, zeekml.log" + (", rejects.log" if summary.rejects else "")
    typer.echo(f"written to {Path(out) if not parquet else out}: {written}")


def _rows(summary: Summary) -> list[tuple[str, str]]:
    rows = [
        ("connections", f"{summary.connections:,}"),
        ("hosts", str(summary.hosts)),
        ("alerting connections", f"{summary.alerts.total():,}"),
        *((f"  {name}", f"{count:,}") for name, count in summary.alerts.most_common()),
        ("notices", f"{summary.notices.total():,}"),
        *((f"  {note}, {name}", f"{count:,}") for (note, name), count in sorted(summary.notices.items())),
        ("lines in zeekml.log", f"{summary.logged:,}"),
        ("rejected lines", f"{summary.rejects:,}"),
        ("logs read", f"{summary.files:,}"),
        ("files passed over", f"{len(summary.passed_over):,}"),
        ("logs with problems", f"{len(summary.problems):,}"),
    ]
    if summary.without_flows:
        rows.append(("logs without flow events", f"{len(summary.without_flows):,}"))
    if summary.sensor:
        rows.append(("logs with a finding on their sensor", f"{len(summary.sensor):,}"))
        codes = Counter(finding.code for findings in summary.sensor.values() for finding in findings)
        rows += [(f"  {code}", f"{count:,}") for code, count in codes.most_common()]
    rows += _drift(summary)
    if summary.caps_acted:
        rows.append(("hosts and peers put out by limits", f"{summary.caps_acted:,}"))
    rows.append(("connections a second", f"{summary.rate:,.0f}"))
    return rows


def _drift(summary: Summary) -> list[tuple[str, str]]:
    """How far the connections are from training."""
    report = summary.drift
    if report is None:
        return []
    expected = "" if report.near_expected is None else f" ({report.near_expected:.2%} in training)"
    rows = [("scores near the threshold", f"{report.near:.2%}{expected}")]
    if not report.index:
        return [*rows, ("drift of the features", "not available")]
    rows.append(
        ("features that moved much since training", f"{len(report.moved_much)} of {len(report.index)}")
    )
    return rows + [(f"  {name}", f"{report.index[name]:.2f}") for name in report.moved_much[:3]]
