"""Which cells make up the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zeekml.comparison.cells import TREES, Cell
from zeekml.comparison.distinct import Task
from zeekml.comparison.flow import ABLATIONS, RES
from zeekml.comparison.settings import NETWORK_NAMES, Settings, Tuned
from zeekml.comparison.splits import Protocol

#: Rows of every table; those of the ablations come below.
ROWS = (*NETWORK_NAMES, TREES)


def planned(
    protocols: Mapping[str, Sequence[Protocol]], tasks: Sequence[Task], seeds: int, tuned: Tuned
) -> list[Cell]:
    """The cells of these data sets and their protocols, and of the ablations under ``distinct``.

    The first seed of everything comes before the second of anything, so that a run that was stopped has most to show.
    """
    return [
        Cell(data_set, protocol, task, row, seed, _settings(data_set, row, tuned))
        for seed in range(seeds)
        for data_set, chosen in protocols.items()
        for protocol in chosen
        for task in tasks
        for row in rows_of(protocol)
    ]


def rows_of(protocol: Protocol) -> tuple[str, ...]:
    """The rows that are worked out under a protocol."""
    return (*ROWS, *ABLATIONS) if protocol == "distinct" else ROWS


def _settings(data_set: str, row: str, tuned: Tuned) -> Settings | None:
    if row == TREES:
        return None
    # An ablation keeps the settings of what it is taken from: nothing but the part differs.
    return tuned.settings(data_set, RES if row in ABLATIONS else row)
