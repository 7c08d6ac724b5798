"""Boosted trees: what ``zeekml.scoring.trees.Trees`` says, row by row.

As there, a test that fails strikes out the leaves below one branch, and all that a feature strikes out by lying above
so many thresholds is one line of a table. The lowest leaf left of each tree is where the row ends up. Lines that strike
nothing out are passed over: those of a flag that is not set are most. Some rows' lines are found first; then 64 trees
after the others go over all those rows, so that their part of the table stays in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled, routine
from zeekml.scoring.kernels.registers import (
    TOGETHER,
    above,
    full_words,
    loader,
    lowest_bit,
    number,
    ones,
    store_lowest,
    struck,
)
from zeekml.scoring.trees import MOST_LEAVES, FeatureTable, Trees

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Numbers that are compared at once.
GROUP: Final = 8
WORD: Final = 64
_ROWS: Final = 64
_load_group = loader(GROUP)


class CompiledTrees:
    """Trees over F features, laid out for ``lookup``."""

    def __init__(self, trees: Trees) -> None:
        tables = trees.tables
        count = len(trees.leaves)
        width = max(1, -(-count // TOGETHER)) * TOGETHER
        ends = np.cumsum([0, *(len(table.lines) for table in tables)])
        lines = np.full((max(1, ends[-1]), width), 0xFFFF, np.uint16)
        for table, begin, end in zip(tables, ends[:-1], ends[1:], strict=True):
            lines[begin:end, :count] = table.lines
        self._strikes = (lines != 0xFFFF).any(axis=1)
        self._places, self._words = _by_block(lines)
        self._leaves = np.zeros((width, MOST_LEAVES), np.float32)
        self._leaves[:count] = trees.leaves

        columns = max([0, *(table.index + 1 for table in tables)])
        self._only = np.full(-(-columns // WORD) * WORD, np.nan, np.float32)
        self._only_line = np.zeros(len(self._only), np.int64)
        searched = []
        for table, begin in zip(tables, ends.tolist(), strict=False):
            if _has_one(table):
                self._only[table.index], self._only_line[table.index] = table.thresholds[0], begin + 1
            else:
                searched.append((table, begin))
        self._index = np.array([table.index for table, _ in searched], np.int64)
        self._first = np.array([begin for _, begin in searched], np.int64)
        self._last = np.array([begin + len(table.lines) - 1 for table, begin in searched], np.int64)
        parts = [part for table, _ in searched for part in _laid_out(table.thresholds)]
        self._parts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        self._thresholds = np.concatenate([np.empty(0, np.float32), *parts])

    def log_odds(self, matrix: Floats) -> NDArray[np.float64]:
        """Log odds (N,) of not Benign for a feature matrix (N, F), NaN where a number is missing."""
        out = np.empty(len(matrix))
        lookup(np.ascontiguousarray(matrix), self._only, self._only_line, self._index, self._first, self._last,
               self._parts, self._thresholds, self._strikes, self._places, self._words, self._leaves, out)  # fmt: skip
        return out


def _has_one(table: FeatureTable) -> bool:
    """Whether a feature has one threshold and strikes nothing out unless its value is above, as a flag."""
    return len(table.thresholds) == 1 and bool((table.lines[[0, -1]] == 0xFFFF).all())


def _by_block(lines: NDArray[np.uint16]) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Where the part of each line lies, by block of 64 trees (B, L), and what lies there, each only once in a block.

    A block's trees know but some of all thresholds, so its part of many lines is the same: what remains is small.
    """
    places, words, end = [], [], 0
    for begin in range(0, lines.shape[1], TOGETHER):
        part = np.ascontiguousarray(lines[:, begin : begin + TOGETHER])
        unlike, place = np.unique(part.view(f"V{2 * TOGETHER}").ravel(), return_inverse=True)
        words.append(unlike.view(np.uint16))
        places.append((place * TOGETHER + end).astype(np.int32))
        end += len(words[-1])
    return np.stack(places), np.concatenate(words)


def _laid_out(thresholds: Floats) -> tuple[Floats, Floats]:
    """The last of each eight thresholds, and all of them, both filled up with NaN to eights; of the latter one more."""
    full = len(thresholds) // GROUP
    every = np.full((full + 1) * GROUP, np.nan, np.float32)
    every[: len(thresholds)] = thresholds
    last = np.full(-(-full // GROUP) * GROUP, np.nan, np.float32)
    last[:full] = every[: full * GROUP].reshape(full, GROUP)[:, -1]
    return last, every


@routine
def struck_lines(
    matrix: Floats,
    row: int,
    only: Floats,
    only_line: Ints,
    index: Ints,
    first: Ints,
    last: Ints,
    parts: Ints,
    thresholds: Floats,
    strikes: NDArray[np.bool_],
    found: Ints,
    begin: int,
) -> int:
    """Write the lines of row ``row`` of the matrix that strike something out into ``found`` from ``begin`` on.

    Returns where they end.
    """
    features = matrix.shape[1]
    place, end = row * features, begin
    columns = min(features, len(only))
    whole = columns - columns % GROUP
    for word in range(0, columns, WORD):
        bits = 0
        for c in range(word, min(word + WORD, whole), GROUP):
            bits |= above(_load_group(matrix, place + c), _load_group(only, c)) << (c - word)
        for c in range(max(word, whole), min(word + WORD, columns)):
            bits |= int(number(matrix, place + c) > number(only, c)) << (c - word)
        while bits != 0:
            found[end] = only_line[word + lowest_bit(bits)]
            end += 1
            bits &= bits - 1
    for a in range(len(index)):
        value = number(matrix, place + index[a])
        passed = 0
        for at in range(parts[2 * a], parts[2 * a + 1], GROUP):
            passed += ones(above(value, _load_group(thresholds, at)))
        passed *= GROUP
        passed += ones(above(value, _load_group(thresholds, parts[2 * a + 1] + passed)))
        line = last[a] if np.isnan(value) else first[a] + passed
        # Both ways cost alike: the processor need not guess.
        found[end] = line
        end += strikes[line]
    return end


@compiled(
    "void(f4[:, ::1], f4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], f4[::1], b1[::1], i4[:, ::1], "
    "u2[::1], f4[:, ::1], f8[::1])"
)
def lookup(
    matrix: Floats,
    only: Floats,
    only_line: Ints,
    index: Ints,
    first: Ints,
    last: Ints,
    parts: Ints,
    thresholds: Floats,
    strikes: NDArray[np.bool_],
    places: NDArray[np.int32],
    words: NDArray[np.uint16],
    leaves: Floats,
    out: NDArray[np.float64],
) -> None:
    """Log odds (N,) of rows (N, F).

    ``only`` (C,): by column the threshold of features that have one, else NaN, and ``only_line`` (C,) what is struck
    out above it. ``index`` (A,) are the others, with the ``first`` and ``last`` (A,) of their lines: by how many
    thresholds are below the value, the last for a missing one. What ``_laid_out`` gave of the a-th lies in
    ``thresholds`` from ``parts[2 * a]`` and from ``parts[2 * a + 1]`` on. ``strikes`` (L,) says which lines strike
    anything out, ``places`` (B, L) where in ``words`` their part for each 64 trees begins; ``leaves`` (64 B, 16) are
    those of B times 64 trees.
    """
    width = len(only) + len(index) + 1
    found = np.empty(_ROWS * width, np.int64)
    ends = np.empty(_ROWS, np.int64)
    left = np.empty(TOGETHER, np.uint16)
    for at in range(0, len(matrix), _ROWS):
        rows = min(_ROWS, len(matrix) - at)
        for i in range(rows):
            ends[i] = struck_lines(
                matrix,
                at + i,
                only,
                only_line,
                index,
                first,
                last,
                parts,
                thresholds,
                strikes,
                found,
                i * width,
            )
            out[at + i] = 0.0
        for block in range(len(places)):
            for i in range(rows):
                kept = full_words()
                for n in range(i * width, ends[i]):
                    kept = struck(kept, words, places[block, found[n]])
                store_lowest(left, 0, kept)
                a, b, c, d = 0.0, 0.0, 0.0, 0.0
                for t in range(0, TOGETHER, 4):
                    leaf = (block * TOGETHER + t) * MOST_LEAVES
                    a += number(leaves, leaf + left[t])
                    b += number(leaves, leaf + MOST_LEAVES + left[t + 1])
                    c += number(leaves, leaf + 2 * MOST_LEAVES + left[t + 2])
                    d += number(leaves, leaf + 3 * MOST_LEAVES + left[t + 3])
                out[at + i] += (a + b) + (c + d)


assert MOST_LEAVES == 16  # noqa: S101 - bits of a word
