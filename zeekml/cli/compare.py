"""``zeekml compare``: the paper's table on public data sets."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from zeekml.cli.exit_codes import Interrupted

if TYPE_CHECKING:
    from zeekml.comparison import Outcome, Request
    from zeekml.comparison.cells import Cell


_WIDTH: Final = 110
"""Columns that a table of results takes."""


class DataSetName(StrEnum):
    """The data sets of ``zeekml.comparison``."""

    IOT23 = "iot23"
    UNSW_NB15 = "unsw-nb15"
    ALL = "all"


class ProtocolName(StrEnum):
    """Its split protocols."""

    RANDOM = "random"
    DISTINCT = "distinct"
    SCENARIO = "scenario"
    ALL = "all"


class TaskName(StrEnum):
    """Its tasks."""

    BINARY = "binary"
    MULTI = "multi"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command("compare")(compare)


def compare(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="The folder that holds tables/.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where finished cells and results are kept.")
    ],
    dataset: Annotated[DataSetName, typer.Option("--dataset", help="The data set.")] = DataSetName.ALL,
    protocol: Annotated[
        ProtocolName, typer.Option("--protocol", help="How rows are split.")
    ] = ProtocolName.ALL,
    task: Annotated[
        TaskName, typer.Option("--task", help="Benign or attack, or which class.")
    ] = TaskName.ALL,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each row.")] = 3,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, help="Cells at a time.", show_default="one a core"),
    ] = None,
    document: Annotated[
        Path | None,
        typer.Option(
            "--document", metavar="FILE", help="The page of results.", show_default="evaluation.md in --out"
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings", metavar="FILE", help="What --tune wrote.", show_default="the shipped ones"
        ),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option("--tune", help="Search settings for every network instead, and write them to --out."),
    ] = False,
) -> None:
    """Compare the paper's five networks, boosted trees and ablations, and write the tables.

    Finished cells are kept in --out, and the same command goes on where it was stopped. It needs the extra
    `evaluate`.
    """
    from zeekml.pipeline.interrupts import stopping_by_signal

    with stopping_by_signal():
        from zeekml import comparison
        from zeekml.comparison.distinct import TASKS
        from zeekml.comparison.splits import PROTOCOLS

        request = comparison.Request(
            data=data,
            out=out,
            document=document or out / "evaluation.md",
            data_sets=tuple(name for name in DataSetName if dataset in (name, "all") and name != "all"),
            protocols=tuple(name for name in PROTOCOLS if protocol in (name, "all")),
            tasks=tuple(name for name in TASKS if task in (name, "all")),
            seeds=seeds,
            processes=processes or len(os.sched_getaffinity(0)),
            settings=settings,
            command=_command(dataset, protocol, task, seeds),
        )
        try:
            if tune:
                path, found = comparison.search(request, _Lines())
                _show_search(found)
                typer.echo(f"settings: {path}")
            else:
                _show(comparison.compare(request, _Lines()), request)
        except KeyboardInterrupt:
            typer.echo(f"zeekml: interrupted; the same command goes on from what is in {out}", err=True)
            raise Interrupted from None


def _command(dataset: str, protocol: str, task: str, seeds: int) -> str:
    """The command as a reader would give it, with a stand-in for the data folder, which is nobody else's."""
    chosen = [
        f"--{name} {value}" for name, value in (("dataset", dataset), ("protocol", protocol), ("task", task))
    ]
    return " ".join(
        [
            "zeekml compare --data DATA --out OUT",
            *(c for c in chosen if not c.endswith("all")),
            f"--seeds {seeds}",
        ]
    )


class _Lines:
    """A line on standard error for each cell that is ready."""

    def __init__(self) -> None:
        self._cells = self._done = 0

    def begin(self, cells: int) -> None:
        self._cells = cells

    def cell(self, cell: Cell, result: dict[str, Any], before: bool) -> None:
        self._done += 1
        if before:
            return
        macro = (
            result["epochs"][0][-1]["validation_macro_f1"] if cell.tuning else result["figures"]["macro_f1"]
        )
        what = "tuning" if cell.tuning else f"{cell.protocol}, {cell.task}"
        typer.echo(
            f"zeekml: {self._done} of {self._cells}: {cell.data_set}, {what}, {cell.row}, seed {cell.seed}: "
            f"macro F1 {100 * macro:.2f}, {result['seconds']:.0f} s",
            err=True,
        )


def _show(outcome: Outcome, request: Request) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout, markup=False, highlight=False)
    console.width = max(console.width, _WIDTH)
    for title, (heads, rows) in outcome.tables.items():
        # The task above the figure: seven columns side by side.
        console.print(title)
        table = Table(box=None, pad_edge=False)
        for head in heads:
            table.add_column(head.replace(" ", "\n", 1), no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()
    for sentence in outcome.sentences:
        typer.echo(sentence)
    typer.echo(f"page: {request.document}")


def _show_search(found: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("data set", "network", "tried", "best macro F1", "settings", box=None, pad_edge=False)
    for data_set, searches in found.searches.items():
        for network, search in searches.items():
            chosen = ", ".join(f"{name} {value:g}" for name, value in search.settings.model_dump().items())
            best = search.trials[search.chosen].macro_f1
            table.add_row(data_set, network, str(len(search.trials)), f"{100 * best:.2f}", chosen)
    console = Console(file=sys.stdout, markup=False, highlight=False)
    console.width = max(console.width, _WIDTH)
    console.print(table)
