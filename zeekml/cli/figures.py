"""The figures of a bundle on the terminal: what training held out, or what fine-tuning changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def show_figures(metrics: Mapping[str, Any]) -> bool:
    """Print what ``metrics.json`` of a bundle says, in short; False where it says nothing of the kind."""
    if metrics.get("seeds"):
        show_held_out(metrics)
    elif "fitted" in metrics:
        show_change(metrics)
    else:
        return False
    return True


def show_held_out(metrics: Mapping[str, Any]) -> None:
    """Model, network and trees on the folds that they did not see, which is best, and how the thresholds stand."""
    from zeekml.training.report import comparison, standing

    found = dict(metrics)
    _table(("held out", "model", "network", "trees", "best"), (row.texts() for row in comparison(found)))
    _table(("the model, held out", ""), standing(found))


def show_change(metrics: Mapping[str, Any]) -> None:
    """The figures before and after fine-tuning."""
    from zeekml.tuning.report import rows

    for heading, body in rows(metrics):
        _table((heading, "before", "after"), body)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from zeekml.records.discover import shown

    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(shown(head), overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    console = Console(file=sys.stdout, markup=False, highlight=False)
    console.print(table)
    console.print()
