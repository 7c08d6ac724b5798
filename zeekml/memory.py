"""Memory that is used again once nobody looks into it any more.

Fresh memory of some megabytes costs as much as reading as many bytes of a log, or as a good part of working out what
lies in it: the system clears each page of it first.
"""

from __future__ import annotations

import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1 << 20
"""Bytes: less is had sooner from Python."""

_KEPT: Final = 2
"""Pieces of memory, at most, that nobody uses and that are kept."""


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

    def take(self, size: int) -> mmap.mmap | bytearray:
        """At least so many bytes (1 or more), whatever stands in them.

        What nobody uses and is of another size is given up: a live log, once it was caught up with, has small blocks.
        """
        used: list[mmap.mmap] = []
        free: list[mmap.mmap] = []
        for memory in self._given:
            (used if is_looked_into(memory) else free).append(memory)
        fitting = [memory for memory in free if size <= len(memory) <= 2 * size]
        del used[self._most :]  # whoever keeps all that was worked out has it by itself
        if size < _LEAST:
            self._given = used
            return bytearray(size)
        taken = fitting.pop() if fitting else fresh(size + size // 8)
        self._given = [*used, *fitting[:_KEPT], taken]
        return taken

    def floats(self, rows: int, columns: int) -> NDArray[np.float32]:
        """An array (rows, columns), both 1 or more, whatever stands in it; it and all views of it use the memory."""
        size = rows * columns
        memory = self.take(size * np.dtype(np.float32).itemsize)
        return np.frombuffer(memory, dtype=np.float32, count=size).reshape(rows, columns)
