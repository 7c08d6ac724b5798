"""What the cells of a table come to: mean and spread over the seeds, and whether one row leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zeekml.comparison.cells import Cell
from zeekml.comparison.distinct import Task
from zeekml.comparison.flow import RES
from zeekml.comparison.settings import NETWORK_NAMES
from zeekml.comparison.splits import Protocol
from zeekml.comparison.store import Result
from zeekml.spread import Spread

Results = Mapping[Cell, Result]


def cells_of(results: Results, data_set: str, protocol: Protocol, task: Task, row: str) -> list[Result]:
    """The results of one row of a table, in the order of the seeds."""
    mine = [
        cell
        for cell in results
        if (cell.data_set, cell.protocol, cell.task, cell.row, cell.tuning)
        == (data_set, protocol, task, row, False)
    ]
    return [results[cell] for cell in sorted(mine, key=lambda cell: cell.seed)]


def spread(found: list[Result], figure: str) -> Spread | None:
    """A figure of some results; None where there is none or a result lacks it."""
    values = [result["figures"][figure] for result in found]
    return None if not values or None in values else Spread(tuple(values))


@dataclass(frozen=True, slots=True)
class Lead:
    """How Res-1DCNN-LSTM stands against the best of the other four networks, in multi-class macro F1.

    ``differences``: with each seed, its figure less the best figure that any other network has with that seed.
    ``beyond``: its worst seed is above the best seed of every other network.
    """

    mine: Spread
    rival: str
    theirs: Spread
    differences: tuple[float, ...]
    beyond: bool


def lead(results: Results, data_set: str, protocol: Protocol) -> Lead | None:
    """The lead on a data set; None while a network is absent or has other seeds."""
    by_network = {
        network: spread(cells_of(results, data_set, protocol, "multi", network), "macro_f1")
        for network in NETWORK_NAMES
    }
    found = {network: values for network, values in by_network.items() if values is not None}
    if len(found) < len(NETWORK_NAMES) or len({len(values.values) for values in found.values()}) > 1:
        return None
    mine = found.pop(RES)
    rival = max(found, key=lambda network: found[network].mean)
    best = [max(values.values[seed] for values in found.values()) for seed in range(len(mine.values))]
    return Lead(
        mine,
        rival,
        found[rival],
        tuple(a - b for a, b in zip(mine.values, best, strict=True)),
        min(mine.values) > max(max(values.values) for values in found.values()),
    )
