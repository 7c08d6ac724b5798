"""A comparison from its beginning to its page, and the search for settings."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from typing import Protocol as Interface

from zeekml import __version__
from zeekml.comparison import figures
from zeekml.comparison.cells import Cell, code_version, prepared
from zeekml.comparison.distinct import Task, published_bounds, upper_bounds
from zeekml.comparison.document import (
    Circumstances,
    Compared,
    lead_sentences,
    table_heads,
    table_rows,
    written,
)
from zeekml.comparison.plan import planned, rows_of
from zeekml.comparison.pool import finish
from zeekml.comparison.settings import Tuned, load_tuned
from zeekml.comparison.splits import Protocol, protocols_of
from zeekml.comparison.store import Result, Store
from zeekml.comparison.summary import Results
from zeekml.comparison.tune import tuned, tuning_cells
from zeekml.errors import ConfigError
from zeekml.simulate.files import whole_file

_EXTRAS: Final = ("lightgbm", "matplotlib")
_VERSIONS: Final = ("torch", "numpy", "pandas", "lightgbm", "matplotlib")


class Watcher(Interface):
    """Who is told how it goes."""

    def begin(self, cells: int) -> None:
        """So many cells make it up."""

    def cell(self, cell: Cell, result: Result, before: bool) -> None:
        """A cell is there; ``before``: from an earlier run."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to compare, on what, and where the results go.

    ``settings`` is what ``search`` wrote, None takes what is shipped; ``command`` is named by the page.
    """

    data: Path
    out: Path
    document: Path
    data_sets: tuple[str, ...]
    protocols: tuple[Protocol, ...]
    tasks: tuple[Task, ...]
    seeds: int
    processes: int
    settings: Path | None
    command: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a comparison came to: tables as heads and rows of text by title, and sentences on them."""

    tables: dict[str, tuple[list[str], list[list[str]]]]
    sentences: list[str]


def compare(request: Request, watcher: Watcher) -> Outcome:
    """Work out whatever is not finished, and write the page, its figures and ``results.json``.

    Raises InputError for the data, ConfigError for settings and absent extras, OutputError.
    """
    _need_extras()
    started = time.monotonic()
    settings = load_tuned(request.settings) if request.settings else load_tuned()
    compared = _compared(request)
    protocols = {one.table.name: one.protocols for one in compared}
    cells = planned(protocols, request.tasks, request.seeds, settings)
    results, fresh = _finished(cells, compared, request, watcher)
    run = Circumstances(
        date=datetime.now(UTC).date().isoformat(),
        command=request.command,
        versions=_versions(),
        processes=request.processes,
        seeds=request.seeds,
        elapsed=time.monotonic() - started,
        fresh=fresh,
    )
    _write(request, compared, results, settings, run)
    return _outcome(compared, request, results)


def search(request: Request, watcher: Watcher) -> tuple[Path, Tuned]:
    """Try settings for every network on the data sets and write ``settings.json``; raises as ``compare`` does."""
    _need_extras()
    compared = _compared(request)
    results, _ = _finished(tuning_cells([one.table.name for one in compared]), compared, request, watcher)
    found = tuned(results)
    path = request.out / "settings.json"
    with whole_file(path) as file:
        file.write((found.model_dump_json(indent=1) + "\n").encode())
    return path, found


def _compared(request: Request) -> list[Compared]:
    compared = []
    for name in request.data_sets:
        table, distinct = prepared(name, request.data)
        chosen = tuple(p for p in protocols_of(table) if p in request.protocols)
        if chosen:
            bounds = upper_bounds(distinct), published_bounds(table, distinct)
            compared.append(Compared(table, distinct, *bounds, chosen))
    if not compared:
        raise ConfigError(
            f"--protocol {request.protocols[0]} does not go with --dataset {request.data_sets[0]}, which does not say "
            "which scenario a row is from; take another of either"
        )
    return compared


def _finished(
    cells: Sequence[Cell], compared: Sequence[Compared], request: Request, watcher: Watcher
) -> tuple[dict[Cell, Result], int]:
    """The results, and how many of them were worked out now."""
    fresh = 0

    def told(cell: Cell, result: Result, before: bool) -> None:
        nonlocal fresh
        fresh += not before
        watcher.cell(cell, result, before)

    watcher.begin(len(cells))
    digests = {one.table.name: one.table.digest for one in compared}
    store = Store(request.out / "cells")
    return finish(cells, digests, request.data, store, request.processes, told), fresh


def _write(
    request: Request, compared: Sequence[Compared], results: Results, settings: Tuned, run: Circumstances
) -> None:
    drawn = {"architecture": figures.architecture()}
    for one in compared:
        drawn[f"shares-{one.table.name}"] = figures.shares(one.table, one.distinct)
        for protocol in one.protocols:
            drawn[f"epochs-{one.table.name}-{protocol}"] = figures.epochs(results, one.table, protocol)
    paths = {name: f"figures/compare-{name}.svg" for name in drawn}
    for name, content in drawn.items():
        with whole_file(request.document.parent / paths[name]) as file:
            file.write(content)
    page = written(compared, request.tasks, results, settings, run, paths)
    with whole_file(request.document) as file:
        file.write(page.encode())
    whole = {
        "run": asdict(run),
        "code": code_version(),
        "cells": [
            {"cell": result["cell"], "figures": result["figures"], "seconds": result["seconds"]}
            for result in results.values()
        ],
    }
    with whole_file(request.out / "results.json") as file:
        file.write((json.dumps(whole, indent=1) + "\n").encode())


def _outcome(compared: Sequence[Compared], request: Request, results: Results) -> Outcome:
    tables = {
        f"{one.table.title}, {protocol}": (
            table_heads(request.tasks),
            list(table_rows(one.table.name, protocol, request.tasks, results, rows_of(protocol))),
        )
        for one in compared
        for protocol in one.protocols
    }
    bounds = [
        f"{one.table.title}: {len(one.table):,} rows, {len(one.distinct):,} distinct; they allow at most "
        f"{100 * one.bounds.binary:.2f} % binary and {100 * one.bounds.multi:.2f} % multi-class accuracy, as published "
        f"{100 * one.published.binary:.2f} and {100 * one.published.multi:.2f} %."
        for one in compared
    ]
    return Outcome(tables, [*bounds, *lead_sentences(compared, results)])


def _versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in _VERSIONS}
    return {"zeekml": __version__, "Python": platform.python_version(), **found}


def _need_extras() -> None:
    absent = [name for name in _EXTRAS if importlib.util.find_spec(name) is None]
    if absent:
        raise ConfigError(
            f"the comparison needs {' and '.join(absent)}, not installed here: pip install 'zeekml[evaluate]'"
        )
