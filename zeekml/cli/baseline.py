"""``zeekml baseline``: what is ordinary on a site, learned from its logs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Config, Model

if TYPE_CHECKING:
    from zeekml.baseline import Baseline


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("baseline")(baseline)


def baseline(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG",
            help="The site's logs, a week of them or more: as for zeekml score.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path(
        "baseline.json"
    ),
    false_alerts: Annotated[
        float,
        typer.Option(
            "--false-alerts", metavar="N", help="False host alerts a day that the thresholds may give."
        ),
    ] = 1.0,
    sure: Annotated[
        float,
        typer.Option(
            "--sure",
            metavar="SCORE",
            help="From this score on (0 to 1) the model is sure: such a connection is never taken as ordinary, and "
            "nothing is learned of a host with three of them.",
        ),
    ] = 0.999,
    lowest: Annotated[
        float | None,
        typer.Option(
            "--lowest",
            metavar="NATS",
            help="Let the host threshold fall to this where the site is quiet enough.",
            show_default="the model's own threshold",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="NET", help="Learn nothing of these hosts; may be given again."),
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(
            "--feedback",
            metavar="FILE",
            help="A table of zeekml feedback: what is benign is ordinary, what is malicious never.",
        ),
    ] = None,
    model: Model = None,
    config: Config = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="No progress and no summary; problems are still told.")
    ] = False,
) -> None:
    """Learn what is ordinary on a site from its logs, and write it to one file for --baseline of score and watch.

    The logs are taken as clean, but for what the model is sure of. Who should be looked at before the file is used, and
    who might belong into the allowlist, is printed.
    """
    from math import isfinite

    if not (isfinite(false_alerts) and false_alerts > 0):
        raise typer.BadParameter("--false-alerts: expected a number above 0")
    if not 0 < sure <= 1:
        raise typer.BadParameter("--sure: expected a score above 0, and 1 at most")
    if lowest is not None and not (isfinite(lowest) and lowest > 0):
        raise typer.BadParameter("--lowest: expected nats of evidence above 0")
    from zeekml.config import load_settings
    from zeekml.pipeline.interrupts import stopping_by_signal

    settings = load_settings(config).with_options("score", model=model)
    with stopping_by_signal():
        from zeekml.addresses import Networks
        from zeekml.baseline import save_baseline
        from zeekml.baseline.usual import Asked
        from zeekml.pipeline.baseline import learn_baseline
        from zeekml.pipeline.progress import progress_on

        asked = Asked(
            false_alerts_per_day=false_alerts,
            sure_score=sure,
            exclude=Networks.parse(exclude or [], "--exclude"),
            lowest=lowest,
        )
        with progress_on(sys.stderr, quiet=quiet) as progress:
            learned = learn_baseline(paths, settings, asked, feedback, progress)
        save_baseline(out, learned.baseline)
    if not quiet:
        _show(learned.baseline, out)
    raise typer.Exit(ExitCode.INPUT if learned.problems else ExitCode.OK)


def _show(learned: Baseline, out: Path) -> None:
    """What a person should know before the file is used."""
    from zeekml.baseline.summary import summary
    from zeekml.records.discover import shown

    for line in summary(learned):
        typer.echo(shown(line))
    typer.echo(f"written to {shown(out)}, SHA-256 of its content {learned.sha256}")
