"""Reading ahead: order, errors, the bound, and an end without leftovers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from zeekml.pipeline.readahead import ReadAhead


def test_the_items_come_in_order() -> None:
    assert list(ReadAhead(iter(range(1000)))) == list(range(1000))


def test_nothing_is_read_from_an_empty_source() -> None:
    assert list(ReadAhead(iter(()))) == []


def test_an_error_follows_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    got: list[int] = []
    with pytest.raises(OSError, match="gone"):
        got.extend(ReadAhead(items()))
    assert got == [1, 2]


def test_the_reader_stays_within_its_depth() -> None:
    read = 0

    def items() -> Iterator[int]:
        nonlocal read
        for number in range(100):
            read = number + 1
            yield number

    ahead = ReadAhead(items(), depth=3)
    assert next(ahead) == 0
    time.sleep(0.3)
    assert read <= 1 + 3 + 1  # taken, queued, waiting for room
    assert list(ahead) == list(range(1, 100))


def test_leaving_early_ends_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with closing(ReadAhead(items(), depth=1)) as ahead:
        next(ahead)
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "zeekml-reader"]


def test_who_waits_for_an_item_is_let_go_when_another_thread_closes() -> None:
    go, asked = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        go.wait(30)
        yield 0

    def take() -> None:
        asked.set()
        got.extend(ahead)

    ahead = ReadAhead(items())
    got: list[int] = []
    waiting = threading.Thread(target=take, daemon=True)
    waiting.start()
    try:
        asked.wait(5)
        time.sleep(0.2)  # by then it waits
        ahead.close()  # its reader, which is busy, is left behind
        waiting.join(5)
        assert not waiting.is_alive()
        assert got == []
    finally:
        go.set()
    for thread in threading.enumerate():
        if thread.name == "zeekml-reader":
            thread.join(5)


def test_who_waits_goes_on_with_the_first_item_and_at_the_latest_when_the_time_is_up() -> None:
    release = threading.Event()

    def items() -> Iterator[int]:
        release.wait()
        yield 1

    ahead = ReadAhead(items())
    began = time.monotonic()
    ahead.wait(0.05)
    assert time.monotonic() - began >= 0.04
    release.set()
    ahead.wait(60)
    assert list(ahead) == [1]
    empty = ReadAhead(iter(()))
    empty.wait(60)  # that there is nothing is something as well
    assert list(empty) == []
