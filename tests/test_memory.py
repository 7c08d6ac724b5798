"""Memory that is given again only when nobody looks into it."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.memory import Memory, fresh, is_looked_into

SIZE = 2 << 20


def _written(memory: Memory, number: int) -> np.ndarray:
    array = np.frombuffer(memory.take(SIZE), dtype=np.uint8)
    array[:] = number
    return array


def test_it_is_looked_into_while_an_array_lies_over_it() -> None:
    memory = fresh(SIZE)
    assert not is_looked_into(memory)
    part = np.frombuffer(memory, dtype=np.uint8)[5:9]
    assert is_looked_into(memory)
    del part
    assert not is_looked_into(memory)


def test_what_somebody_looks_into_is_not_given_again() -> None:
    memory = Memory()
    kept = [_written(memory, number) for number in range(20)]
    assert all((array == number).all() for number, array in enumerate(kept))


def test_what_nobody_looks_into_is_given_again() -> None:
    memory = Memory()
    places = {_written(memory, number).ctypes.data for number in range(50)}
    assert len(places) <= 2


def test_little_is_kept_of_what_nobody_uses_any_more() -> None:
    memory = Memory()
    kept = [_written(memory, number) for number in range(20)]
    kept.clear()
    memory.take(SIZE)
    assert sum(map(len, memory._given)) < 4 * SIZE
    memory.take(16)
    assert memory._given, "the last block of a log is small"
    for _ in range(5):
        memory.take(16)
    assert not memory._given, "a live log has small blocks"


def test_floats_lie_in_memory_that_is_given_again() -> None:
    memory, rows = Memory(), SIZE // 4 // 64
    first = memory.floats(rows, 64)
    assert first.shape == (rows, 64)
    assert first.dtype == np.float32
    assert first.flags.c_contiguous
    assert first.flags.writeable
    place, copy = first.ctypes.data, first[np.array([1, 3])]
    del first
    assert memory.floats(rows - 5, 64).ctypes.data == place, "a copy does not keep it"
    assert copy.shape == (2, 64)


def test_a_part_of_floats_keeps_them() -> None:
    memory, rows = Memory(), SIZE // 4 // 64
    whole = memory.floats(rows, 64)
    whole[:] = 7
    part = whole[5:10].T[::2]
    del whole
    for _ in range(5):
        memory.floats(rows, 64)[:] = 1
    assert (part == 7).all()


def test_another_thread_may_be_the_last_to_look() -> None:
    memory, rows, seen = Memory(), SIZE // 4 // 64, []
    held = [memory.floats(rows, 64)]
    held[0][:] = 3
    go = threading.Event()

    def look() -> None:
        go.wait()
        seen.append(float(held.pop().sum()))

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(3):
        memory.floats(rows, 64)[:] = 0
    go.set()
    thread.join()
    assert seen == [3.0 * rows * 64]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 3)), max_size=40))
def test_no_two_that_are_there_share_memory(steps: list[tuple[bool, int, int]]) -> None:
    memory = Memory()
    held: dict[int, tuple[np.ndarray, int]] = {}
    for value, (drops, place, size) in enumerate(steps):
        if drops:
            held.pop(place, None)
            continue
        array = memory.floats(size * SIZE // 4 // 64, 64)
        array[:] = value
        held[place] = (array[1:], value)
        for kept, expected in held.values():
            assert kept[0, 0] == kept[-1, -1] == expected


def test_of_what_somebody_kept_little_stays_when_it_is_dropped() -> None:
    memory = Memory(3)
    kept = [memory.floats(SIZE // 256, 64) for _ in range(20)]
    for number, array in enumerate(kept):
        array[:] = number
    assert [float(array[-1, -1]) for array in kept] == list(range(20))
    kept.clear()
    assert len(memory._given) <= 4
