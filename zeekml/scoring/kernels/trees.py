"""Boosted trees: what ``zeekml.scoring.trees.Trees`` says, for many rows at once.

Of a number only counts how many of its feature's thresholds lie below it. A byte holds that, so a processor compares a
node's threshold with 64 rows in one step. Every row begins at a tree's first leaf and passes all nodes, the root first
and what lies on a node's left before what lies on its right. At a node are the rows that are at the first leaf on its
left; those whose test fails go on to the first leaf on its right. What differs from row to row is never branched on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled, inlined, routine
from zeekml.compiled.instructions import prefetch
from zeekml.compiled.processor import has_wide_registers
from zeekml.scoring.kernels.registers import (
    TOGETHER,
    adder,
    counted,
    in_line,
    loader,
    no_bytes,
    no_sums,
    passed,
    searcher,
    store_bytes,
    store_sums,
    turned,
    where_missing,
)
from zeekml.scoring.trees import FIELDS, MOST_LEAVES, Trees

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Columns that are looked at together, and rows.
GROUP: Final = 16
#: Thresholds that are counted in a byte at most; of a feature with more every so many are counted by themselves.
_MOST: Final = 63
_NODES: Final = MOST_LEAVES - 1
_NODE: Final = 4
#: As a first leaf on the left: no row is there.
_NOWHERE: Final = 0x7F
_EVERY: Final = 0x01010101
_LINE: Final = 16

_load_rows = loader(TOGETHER)
_WIDE: Final = has_wide_registers()
#: Fewer thresholds are counted one by one, as all are without registers to look them up in.
_FEW: Final = 8 if _WIDE else _MOST + 1
added = adder(wide=_WIDE)
_of_15, _of_31, _of_63 = searcher(4), searcher(5), searcher(6)


class CompiledTrees:
    """Trees over F features, laid out for ``lookup``."""

    #: Nodes of a tree, and fields of a node.
    NODES: Final = _NODES
    NODE: Final = _NODE

    def __init__(self, trees: Trees) -> None:
        count = len(trees.leaves)
        flat = trees.nodes.reshape(-1, FIELDS)
        feature, threshold, first, stop, missing_left = flat.T
        active = stop > first
        columns: list[int] = []
        parts: list[Floats] = []
        column, rank = np.zeros((2, len(flat)), np.int64)
        for index in np.flatnonzero(np.bincount(feature[active].astype(np.int64))).tolist():
            mine = np.flatnonzero(active & (feature == index))
            thresholds, place = np.unique(threshold[mine], return_inverse=True)
            part, rank[mine] = np.divmod(place, _MOST)
            column[mine] = part + len(parts)
            parts += np.split(thresholds, range(_MOST, len(thresholds), _MOST))
            columns += [index] * (len(parts) - len(columns))
        # Where a missing value goes right some column's counts are kept twice.
        right = active & (missing_left == 0)
        twice = np.zeros(len(parts) + 1, bool)
        twice[column[right]] = True
        twin = np.where(twice, len(parts) + np.cumsum(twice) - 1, -1)
        place = np.where(right, twin[column], column) * TOGETHER
        bytes_of = [
            np.where(active, values, unused) for values, unused in ((rank, 0), (first, _NOWHERE), (stop, 0))
        ]
        nodes = np.stack([place, *(values.astype(np.int64) * _EVERY for values in bytes_of)], axis=1)
        # A node comes before those below it, and what lies on its left before what lies on its right.
        order = np.lexsort((-stop.reshape(count, _NODES), first.reshape(count, _NODES)), axis=1)
        ordered = np.take_along_axis(nodes.reshape(count, _NODES, _NODE), order[:, :, None], axis=1)
        self._nodes = ordered.astype(np.int32).ravel()
        self._columns = np.array(columns, np.int64)
        groups = np.flatnonzero(np.bincount(self._columns // GROUP))
        self._starts = groups * GROUP
        self._parts_of = np.searchsorted(self._columns // GROUP, [*groups, np.iinfo(np.int64).max])
        self._edges = parts
        parts = [part if len(part) < _FEW else _as_searched(part) for part in parts]
        self._begins = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        self._thresholds = np.concatenate([np.empty(0, np.float32), *parts])
        self._twins = twin * TOGETHER
        self._counts = (len(parts) + int(twice.sum()) + 1) * TOGETHER
        self._leaves = in_line(trees.leaves)

    @staticmethod
    def _is_node(nodes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which nodes (.., NODE) are none that fill up."""
        mask: NDArray[np.bool_] = nodes[..., 2] != _NOWHERE * _EVERY
        return mask

    def log_odds(self, matrix: Floats) -> NDArray[np.float64]:
        """Log odds (N,) of not Benign for a feature matrix (N, F), NaN where a number is missing."""
        out = np.empty(-(-len(matrix) // TOGETHER) * TOGETHER)
        counts = np.zeros(self._counts, np.int8)
        lookup(wide_enough(matrix), self._starts, self._parts_of, self._columns, self._begins, self._thresholds,
               self._twins, self._nodes, self._leaves, counts, out)  # fmt: skip
        return out[: len(matrix)]


def wide_enough(matrix: Floats) -> Floats:
    """A feature matrix that has a group of columns at least, in C order."""
    if matrix.shape[1] < GROUP:
        matrix = np.pad(matrix, ((0, 0), (0, GROUP - matrix.shape[1])))
    return np.ascontiguousarray(matrix)


def _as_searched(thresholds: Floats) -> Floats:
    """Up to 63 rising thresholds level by level, the middle one first, as ``searcher`` wants them; 16, 32 or 64."""
    levels = max(4, len(thresholds).bit_length())
    every = np.full((1 << levels) - 1, np.inf, np.float32)
    every[: len(thresholds)] = thresholds
    steps = [1 << levels - level for level in range(levels)]
    return np.concatenate([every[:1], *(every[step // 2 - 1 :: step] for step in steps)])


@routine
def count_below(
    matrix: Floats,
    at: int,
    starts: Ints,
    parts_of: Ints,
    columns: Ints,
    begins: Ints,
    thresholds: Floats,
    twins: Ints,
    rows: Ints,
    values: Floats,
    counts: NDArray[np.int8],
) -> None:
    """Count the thresholds below what ``TOGETHER`` rows of the matrix (N, F) hold, from row ``at`` on, the last row
    again for those behind it.

    Thresholds are counted in P parts: of the p-th, of the feature in ``columns`` (P,), they lie from ``begins[p]`` to
    ``begins[p + 1]``, rising. Its counts go to the p-th ``TOGETHER`` of ``counts``; if ``twins`` (P + 1,) is not
    negative there as well, with ``MISSING`` in the place of a missing number. G groups of 16 columns are looked at,
    from ``starts`` (G,) on: the g-th has the parts from ``parts_of[g]`` to ``parts_of[g + 1]``. ``rows`` and ``values``
    are for what comes in between.
    """
    features = matrix.shape[1]
    for i in range(TOGETHER):
        rows[i] = min(at + i, len(matrix) - 1) * features
    for g in range(len(starts)):
        # The last columns are less than a group.
        start = min(starts[g], features - GROUP)
        for i in range(0, TOGETHER, GROUP):
            turned(matrix, rows, i, start, values, i, TOGETHER)
        for p in range(parts_of[g], parts_of[g + 1]):
            column = (columns[p] - start) * TOGETHER
            given = _load_rows(values, column)
            count, many = no_bytes(), begins[p + 1] - begins[p]
            if _WIDE and many == 16:
                count = _of_15(values, column, thresholds, begins[p])
            elif _WIDE and many == 32:
                count = _of_31(values, column, thresholds, begins[p])
            elif _WIDE and many == 64:
                count = _of_63(values, column, thresholds, begins[p])
            else:
                for n in range(begins[p], begins[p + 1]):
                    count = counted(count, given, thresholds[n])
            store_bytes(counts, p * TOGETHER, count)
            if twins[p] >= 0:
                store_bytes(counts, twins[p], where_missing(given, count))


@inlined
def reached(counts: NDArray[np.int8], nodes: NDArray[np.int32], tree: int) -> Any:
    """The leaves of so many rows in a tree, whose ``nodes`` (T, 15, 4), flat, are as ``passed`` wants them."""
    leaf = no_bytes()
    for node in range(_NODES):
        leaf = passed(leaf, counts, nodes, (tree * _NODES + node) * _NODE)
    return leaf


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], i8[::1], f4[::1], i8[::1], i4[::1], f4[:, ::1], i1[::1], f8[::1])"
)
def lookup(
    matrix: Floats,
    starts: Ints,
    parts_of: Ints,
    columns: Ints,
    begins: Ints,
    thresholds: Floats,
    twins: Ints,
    nodes: NDArray[np.int32],
    leaves: Floats,
    counts: NDArray[np.int8],
    out: NDArray[np.float64],
) -> None:
    """Log odds ``out`` of rows (N, F), filled up to whole pieces of ``TOGETHER`` with any numbers.

    What comes before ``nodes`` is as in ``count_below``; of T trees ``nodes`` are as ``reached`` wants them, ``leaves``
    (T, 16) what a leaf adds.
    """
    features = matrix.shape[1]
    values = np.empty(GROUP * TOGETHER, np.float32)
    ahead = TOGETHER * features // (_LINE * max(1, len(leaves))) + 1
    rows = np.empty(TOGETHER, np.int64)
    for at in range(0, len(matrix), TOGETHER):
        count_below(matrix, at, starts, parts_of, columns, begins, thresholds, twins, rows, values, counts)
        sums = no_sums()
        for tree in range(len(leaves)):
            # Meanwhile the next rows come nearer.
            for line in range(tree * ahead, (tree + 1) * ahead):
                prefetch(matrix, (at + TOGETHER) * features + line * _LINE)
            sums = added(sums, reached(counts, nodes, tree), leaves, tree * MOST_LEAVES)
        store_sums(out, at, sums)


assert GROUP == MOST_LEAVES == 16  # noqa: S101 - numbers of a vector
