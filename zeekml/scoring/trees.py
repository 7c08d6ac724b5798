"""Boosted trees as plain arrays, and their log odds for many rows at once.

A tree is not walked node by node. Its leaves are the bits of a word, from left to right; every node whose test fails
(the value is above its threshold) strikes out the leaves of its left branch, and of what is left the lowest bit is the
leaf that the row falls into (QuickScorer: Lucchese and others, SIGIR 2015). Of one feature those tests fail whose
thresholds lie below the value, so what they strike out together, in all trees, is one line of a table made once:
a row costs a search and the conjunction of one line for each feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Words = NDArray[np.uint16]

#: Leaves of a tree at most: bits of a word.
MOST_LEAVES = 16
#: Fields of a node.
FIELDS = 5
#: Rows that are looked up at once: as many as stay in the cache.
_CHUNK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """What the feature ``index`` strikes out.

    ``lines`` (thresholds + 2, T): the line of a value is the number of thresholds (rising) below it; the last one is
    that of a missing value.
    """

    index: int
    thresholds: Floats
    lines: Words

    def struck(self, values: Floats, out: Words | None = None) -> Words:
        """What values (N,) strike out: (N, T), in ``out`` if it is given."""
        line = np.searchsorted(self.thresholds, values, side="left")
        line[np.isnan(values)] = len(self.lines) - 1
        return np.take(self.lines, line, axis=0, out=out, mode="clip")


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """What up to eight features strike out that have one threshold each: the line's number is their tests as bits.

    A missing value fails no test here; features for which it does are looked up by themselves.
    """

    index: NDArray[np.int64]
    thresholds: Floats
    lines: Words


class Trees:
    """T trees over F features.

    ``nodes`` (T, 15, 5) float32: feature, threshold, first leaf of the left branch and first one after it, and 1 where
    a missing value goes left; a node that strikes out nothing fills up. ``leaves`` (T, 16) float32: what each leaf adds
    to the log odds of not Benign.
    """

    def __init__(self, nodes: Floats, leaves: Floats) -> None:
        self.nodes, self.leaves = nodes, leaves
        self._flat = leaves.ravel()
        self._starts = (np.arange(len(leaves)) * MOST_LEAVES).astype(np.int32)

    @cached_property
    def tables(self) -> list[FeatureTable]:
        """The tables of the features that some node tests."""
        return feature_tables(self.nodes)

    @cached_property
    def _lookups(self) -> tuple[list[FeatureTable], list[_Together]]:
        """Made when first used: who scores with compiled trees never does."""
        return _sorted_out(self.tables)

    def log_odds(self, matrix: Floats) -> NDArray[np.float64]:
        """Log odds (N,) of not Benign for a feature matrix (N, F), NaN where a number is missing."""
        out = np.empty(len(matrix))
        for at in range(0, len(matrix), _CHUNK):
            out[at : at + _CHUNK] = self._chunk(matrix[at : at + _CHUNK])
        return out

    def _chunk(self, matrix: Floats) -> NDArray[np.float64]:
        left = np.full((len(matrix), len(self.leaves)), 0xFFFF, dtype=np.uint16)
        struck = np.empty_like(left)
        alone, together = self._lookups
        for group in together:
            bits = np.packbits(matrix[:, group.index] > group.thresholds, axis=1, bitorder="little")
            np.take(group.lines, bits[:, 0], axis=0, out=struck, mode="clip")
            left &= struck
        for feature in alone:
            left &= feature.struck(np.ascontiguousarray(matrix[:, feature.index]), out=struck)
        return self.totals(left)

    def totals(self, left: Words) -> NDArray[np.float64]:
        """Log odds (N,) by the leaves that are left of each tree (N, T)."""
        lowest = _LOWEST[left & (~left + np.uint16(1))]
        total: NDArray[np.float64] = self._flat.take(lowest + self._starts).sum(axis=1, dtype=np.float64)
        return total


def pooled(network: NDArray[np.float64], trees: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Log odds of not Benign of network and trees together: the mean of both, in which the trees weigh ``share``.

    The odds so pooled are their geometric mean (a logarithmic opinion pool: Genest and Zidek 1986). Both are sure of
    themselves on benign oddities, but not on the same ones. All shapes are the same, whatever they are.
    """
    mean: NDArray[np.float64] = (1 - share) * network + share * trees
    return mean


def _sorted_out(tables: list[FeatureTable]) -> tuple[list[FeatureTable], list[_Together]]:
    """The features that some node tests: those looked up by themselves, and those looked up together."""
    alone: list[FeatureTable] = []
    simple: list[FeatureTable] = []
    for feature in tables:
        one = len(feature.thresholds) == 1 and (feature.lines[-1] == feature.lines[0]).all()
        (simple if one else alone).append(feature)
    return alone, [_joined(simple[at : at + 8]) for at in range(0, len(simple), 8)]


def _joined(features: list[FeatureTable]) -> _Together:
    lines = np.full((1 << len(features), features[0].lines.shape[1]), 0xFFFF, dtype=np.uint16)
    for bit, feature in enumerate(features):
        lines[np.arange(len(lines)) >> bit & 1 == 1] &= feature.lines[1]
    index = np.array([feature.index for feature in features])
    return _Together(index, np.concatenate([feature.thresholds for feature in features]), lines)


def feature_tables(nodes: Floats) -> list[FeatureTable]:
    """The tables of the features that some node tests."""
    count = len(nodes)
    tree = np.repeat(np.arange(count), nodes.shape[1])
    flat = nodes.reshape(-1, FIELDS)
    first, stop = flat[:, 2].astype(np.int64), flat[:, 3].astype(np.int64)
    keeps = (0xFFFF & ~((1 << stop) - (1 << first))).astype(np.uint16)
    active = stop > first
    found = []
    for index in np.flatnonzero(np.bincount(flat[active, 0].astype(np.int64))).tolist():
        mine = np.flatnonzero(active & (flat[:, 0] == index))
        thresholds, place = np.unique(flat[mine, 1], return_inverse=True)
        lines = np.full((len(thresholds) + 2, count), 0xFFFF, dtype=np.uint16)
        np.bitwise_and.at(lines, (place + 1, tree[mine]), keeps[mine])
        # Above a threshold is above those before it.
        np.bitwise_and.accumulate(lines[:-1], axis=0, out=lines[:-1])
        missing = mine[flat[mine, 4] == 0]
        np.bitwise_and.at(lines[-1], tree[missing], keeps[missing])
        found.append(FeatureTable(index, thresholds, lines))
    return found


def _lowest() -> NDArray[np.int32]:
    table = np.zeros(1 << MOST_LEAVES, dtype=np.int32)
    table[1 << np.arange(MOST_LEAVES)] = np.arange(MOST_LEAVES)
    return table


_LOWEST = _lowest()
