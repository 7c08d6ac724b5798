"""Large arrays in memory that is used again as soon as nobody looks into it.

Fresh memory for every batch costs as much as working out a good part of it: the system clears each page first, and does
so again for the next batch, as what is freed goes back to it.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_FEWEST: Final = 1 << 18
"""Numbers of an array below which it is not worth it: the allocator keeps small memory by itself."""
_MOST: Final = 8
"""Memories that are held at most: more are only wanted by who keeps what was worked out."""


class Reused:
    """Hands out arrays of float32 for one thread; none shares its memory with another one that is still there."""

    def __init__(self) -> None:
        self._memories: list[Floats] = []

    def matrix(self, rows: int, columns: int) -> Floats:
        """An array (rows, columns) in C order, filled with anything."""
        size = rows * columns
        if size < _FEWEST:
            return np.empty((rows, columns), dtype=np.float32)
        return self._memory(size)[:size].reshape(rows, columns)

    def _memory(self, size: int) -> Floats:
        free = [place for place in range(len(self._memories)) if _users(self._memories, place) == _ALONE]
        for place in free:
            if self._memories[place].size >= size:
                return self._memories[place]
        memory = np.empty(size, dtype=np.float32)
        if free:  # too small, and what comes is mostly as large as what came last
            self._memories[free[0]] = memory
        elif len(self._memories) < _MOST:
            self._memories.append(memory)
        return memory


def _users(memories: list[Floats], place: int) -> int:
    """What refers to a memory: a view of an array, and a view of that, refers to the array itself."""
    return sys.getrefcount(memories[place])


#: What refers to a memory that only the list knows.
_ALONE: Final = _users([np.empty(0, dtype=np.float32)], 0)
