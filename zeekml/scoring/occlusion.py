"""What trees would say of connections if some features had other values: one fact after the other taken back.

As in ``trees`` every feature strikes leaves out, and what a fact's features strike out together is worked out once for
the connection and once for the values that stand in: with all but one fact's from the left and from the right, a row
costs little more for all facts than for one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.trees import Floats, Trees, Words, feature_tables

_CHUNK = 256


class Occlusion:
    """Trees, the groups (F,), of ``count``, that features are taken back by (-1: never), and the values (F,) that
    stand in."""

    def __init__(self, trees: Trees, groups: NDArray[np.int64], count: int, typical: Floats) -> None:
        self._trees = trees
        self._count = count
        tables = feature_tables(trees.nodes)
        self._always = [table for table in tables if groups[table.index] < 0]
        self._tables = [[t for t in tables if groups[t.index] == group] for group in range(self._count)]
        width = len(trees.leaves)
        self._typical = np.full((self._count, width), 0xFFFF, dtype=np.uint16)
        for group, mine in enumerate(self._tables):
            for table in mine:
                self._typical[group] &= table.struck(typical[table.index : table.index + 1])[0]

    def log_odds(self, matrix: Floats) -> NDArray[np.float64]:
        """Log odds (N, G): of features (N, F) with those of each group replaced."""
        parts = [self._chunk(matrix[at : at + _CHUNK]) for at in range(0, len(matrix), _CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, self._count))

    def _chunk(self, matrix: Floats) -> NDArray[np.float64]:
        rows, width = len(matrix), self._typical.shape[1]
        mine = np.full((self._count, rows, width), 0xFFFF, dtype=np.uint16)
        for group, tables in enumerate(self._tables):
            for table in tables:
                mine[group] &= table.struck(matrix[:, table.index])
        left = np.full((rows, width), 0xFFFF, dtype=np.uint16)
        for table in self._always:
            left &= table.struck(matrix[:, table.index])
        after = self._after(mine)
        found = np.empty((rows, self._count))
        for group in range(self._count):
            found[:, group] = self._trees.totals(left & self._typical[group] & after[group])
            left = left & mine[group]
        return found

    def _after(self, mine: Words) -> Words:
        """(G, N, T): what the groups after each one leave."""
        after = np.full_like(mine, 0xFFFF)
        for group in range(self._count - 2, -1, -1):
            np.bitwise_and(after[group + 1], mine[group + 1], out=after[group])
        return after
