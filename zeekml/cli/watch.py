"""``zeekml watch``: live logs in, notices out, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.leave import leave_at_once
from zeekml.cli.options import Baseline, Format, LogThreshold, Model, Out, State

if TYPE_CHECKING:
    from zeekml.config import Settings
    from zeekml.pipeline.watching import WatchSummary


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("watch")(watch)


def watch(
    out: Out,
    state: State,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", readable=False, help="Live logs, or folders of logs."),
    ] = None,
    output_format: Format = None,
    log_threshold: LogThreshold = None,
    model: Model = None,
    baseline: Baseline = None,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start/--from-end",
            help="Where a log begins that the state folder does not know: the first line of its oldest rotated "
            "file, or what comes now.",
            show_default="--from-end",
        ),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Catch up with what is there, save the state and exit.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="A configuration file (YAML); SIGHUP reads it again."),
    ] = None,
    poll: Annotated[
        float | None,
        typer.Option(
            "--poll",
            metavar="SECONDS",
            help="Look at the logs this often also when no event tells of them.",
            show_default="1",
        ),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka",
            metavar="BROKERS/TOPIC",
            help="Follow a topic of Kafka instead of logs, as in 192.0.2.1:9092/conn.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written, and write nothing.")
    ] = False,
) -> None:
    """Follow live connection logs, score each connection and append notices.

    Nothing is lost and nothing written twice, through rotation, stops and crashes. SIGTERM and Ctrl-C end a
    watch in order; SIGHUP reads allowlist and baseline again and opens the outputs anew.
    """
    import threading

    from zeekml.loading import loading

    with loading(stays=True):
        from zeekml.config import load_settings
        from zeekml.operations.logs import set_up_logging
        from zeekml.pipeline.interrupts import hangup_noted

    # logrotate may send SIGHUP at any moment, also while modules are loaded and the journal is read.
    hangup = threading.Event()
    with hangup_noted(hangup.set):
        settings = (
            load_settings(config)
            .with_options(
                "score",
                format=None if output_format is None else output_format.value,
                log_threshold=log_threshold,
                model=model,
            )
            .with_options("watch", poll=poll)
            .with_baseline(baseline)
        )
        settings = _source(settings, paths or [], kafka)
        set_up_logging(settings.logging)
        # Loading all that scoring takes is most of what happens before the first connection.
        with loading(stays=True):
            from zeekml.operations import watching
            from zeekml.pipeline.signals import Signals
            from zeekml.pipeline.watch import watch_logs
            from zeekml.pipeline.watching import WatchOptions

        options = WatchOptions(
            start="start" if from_start else "end",
            once=once,
            dry_run=dry_run,
            config=config,
            baseline=baseline,
        )
        signals = Signals(reload=hangup)
        with watching(settings, folders=[out, state], listen=not (once or dry_run)) as operations:
            summary = watch_logs(paths or [], out, state, settings, options, operations, typer.echo, signals)
    if once and not dry_run:
        _show(summary, out)
    code = ExitCode.INPUT if once and summary.problems else ExitCode.OK
    if signals.stop.is_set():
        leave_at_once(code)  # taking all apart in order can take seconds, and all is on the disk
    raise typer.Exit(code)


def _source(settings: Settings, paths: list[Path], kafka: str | None) -> Settings:
    """The settings with the topic of the command line; ConfigError unless there are either logs or topics."""
    from zeekml.errors import ConfigError

    if kafka is not None:
        brokers, _, topic = kafka.rpartition("/")
        if not brokers or not topic:
            raise ConfigError(f"--kafka {kafka}: expected BROKERS/TOPIC, such as 192.0.2.1:9092/conn")
        settings = settings.with_options("kafka", brokers=brokers, topics=(topic,))
    if paths and settings.kafka.topics:
        raise ConfigError(
            f"both logs ({paths[0]}) and topics of Kafka ({', '.join(settings.kafka.topics)}) are named; run a watch "
            "for each, with a state folder of its own"
        )
    if not paths and not settings.kafka.topics:
        raise ConfigError("nothing to follow: name logs or folders, or a topic with --kafka BROKERS/TOPIC")
    return settings


def _show(summary: WatchSummary, out: Path) -> None:
    typer.echo(
        f"{summary.connections:,} connections, {summary.notices.total():,} notices, {summary.logged:,} lines in "
        f"zeekml.log, {summary.rejects:,} rejected lines; appended in {out}"
    )
