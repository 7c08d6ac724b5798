"""Boosted trees: what ``zeekml.scoring.trees.Trees`` says, row by row.

As there, a test that fails strikes out the leaves below one branch, and all that a feature strikes out by lying above
so many thresholds is one line of a table. The lowest leaf left of each tree is where the row ends up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.scoring.trees import MOST_LEAVES, Trees, feature_tables

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: The place of the only bit set in a word of 16, by the four bits it gives with this factor (a de Bruijn sequence).
_FACTOR: Final = np.uint16(0x0F2D)
_PLACES: Final = np.empty(16, dtype=np.uint8)
for _place in range(16):
    _PLACES[((1 << _place) * int(_FACTOR) & 0xFFFF) >> 12] = _place


class CompiledTrees:
    """Trees over F features, laid out for ``lookup``."""

    def __init__(self, trees: Trees) -> None:
        tables = feature_tables(trees.nodes)
        self._index = np.array([table.index for table in tables], dtype=np.int64)
        self._begin = np.cumsum([0, *(len(table.thresholds) for table in tables)], dtype=np.int64)
        self._thresholds = np.concatenate(
            [np.empty(0, np.float32), *(table.thresholds for table in tables)], dtype=np.float32
        )
        width = len(trees.leaves)
        self._lines = np.concatenate([np.empty((0, width), np.uint16), *(table.lines for table in tables)])
        # Nothing is struck out by most features of most rows, as flags that are not set: those lines are passed over.
        self._strikes = (self._lines != np.iinfo(np.uint16).max).any(axis=1)
        self._leaves = np.ascontiguousarray(trees.leaves)

    def log_odds(self, matrix: Floats) -> NDArray[np.float64]:
        """Log odds (N,) of not Benign for a feature matrix (N, F), NaN where a number is missing."""
        out = np.empty(len(matrix))
        lookup(np.ascontiguousarray(matrix), self._index, self._begin, self._thresholds, self._lines, self._strikes,
               self._leaves, out)  # fmt: skip
        return out


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], f4[::1], u2[:, ::1], b1[::1], f4[:, ::1], f8[::1])",
)
def lookup(
    matrix: Floats,
    index: Ints,
    begin: Ints,
    thresholds: Floats,
    lines: NDArray[np.uint16],
    strikes: NDArray[np.bool_],
    leaves: Floats,
    out: NDArray[np.float64],
) -> None:
    """Log odds (N,) of rows (N, F).

    ``index`` (A,) the features that are tested; the thresholds of the a-th, rising, lie from ``begin[a]`` to
    ``begin[a + 1]``, its lines (two more than thresholds) from ``begin[a] + 2 * a``: by how many thresholds are below
    the value, the last for a missing one.
    """
    trees = len(leaves)
    left = np.empty(trees, np.uint16)
    for i in range(len(matrix)):
        for t in range(trees):
            left[t] = np.uint16(0xFFFF)
        for a in range(len(index)):
            value = matrix[i, index[a]]
            start, count = begin[a], begin[a + 1] - begin[a]
            line = start + 2 * a
            if np.isnan(value):
                line += count + 1
            else:
                low = 0
                while count > 0:
                    half = (count + 1) >> 1
                    # Both ways cost alike: the processor need not guess.
                    low += half if thresholds[start + low + half - 1] < value else 0
                    count -= half
                line += low
            if strikes[line]:
                struck = lines[line]
                for t in range(trees):
                    left[t] &= struck[t]
        total = 0.0
        for t in range(trees):
            word = left[t]
            bit = word & np.uint16(~word + np.uint16(1))
            total += leaves[t, _PLACES[np.uint16(bit * _FACTOR) >> np.uint16(12)]]
        out[i] = total


assert MOST_LEAVES == 16  # noqa: S101 - what ``_PLACES`` is made for
