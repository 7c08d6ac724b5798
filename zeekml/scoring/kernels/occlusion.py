"""Boosted trees with one group of features after the other taken back: `zeekml.scoring.occlusion` row by row.

As in ``zeekml.scoring.kernels.trees`` a feature strikes leaves out by one line of a table. What the features of a group
strike out together is worked out once a row; with all groups before one from the left and all behind it from the right,
taking one group back costs a conjunction a tree. Most trees end up in the same leaf as before then: they are passed
over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled, inlined
from zeekml.scoring.kernels.registers import (
    ABREAST,
    full_words,
    load_words,
    lowest_bit,
    number,
    other_lowest,
    store_lowest,
    store_words,
    struck,
)
from zeekml.scoring.trees import MOST_LEAVES, Words

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], f4[::1], u2[:, ::1], b1[::1], u2[:, ::1], f4[:, ::1], f8[:, ::1])",
)
def occluded(
    matrix: Floats,
    index: Ints,
    group: Ints,
    begin: Ints,
    thresholds: Floats,
    lines: Words,
    strikes: NDArray[np.bool_],
    typical: Words,
    leaves: Floats,
    out: NDArray[np.float64],
) -> None:
    """Log odds (N, G + 1) of rows (N, F): with the features of each of G groups replaced, and last as they are.

    ``index`` (A,) the features that are tested, ``group`` (A,) theirs, -1: in none. The thresholds of the a-th,
    rising, lie from ``begin[a]`` to ``begin[a + 1]``, its ``lines`` (two more than thresholds) from
    ``begin[a] + 2 * a``: by how many thresholds are below the value, the last for a missing one; ``strikes`` says which
    lines strike anything out. ``typical`` (G, T): what each group strikes out with the values that stand in; T
    is a multiple of `ABREAST`.
    """
    groups, trees = typical.shape
    blocks = range(0, trees, ABREAST)
    mine = np.empty((groups + 1, trees), np.uint16)  # the last line: of no group, and then all from the left
    after = np.empty((groups + 1, trees), np.uint16)
    former, other = np.empty(trees, np.uint16), np.empty(ABREAST, np.uint16)
    for i in range(len(matrix)):
        mine[:] = np.uint16(0xFFFF)
        for tested in range(len(index)):
            start = begin[tested]
            line = _line(matrix[i, index[tested]], thresholds, start, begin[tested + 1] - start) + 2 * tested
            if strikes[line]:
                to = (group[tested] if group[tested] >= 0 else groups) * trees
                for block in blocks:
                    store_words(
                        mine, to + block, struck(load_words(mine, to + block), lines, line * trees + block)
                    )
        left = groups * trees
        for block in blocks:
            store_words(after, left + block, full_words())
            for g in range(groups - 1, -1, -1):
                at = g * trees + block
                store_words(after, at, struck(load_words(after, at + trees), mine, at))
            store_lowest(former, block, struck(load_words(mine, left + block), after, block))
        a, b, c, d = 0.0, 0.0, 0.0, 0.0  # four sums, as an addition waits for the one before
        for t in range(0, trees, 4):
            leaf = t * MOST_LEAVES
            a += number(leaves, leaf + former[t])
            b += number(leaves, leaf + MOST_LEAVES + former[t + 1])
            c += number(leaves, leaf + 2 * MOST_LEAVES + former[t + 2])
            d += number(leaves, leaf + 3 * MOST_LEAVES + former[t + 3])
        whole = (a + b) + (c + d)
        out[i, groups] = whole
        for g in range(groups):
            gained = 0.0
            for block in blocks:
                at = g * trees + block
                before = load_words(mine, left + block)
                store_words(mine, left + block, struck(before, mine, at))
                stays = struck(before, after, at + trees)
                taken_back = struck(stays, typical, at)
                moved = other_lowest(struck(stays, mine, at), taken_back)
                if moved:
                    store_lowest(other, 0, taken_back)
                while moved:
                    t = lowest_bit(moved)
                    moved &= moved - 1
                    leaf = (block + t) * MOST_LEAVES
                    gained += np.float64(number(leaves, leaf + other[t]))
                    gained -= np.float64(number(leaves, leaf + former[block + t]))
            out[i, g] = whole + gained


@inlined
def _line(value: np.float32, thresholds: Floats, begin: int, count: int) -> int:
    """How many of so many thresholds from ``begin`` on are below a value, counted from ``begin``; behind all if it is
    missing."""
    if np.isnan(value):
        return begin + count + 1
    low = begin
    while count > 0:
        half = (count + 1) >> 1
        low += half if number(thresholds, low + half - 1) < value else 0
        count -= half
    return low
