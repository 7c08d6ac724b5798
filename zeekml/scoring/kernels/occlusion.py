"""Boosted trees with one group of features after the other taken back: `zeekml.scoring.occlusion` row by row.

As in ``zeekml.scoring.kernels.trees`` a feature strikes leaves out by one line of a table. What the features of a group
strike out together is worked out once a row; with all groups before one from the left and all behind it from the right,
taking one group back costs a conjunction a tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.scoring.trees import MOST_LEAVES, Words

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: The place of the only bit set in a word of 16, by the four bits it gives with this factor (a de Bruijn sequence).
_FACTOR: Final = np.uint16(0x0F2D)
_PLACES: Final = np.empty(MOST_LEAVES, dtype=np.uint8)
for _place in range(MOST_LEAVES):
    _PLACES[((1 << _place) * int(_FACTOR) & 0xFFFF) >> 12] = _place


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], f4[::1], u2[:, ::1], u2[:, ::1], f4[:, ::1], f8[:, ::1])",
)
def occluded(
    matrix: Floats,
    index: Ints,
    group: Ints,
    begin: Ints,
    thresholds: Floats,
    lines: Words,
    typical: Words,
    leaves: Floats,
    out: NDArray[np.float64],
) -> None:
    """Log odds (N, G + 1) of rows (N, F): with the features of each of G groups replaced, and last as they are.

    ``index`` (A,) the features that are tested, ``group`` (A,) theirs, -1: in none. The thresholds of the a-th,
    rising, lie from ``begin[a]`` to ``begin[a + 1]``, its ``lines`` (two more than thresholds) from
    ``begin[a] + 2 * a``: by how many thresholds are below the value, the last for a missing one. ``typical`` (G, T):
    what each group strikes out with the values that stand in.
    """
    groups, trees = typical.shape
    mine = np.empty((groups + 1, trees), np.uint16)  # the last line: of no group, and then all from the left
    after = np.empty((groups + 1, trees), np.uint16)
    for i in range(len(matrix)):
        mine[:] = np.uint16(0xFFFF)
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
                    low += half if thresholds[start + low + half - 1] < value else 0
                    count -= half
                line += low
            to = group[a] if group[a] >= 0 else groups
            for t in range(trees):
                mine[to, t] &= lines[line, t]
        after[groups] = np.uint16(0xFFFF)
        for g in range(groups - 1, -1, -1):
            for t in range(trees):
                after[g, t] = after[g + 1, t] & mine[g, t]
        left = mine[groups]
        for g in range(groups + 1):
            total = 0.0
            for t in range(trees):
                word = left[t]
                if g < groups:
                    word &= typical[g, t] & after[g + 1, t]
                    left[t] &= mine[g, t]
                bit = word & np.uint16(~word + np.uint16(1))
                total += leaves[t, _PLACES[np.uint16(bit * _FACTOR) >> np.uint16(12)]]
            out[i, g] = total
