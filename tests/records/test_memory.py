"""Memory that is given again only when nobody looks into it."""

from __future__ import annotations

import numpy as np

from zeekml.records.memory import Memory, fresh, is_looked_into

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
    assert not memory._given, "a live log has small blocks"
