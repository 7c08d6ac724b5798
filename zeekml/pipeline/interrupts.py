"""Signals: SIGTERM and SIGHUP stop a run as Ctrl-C does, and no signal cuts a commit in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import pyarrow as pa

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _in_main_thread() -> bool:
    """Python takes and runs signal handlers only there."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def stopping_by_signal() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise KeyboardInterrupt too, so that one way of cleaning up serves all.

    A signal that was ignored before (``nohup``) stays ignored. Outside the main thread nothing changes.
    """
    if not _in_main_thread():
        yield
        return
    with _handlers(_stop):
        yield


@contextmanager
def told_by_signal(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """Inside, SIGINT and SIGTERM call ``stop`` and SIGHUP calls ``reload``; both only take a note.

    Outside the main thread nothing changes.
    """
    if not _in_main_thread():
        yield
        return
    # Arrow would break off whatever it reads just then, with an error.
    pa.enable_signal_handlers(False)
    try:
        with _handlers(lambda number, _frame: reload() if number == signal.SIGHUP else stop()):
            yield
    finally:
        pa.enable_signal_handlers(True)


@contextmanager
def hangup_noted(reload: Callable[[], None]) -> Iterator[None]:
    """Inside, SIGHUP calls ``reload`` instead of ending the process: for a start that takes its time.

    Outside the main thread, and where SIGHUP is ignored, nothing changes.
    """
    before = signal.getsignal(signal.SIGHUP)
    if not _in_main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGHUP, lambda _number, _frame: reload())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, the stopping signals do nothing: what is done there is done to its end, and it is the end of the run.

    Handlers are exchanged, not masks set: a masked signal would go to another thread of the process
    (torch has its own), and Python would run the handler in the main thread all the same.
    """
    if not _in_main_thread():
        yield
        return
    with _handlers(lambda _number, _frame: None):
        yield


@contextmanager
def _handlers(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """``handler`` for the stopping signals that are not ignored; the former ones afterwards."""
    before = {number: signal.getsignal(number) for number in _STOPPING}
    try:
        for number, former in before.items():
            if former not in (signal.SIG_IGN, None):  # None: installed by C code, and could not be put back
                signal.signal(number, handler)
        yield
    finally:
        for number, former in before.items():
            if former is not None:
                signal.signal(number, former)
