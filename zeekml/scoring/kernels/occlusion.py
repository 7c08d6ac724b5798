"""Boosted trees with one group of features after the other taken back: `zeekml.scoring.occlusion` for many rows.

Rows pass the trees as in ``zeekml.scoring.kernels.trees``. What stands in for a feature's value is the same for all of
them, so its counts lie behind those of the rows, and a node of a group that is taken back looks there. In a tree that
does not ask for it a group changes nothing: only the others are passed once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.scoring.kernels.registers import (
    MISSING,
    TOGETHER,
    load_bytes,
    no_sums,
    store_bytes,
    store_sums,
)
from zeekml.scoring.kernels.trees import GROUP, CompiledTrees, added, count_below, reached, wide_enough
from zeekml.scoring.trees import MOST_LEAVES, Trees

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]
Doubles = NDArray[np.float64]


class OccludedTrees(CompiledTrees):
    """Trees, the groups (F,), of ``count``, that features are taken back by (-1: never), and the values (F,) that
    stand in."""

    def __init__(self, trees: Trees, groups: Ints, count: int, typical: Floats) -> None:
        super().__init__(trees)
        feature_of, stands_in = self._standing_in(typical)
        self._with_typical = np.concatenate([np.zeros(self._counts, np.int8), np.repeat(stands_in, TOGETHER)])
        nodes = self._nodes.reshape(len(trees.leaves), self.NODES, self.NODE)
        group_of = np.where(self._is_node(nodes), groups[feature_of[nodes[:, :, 0] // TOGETHER]], -1)
        pairs = [np.flatnonzero((group_of == group).any(axis=1)) for group in range(count)]
        self._pair_begin = np.cumsum([0, *map(len, pairs)], dtype=np.int64)
        self._pair_tree = np.concatenate([np.empty(0, np.int64), *pairs])
        self._pair_nodes = nodes[self._pair_tree]
        taken_back = group_of[self._pair_tree] == np.repeat(np.arange(count), [*map(len, pairs)])[:, None]
        self._pair_nodes[:, :, 0] += taken_back * np.int32(self._counts)

    def occluded(self, matrix: Floats) -> tuple[Doubles, Doubles]:
        """Log odds (N, count) of features (N, F) with those of each group replaced, and (N,) of them as they are."""
        groups, rows = len(self._pair_begin) - 1, -(-len(matrix) // TOGETHER) * TOGETHER
        out = np.empty((2 * groups + 1, rows))
        reaches = np.empty(max(1, len(self._leaves)) * TOGETHER, np.int8)
        ask(wide_enough(matrix), self._starts, self._parts_of, self._columns, self._begins, self._thresholds,
            self._twins, self._nodes, self._leaves, self._pair_begin, self._pair_tree, self._pair_nodes.ravel(),
            self._with_typical.copy(), reaches, out.ravel())  # fmt: skip
        whole = out[-1, : len(matrix)]
        gained = (out[:groups] - out[groups : 2 * groups])[:, : len(matrix)]
        return np.ascontiguousarray(whole[:, None] + gained.T), whole

    def _standing_in(self, typical: Floats) -> tuple[Ints, NDArray[np.int8]]:
        """Of each row of counts its feature, and what is counted of the value that stands in."""
        feature_of = np.zeros(self._counts // TOGETHER, np.int64)
        stands_in = np.zeros(len(feature_of), np.int8)
        for part, (feature, edges) in enumerate(zip(self._columns.tolist(), self._edges, strict=True)):
            value, twin = typical[feature], self._twins[part] // TOGETHER
            feature_of[part], stands_in[part] = feature, np.count_nonzero(edges < value)
            if twin >= 0:
                feature_of[twin] = feature
                stands_in[twin] = MISSING if np.isnan(value) else stands_in[part]
        return feature_of, stands_in


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], i8[::1], f4[::1], i8[::1], i4[::1], f4[:, ::1], i8[::1], i8[::1], "
    "i4[::1], i1[::1], i1[::1], f8[::1])"
)
def ask(
    matrix: Floats,
    starts: Ints,
    parts_of: Ints,
    columns: Ints,
    begins: Ints,
    thresholds: Floats,
    twins: Ints,
    nodes: NDArray[np.int32],
    leaves: Floats,
    pair_begin: Ints,
    pair_tree: Ints,
    pair_nodes: NDArray[np.int32],
    counts: NDArray[np.int8],
    reaches: NDArray[np.int8],
    out: Doubles,
) -> None:
    """What trees say of rows (N, F), the last ones filled up: ``out`` (2 G + 1, N), flat.

    For each of G groups what the trees that ask for it say with it taken back; then what the same trees say as it is;
    last what all trees say as it is. What comes before ``pair_begin`` is as in ``lookup``. The trees of the g-th group
    are ``pair_tree`` (P,) from ``pair_begin[g]`` (G + 1,) on, their nodes with it taken back ``pair_nodes``
    (P, 15, 4), flat. ``reaches`` (T ``TOGETHER``,) is for the leaves.
    """
    groups, stride = len(pair_begin) - 1, len(out) // (2 * len(pair_begin) - 1)
    values, rows = np.empty(GROUP * TOGETHER, np.float32), np.empty(TOGETHER, np.int64)
    for at in range(0, len(matrix), TOGETHER):
        count_below(matrix, at, starts, parts_of, columns, begins, thresholds, twins, rows, values, counts)
        sums = no_sums()
        for tree in range(len(leaves)):
            leaf = reached(counts, nodes, tree)
            store_bytes(reaches, tree * TOGETHER, leaf)
            sums = added(sums, leaf, leaves, tree * MOST_LEAVES)
        store_sums(out, 2 * groups * stride + at, sums)
        for group in range(groups):
            sums = no_sums()
            for pair in range(pair_begin[group], pair_begin[group + 1]):
                sums = added(sums, reached(counts, pair_nodes, pair), leaves, pair_tree[pair] * MOST_LEAVES)
            store_sums(out, group * stride + at, sums)
            sums = no_sums()
            for pair in range(pair_begin[group], pair_begin[group + 1]):
                leaf = load_bytes(reaches, pair_tree[pair] * TOGETHER)
                sums = added(sums, leaf, leaves, pair_tree[pair] * MOST_LEAVES)
            store_sums(out, (groups + group) * stride + at, sums)
