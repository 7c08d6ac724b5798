"""Memory that is used again, and never while somebody looks into it."""

from __future__ import annotations

import gc
import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.reused import _FEWEST, _MOST, Reused

COLUMNS = 64
ROWS = _FEWEST // COLUMNS


def test_what_nobody_looks_into_is_used_again() -> None:
    memory = Reused()
    first = memory.matrix(ROWS, COLUMNS)
    place = first.ctypes.data
    del first
    for rows in (ROWS, ROWS + 10, ROWS, ROWS + 5):
        again = memory.matrix(rows, COLUMNS)
        assert again.shape == (rows, COLUMNS)
        assert again.flags.c_contiguous
        assert again.flags.writeable
        if rows == ROWS + 10:
            place = again.ctypes.data  # it was too small
        assert again.ctypes.data == place
        del again


def test_a_part_of_an_array_keeps_it() -> None:
    memory = Reused()
    whole = memory.matrix(ROWS, COLUMNS)
    whole[:] = 7
    part = whole[5:10].T[::2]
    bits = whole.data
    del whole
    for _ in range(3):
        memory.matrix(ROWS, COLUMNS)[:] = 1
    assert (part == 7).all()
    del part
    memory.matrix(ROWS, COLUMNS)[:] = 1
    assert bits[0, 0] == 7
    del bits
    other = memory.matrix(ROWS, COLUMNS), memory.matrix(ROWS, COLUMNS)
    assert not np.shares_memory(*other)


def test_a_copy_does_not_keep_it() -> None:
    memory = Reused()
    whole = memory.matrix(ROWS, COLUMNS)
    place, rows = whole.ctypes.data, whole[np.array([1, 3])]
    del whole
    assert memory.matrix(ROWS, COLUMNS).ctypes.data == place
    assert rows.shape == (2, COLUMNS)


def test_who_keeps_everything_gets_memory_of_its_own() -> None:
    memory = Reused()
    kept = [memory.matrix(ROWS, COLUMNS) for _ in range(_MOST + 5)]
    for value, array in enumerate(kept):
        array[:] = value
    assert [float(array[-1, -1]) for array in kept] == list(range(_MOST + 5))


def test_small_arrays_are_left_to_the_allocator() -> None:
    memory = Reused()
    assert memory.matrix(0, COLUMNS).shape == (0, COLUMNS)
    assert memory.matrix(ROWS - 1, COLUMNS).base is None


def test_another_thread_may_be_the_last_to_look() -> None:
    memory, seen = Reused(), []
    array = memory.matrix(ROWS, COLUMNS)
    array[:] = 3
    go = threading.Event()

    def look(held: list[np.ndarray]) -> None:
        go.wait()
        seen.append(float(held[0].sum()))
        held.clear()

    held = [array]
    thread = threading.Thread(target=look, args=(held,))
    del array
    thread.start()
    memory.matrix(ROWS, COLUMNS)[:] = 0
    go.set()
    thread.join()
    assert seen == [3.0 * ROWS * COLUMNS]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(ROWS - 1, ROWS + 3)), max_size=40))
def test_no_two_that_are_there_share_memory(steps: list[tuple[bool, int, int]]) -> None:
    memory = Reused()
    held: dict[int, tuple[np.ndarray, int]] = {}
    for value, (drops, place, rows) in enumerate(steps):
        if drops:
            held.pop(place, None)
            gc.collect()
            continue
        array = memory.matrix(rows, COLUMNS)
        array[:] = value
        held[place] = (array[1:], value)
        for kept, expected in held.values():
            assert kept[0, 0] == kept[-1, -1] == expected
