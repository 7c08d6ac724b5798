"""Works cells out, several at a time, each in one thread of a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from zeekml.comparison.cells import Cell, work_out
from zeekml.comparison.store import Result, Store
from zeekml.errors import OutputError

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
    # Spawned, not forked: a fork would inherit the threads of torch and Arrow half-way.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(cells)), mp_context=context, initializer=_leave_interrupts)
    try:
        waiting = {pool.submit(work_out, cell, data): cell for cell in cells}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BrokenProcessPool as error:
        raise OutputError(
            "a process of the comparison was killed, probably for want of memory: run the same command again with "
            "--processes 1; finished cells are kept"
        ) from error
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal: the first one stops the others itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
