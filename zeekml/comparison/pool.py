"""Works cells out, several at a time, each in one thread of a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from zeekml.comparison.cells import Cell, work_out
from zeekml.comparison.store import Result, Store
from zeekml.processes import worked_out

#: Told of each cell that is there: the cell, its result, and whether it had been finished before.
Told = Callable[[Cell, Result, bool], None]


def finish(
    cells: Sequence[Cell], digests: Mapping[str, str], data: Path, store: Store, processes: int, told: Told
) -> dict[Cell, Result]:
    """The results of all cells; those not finished before are worked out and kept one by one.

    ``digests`` are those of the data sets' files. An interruption stops the processes; what was kept stays.
    """
    results: dict[Cell, Result] = {}
    for cell in cells:
        found = store.finished(cell, digests[cell.data_set])
        if found is not None:
            results[cell] = found
            told(cell, found, True)
    for cell, result in _worked_out([cell for cell in cells if cell not in results], data, processes):
        store.keep(cell, digests[cell.data_set], result)
        results[cell] = store.finished(cell, digests[cell.data_set]) or result
        told(cell, result, False)
    return results


def _worked_out(cells: Sequence[Cell], data: Path, processes: int) -> Iterator[tuple[Cell, Result]]:
    """Each cell with its result, as they are ready."""
    if processes == 1 or len(cells) < 2:
        yield from ((cell, work_out(cell, data)) for cell in cells)
        return
    yield from worked_out(
        partial(work_out, data=data), cells, processes, "--processes 1; finished cells are kept"
    )
