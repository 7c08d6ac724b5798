"""The search for settings: the same number of draws for every network, judged on rows that no table tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from zeekml.comparison.cells import Cell
from zeekml.comparison.settings import NETWORK_NAMES, Search, Trial, Tuned, candidates
from zeekml.comparison.store import Result

_LAST = 3
"""Epochs whose figures are averaged: a single one is noisy where classes are rare."""


def tuning_cells(data_sets: Sequence[str]) -> list[Cell]:
    """Every setting to try, one seed each; all networks take their first before any takes its second."""
    tried = {(d, n): candidates(d, n) for d in data_sets for n in NETWORK_NAMES}
    longest = max(len(settings) for settings in tried.values())
    return [
        Cell(data_set, "distinct", "multi", network, 0, settings[at], tuning=True)
        for at in range(longest)
        for (data_set, network), settings in tried.items()
        if at < len(settings)
    ]


def tuned(results: Mapping[Cell, Result]) -> Tuned:
    """What the trials came to."""
    trials: dict[str, dict[str, list[Trial]]] = {}
    for cell in sorted(results, key=_order):
        trials.setdefault(cell.data_set, {}).setdefault(cell.row, []).append(_trial(cell, results[cell]))
    return Tuned(
        searches={
            data_set: {network: Search(trials=tuple(found)) for network, found in networks.items()}
            for data_set, networks in trials.items()
        }
    )


def _order(cell: Cell) -> tuple[str, int, int]:
    assert cell.settings is not None  # noqa: S101 - for the type checker
    at = candidates(cell.data_set, cell.row).index(cell.settings)
    return cell.data_set, NETWORK_NAMES.index(cell.row), at


def _trial(cell: Cell, result: Result) -> Trial:
    assert cell.settings is not None  # noqa: S101 - for the type checker
    last = result["epochs"][0][-_LAST:]
    return Trial(
        settings=cell.settings,
        macro_f1=round(fmean(epoch["validation_macro_f1"] for epoch in last), 4),
        accuracy=round(fmean(epoch["validation_accuracy"] for epoch in last), 4),
        seconds=result["seconds"],
    )
