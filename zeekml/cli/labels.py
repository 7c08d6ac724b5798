"""``zeekml labels audit``: which labels are likely wrong, for a person to judge."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zeekml.cli.exit_codes import ExitCode
from zeekml.cli.group import Group

if TYPE_CHECKING:
    from zeekml.evaluation.audit import Audit


class LeaveOut(StrEnum):
    """What is left out together."""

    LOG = "log"
    GROUP = "group"


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
    group.command("audit")(audit)
    app.add_typer(group, name="labels", help="Find labels that are likely wrong.")


def audit(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG", help="Labelled logs, globs or folders of them.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Audit the logs that a recipe names below this folder."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE",
            help="The recipe with the class map, and with --data the logs.",
            show_default="the default model's",
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels", metavar="FILE", help="Rules to apply to the logs first; repeat for several."
        ),
    ] = None,
    as_published: Annotated[
        bool, typer.Option("--as-published", help="With --data: without the recipe's label corrections.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="M",
            help="Judge by a model that never saw these logs, instead of boosted trees.",
        ),
    ] = None,
    leave_out: Annotated[
        LeaveOut, typer.Option("--leave-out", help="What trees do not see together with the log they judge.")
    ] = LeaveOut.LOG,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of the trees.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the folds and the trees.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads that grow trees.")] = 1,
    least: Annotated[
        int, typer.Option("--least", min=1, help="Fewest likely errors that make a suspect.")
    ] = 5,
    share: Annotated[
        float,
        typer.Option(
            "--share", min=0, max=1, help="Least share of a rule's connections that are likely errors."
        ),
    ] = 0.5,
    top: Annotated[int, typer.Option("--top", min=1, help="Suspects that are printed.")] = 25,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write all suspects here, as CSV and as JSON."),
    ] = None,
) -> None:
    """Find labels that are likely wrong, grouped by responder, port and state.

    Each log is judged by models that did not see it. What comes out are suspects for a person to judge; the CSV file
    is in the format of label corrections. It needs the extra `evaluate`.
    """
    if bool(paths) == (data is not None):
        raise typer.BadParameter("give logs, or --data, and not both")
    if data is None and (as_published or leave_out is LeaveOut.GROUP):
        raise typer.BadParameter("--as-published and --leave-out group go with --data")
    if data is not None and labels:
        raise typer.BadParameter("--labels goes with logs; with --data the recipe names the corrections")
    from zeekml.pipeline.interrupts import stopping_by_signal

    with stopping_by_signal():
        from zeekml.evaluation import label_audit
        from zeekml.evaluation.outputs import write_files
        from zeekml.evaluation.truth import Truth
        from zeekml.pipeline.progress import progress_on

        asked = label_audit.Asked(model, leave_out.value, folds, seed, threads, least, share)
        problems = []
        if data is not None:
            found = label_audit.labelled_data(data, recipe, corrected=not as_published, report=lambda _: None)
        else:
            with progress_on(sys.stderr, quiet=False) as progress:
                truth = Truth.load(recipe, labels or ())
                found, logs = label_audit.labelled_logs(paths or [], truth, progress)
                problems = logs.problems
        result = label_audit.run(found, asked, _tell)
        if out is not None:
            write_files(
                out,
                {
                    label_audit.JSON: label_audit.as_json(result, asked),
                    label_audit.CSV: label_audit.as_csv(result),
                },
            )
    _show(result, top)
    if out is not None:
        typer.echo(f"written to {out}: {label_audit.CSV}, {label_audit.JSON}")
    raise typer.Exit(ExitCode.INPUT if problems else ExitCode.OK)


def _tell(what: str) -> None:
    typer.echo(f"zeekml: {what}", err=True)


def _show(found: Audit, top: int) -> None:
    """The strongest suspects on standard output."""
    from rich.console import Console
    from rich.table import Table

    from zeekml.records.discover import shown as printable

    table = Table(box=None, pad_edge=False)
    table.add_column("connections", overflow="fold")
    for name in ("labelled", "looks like"):
        table.add_column(name, no_wrap=True)
    for name in ("wrong", "of", "margin"):
        table.add_column(name, justify="right", no_wrap=True)
    for suspect in found.suspects[:top]:
        table.add_row(
            printable(
                f"{suspect.file} to {suspect.resp_h or 'any'} {suspect.resp_p}/{suspect.proto} {suspect.conn_state}"
            ),
            suspect.given,
            suspect.suggested,
            f"{suspect.issues:,}",
            f"{suspect.connections:,}",
            f"{suspect.margin:.2f}",
        )
    console = Console(file=sys.stdout, markup=False, highlight=False)
    if found.suspects:
        console.print(table)
    shown = sum(suspect.issues for suspect in found.suspects[:top])
    typer.echo(
        f"{found.issues:,} of {found.judged:,} labels are likely wrong, {shown:,} of them above; "
        f"{len(found.suspects):,} suspects; {found.unjudged:,} labels could not be judged"
    )
