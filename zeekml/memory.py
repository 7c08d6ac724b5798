"""Memory that is used again once nobody looks into it any more.

Fresh memory of some megabytes costs as much as reading as many bytes of a log, or as a good part of working out what
lies in it: the system clears each page of it first.
"""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_Thing = TypeVar("_Thing")

_LEAST: Final = 1 << 20
"""Bytes: less is had sooner from Python."""

_KEPT: Final = 2
"""Pieces of memory, at most, that nobody uses and that are kept."""
_MISFITS: Final = 4
"""Times that none of them fits, one after the other, until they are given up: the last block of a log is small."""


def fresh(size: int) -> mmap.mmap:
    """Zeros (1 or more bytes), of which those that nobody touches take no memory.

    Not from numpy, which asks for pages of 2 MiB: many of those would be cleared for a few bytes, and where a virtual
    machine gives free ones back to its host, each must be had from there anew.
    """
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def is_looked_into(memory: mmap.mmap) -> bool:
    """Whether there are views of it, such as arrays: its size cannot be set then, not even to what it is."""
    try:
        memory.resize(len(memory))
    except BufferError:
        return True
    return False


class Memory:
    """Gives pieces of memory, those first that were given before and that nobody looks into any more."""

    def __init__(self, most: int = 6) -> None:
        """``most``: pieces that are in use at the same time, of more than which none is given again."""
        self._most = most
        self._given: list[mmap.mmap] = []
        self._misfits = 0

    def take(self, size: int) -> mmap.mmap | bytearray:
        """At least so many bytes (1 or more), whatever stands in them.

        What nobody uses is given up once it has not fitted a few times: a live log, once it was caught up with, has
        small blocks.
        """
        used: list[mmap.mmap] = []
        free: list[mmap.mmap] = []
        for memory in self._given:
            (used if is_looked_into(memory) else free).append(memory)
        del used[self._most :]  # whoever keeps all that was worked out has it by itself
        fits = (memory for memory in free if _LEAST <= size <= len(memory) <= 2 * size)
        fitting = next(fits, None)
        self._misfits = self._misfits + 1 if fitting is None else 0
        kept = [memory for memory in free if memory is not fitting] if self._misfits < _MISFITS else []
        self._given = [*used, *kept[:_KEPT]]
        if size < _LEAST:
            return bytearray(size)
        taken = fresh(size + size // 8) if fitting is None else fitting
        self._given.append(taken)
        return taken

    def settle(self) -> None:
        """Keep little of what nobody uses; what is in use now is not given again."""
        self._given = [memory for memory in self._given if not is_looked_into(memory)][:_KEPT]

    def floats(self, rows: int, columns: int) -> NDArray[np.float32]:
        """An array (rows, columns), both 1 or more, whatever stands in it; it and all views of it use the memory."""
        size = rows * columns
        memory = self.take(size * np.dtype(np.float32).itemsize)
        return np.frombuffer(memory, dtype=np.float32, count=size).reshape(rows, columns)


class Spare(Generic[_Thing]):
    """Things that hold memory, lent to one user after the other, and made where none is free."""

    def __init__(self, make: Callable[[], _Thing], is_good: Callable[[_Thing], bool], most: int = 1) -> None:
        """``is_good``: whether what is no longer lent may be lent again; ``most``: how many are kept for that."""
        self._make = make
        self._is_good = is_good
        self._most = most
        self._free: list[_Thing] = []

    def lend(self, user: object) -> _Thing:
        """One of them, for as long as ``user`` lives."""
        try:
            thing = self._free.pop()
        except IndexError:  # asked for before, another thread could have it meanwhile
            thing = self._make()
        weakref.finalize(user, self._take_back, thing).atexit = False
        return thing

    def _take_back(self, thing: _Thing) -> None:
        if len(self._free) < self._most and self._is_good(thing):
            self._free.append(thing)
