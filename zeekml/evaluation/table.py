"""The tables of an evaluation on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from zeekml.evaluation.words import amount, connection_rows, host_rows, model_names, seconds
from zeekml.records.discover import shown

#: Rows of a list of hosts or networks that are printed; the report has them all.
MOST = 20


def show(document: dict[str, Any], file: TextIO) -> None:
    """Print the tables of a document as ``evaluate`` gives it."""
    console = Console(file=file, markup=False, highlight=False)
    names = model_names(document)
    _print(console, ("figure", *names), [*connection_rows(document), *host_rows(document)])
    for name, model in zip(names, document["models"], strict=True):
        many = len(names) > 1
        if not many:
            _print(console, ("class", "connections", "precision", "recall", "F1"), _classes(model))
        _some(console, f"infected hosts, {name}" if many else "infected hosts", _HOSTS, _hosts(model))
        _some(console, f"false host alerts, {name}" if many else "false host alerts", _FALSE, _false(model))
    if document["comparison"] is not None:
        _comparison(console, document["comparison"])


_HOSTS = ("capture", "host", "connections", "named after", "in")
_TEXTS = ("capture", "host", "network", "class", "figure", "verdicts on")
_FALSE = ("network", "days", "clean hosts", "notices", "a host and day")


def _classes(model: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, *(amount(each[column]) for column in ("connections", "precision", "recall", "f1")))
        for name, each in model["connections"]["classes"].items()
    ]


def _hosts(model: dict[str, Any]) -> list[tuple[str, ...]]:
    """Infected hosts, those that were named first."""
    infected = [host for host in model["hosts"] if host["infected"]]
    found: list[tuple[str, ...]] = []
    for host in sorted(infected, key=lambda host: host["host_notice"] is None):
        first = host["host_notice"]
        when = (amount(first["connections"]), seconds(first["seconds"])) if first else ("never", "")
        found.append((host["capture"], host["host"], amount(host["connections"]), *when))
    return found


def _false(model: dict[str, Any]) -> list[tuple[str, ...]]:
    columns = ("days", "clean_hosts", "false_host_notices", "false_host_notices_per_host_day")
    return [
        (network["capture"], *(amount(network[column]) for column in columns))
        for network in model["networks"]
        if network["false_host_notices"]
    ]


def _comparison(console: Console, comparison: dict[str, Any]) -> None:
    tests = [("connections", comparison["connections"])]
    for kind, parts in comparison["hosts"].items():
        tests += [(f"{which} hosts, {kind.replace('_', ' ')}", test) for which, test in parts.items()]
    rows = [
        (words, amount(test["only_a_right"]), amount(test["only_b_right"]), amount(test["p_value"]))
        for words, test in tests
    ]
    _print(console, ("verdicts on", "only A right", "only B right", "p (McNemar)"), rows)
    boot = comparison["bootstrap"]
    if boot is not None:
        differences = [
            (
                name.replace("_", " "),
                *(amount(figure["difference"][each]) for each in ("value", "low", "high")),
            )
            for name, figure in boot["figures"].items()
        ]
        title = f"B less A, {boot['draws']:,} draws of {boot['resampled']}"
        _print(console, (title, "value", "low", "high"), differences)


def _some(console: Console, title: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        more = f", {MOST} of {len(rows):,}" if len(rows) > MOST else ""
        console.print(shown(title) + more + ":")
        _print(console, heads, rows[:MOST])


def _print(console: Console, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    texts = max(sum(head in _TEXTS for head in heads), 1)
    for place, head in enumerate(heads):
        table.add_column(shown(head), justify="left" if place < texts else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    console.print(table)
    console.print()
