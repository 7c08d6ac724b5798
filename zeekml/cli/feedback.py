"""``zeekml feedback``: an analyst's word on one connection, kept for training and evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.options import Config, Model

if TYPE_CHECKING:
    from zeekml.feedback import Outcome, Verdict
    from zeekml.pipeline.explain import Explanation


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("feedback")(feedback)


def feedback(
    uid: Annotated[str, typer.Argument(metavar="UID", help="The connection's uid, as a notice has it.")],
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG",
            help="The logs it is in, with those before it: as for zeekml score.",
            show_default=False,
        ),
    ],
    benign: Annotated[bool, typer.Option("--benign", help="The connection is benign.")] = False,
    malicious: Annotated[bool, typer.Option("--malicious", help="The connection is malicious.")] = False,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Take back what was said: the connection is to count as nothing."),
    ] = False,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="With --malicious: what it is.",
            show_default="what the model says",
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for people.")] = "",
    file: Annotated[
        Path, typer.Option("--file", metavar="FILE", help="The table of verdicts, which is appended to.")
    ] = Path("feedback.csv"),
    model: Model = None,
    config: Config = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; problems are still told.")] = False,
) -> None:
    """Keep an analyst's verdict on a connection in a file that training and evaluation take.

    The logs are scored up to the connection, so that the file says too what the model had said of it.
    """
    if benign + malicious + unknown != 1:
        raise typer.BadParameter("give one of --benign, --malicious and --unknown")
    if class_name is not None and not malicious:
        raise typer.BadParameter("--class goes with --malicious")
    from zeekml.config import load_settings
    from zeekml.pipeline.interrupts import stopping_by_signal

    settings = load_settings(config).with_options("score", model=model)
    with stopping_by_signal():
        from zeekml.feedback import BENIGN, UNKNOWN, add_verdict
        from zeekml.pipeline.explain import explain_connection
        from zeekml.pipeline.progress import progress_on
        from zeekml.scoring import load_bundle

        bad = load_bundle(settings.score.model).classes[1:]
        if class_name is not None and class_name not in bad:
            raise typer.BadParameter(f"--class {class_name!r}: the model knows {', '.join(bad)}")
        with progress_on(sys.stderr, quiet=quiet) as progress:
            found, problems = explain_connection(uid, paths, settings, progress)
        word = BENIGN if benign else UNKNOWN if unknown else class_name or found.class_name
        verdict = _verdict(found, word, " ".join(reason.split()))
        outcome = add_verdict(file, verdict)
    typer.echo(_told(verdict, outcome, file))
    raise typer.Exit(ExitCode.INPUT if problems else ExitCode.OK)


def _verdict(found: Explanation, word: str, reason: str) -> Verdict:
    from datetime import UTC, datetime

    from zeekml.feedback import Verdict

    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Verdict(found.connection, word, reason, at, found.model, found.score, found.class_name)


def _told(verdict: Verdict, outcome: Outcome, file: Path) -> str:
    """One line: which connection, what it had been scored as, what is held of it now."""
    from zeekml.records.discover import shown as printable

    row = verdict.row
    which = (
        f"{row['uid']}, {row['id.orig_h']} to {row['id.resp_h']}:{row['id.resp_p']}/{row['proto']}, "
        f"scored {verdict.score:.3f} {verdict.class_name}"
    )
    if not outcome.written:
        done = f"{file} says {verdict.corrected} already"
    elif outcome.former in (None, verdict.corrected):
        done = f"{verdict.corrected} written to {file}"
    else:
        done = f"{verdict.corrected} written to {file}, where {outcome.former} stood"
    return printable(f"{which}: {done}")
