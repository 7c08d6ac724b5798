"""Works several independent items out at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from zeekml.errors import OutputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def worked_out(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int, killed: str
) -> Iterator[tuple[Item, Result]]:
    """Each item with what ``work`` makes of it, as they are ready.

    ``work`` and the items go to other processes: both must be picklable. An interruption stops the processes. Raises
    OutputError when one is killed from outside, ``killed`` says what to do then.
    """
    # Spawned, not forked: a fork would inherit the threads of torch and Arrow half-way.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(items)), mp_context=context, initializer=_leave_interrupts)
    try:
        waiting = {pool.submit(work, item): item for item in items}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BrokenProcessPool as error:
        raise OutputError(
            f"a working process was killed, probably for want of memory: run the same command again with {killed}"
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
