"""Signals stop a run in one way, and wait where they must."""

from __future__ import annotations

import os
import signal
import threading

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from zeekml.pipeline.interrupts import hangup_noted, stopping_by_signal, told_by_signal, undisturbed


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stopping_signal_is_a_keyboard_interrupt(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stopping_by_signal():
        send(number)
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_by_signal():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_comes_too_late_for_an_undisturbed_block() -> None:
    steps: list[str] = []
    with pytest.raises(KeyboardInterrupt), stopping_by_signal():  # noqa: PT012
        with undisturbed():
            send(signal.SIGTERM)
            steps.append("inside")
        steps.append("after")
        send(signal.SIGTERM)
        steps.append("too far")
    assert steps == ["inside", "after"]


def test_an_error_in_an_undisturbed_block_comes_out_as_itself() -> None:
    with pytest.raises(OSError, match="disk full"), stopping_by_signal(), undisturbed():
        raise OSError("disk full")


def test_other_threads_change_no_handler() -> None:
    def run() -> None:
        with stopping_by_signal(), undisturbed():
            handlers.append(signal.getsignal(signal.SIGTERM))

    handlers: list[object] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]


def test_a_watch_only_takes_a_note() -> None:
    told: list[str] = []
    with told_by_signal(lambda: told.append("stop"), lambda: told.append("reload")):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            send(number)
    assert told == ["stop", "reload", "stop"]


def test_reading_is_not_broken_off() -> None:
    """Arrow's own handler would end `read_csv` with ArrowCancelled."""
    text = pa.py_buffer(b"1,2,3\n" * 4_000_000)
    told: list[str] = []
    timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM))
    with told_by_signal(lambda: told.append("stop"), lambda: None):
        timer.start()
        table = arrow_csv.read_csv(
            text, arrow_csv.ReadOptions(use_threads=False, column_names=["a", "b", "c"])
        )
        timer.join()
    assert table.num_rows == 4_000_000
    assert told == ["stop"]


def test_a_hangup_while_starting_is_noted_and_ends_nothing() -> None:
    before, came = signal.getsignal(signal.SIGHUP), threading.Event()
    with hangup_noted(came.set):
        send(signal.SIGHUP)
        assert came.wait(1)
    assert signal.getsignal(signal.SIGHUP) is before


def test_an_ignored_hangup_stays_ignored() -> None:
    before, came = signal.signal(signal.SIGHUP, signal.SIG_IGN), threading.Event()
    try:
        with hangup_noted(came.set):
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not came.is_set()
