"""What trees would say of connections if some features had other values: one fact after the other taken back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.kernels.registers import ABREAST
from zeekml.scoring.trees import MOST_LEAVES, Floats, Trees


class Occlusion:
    """Trees, the groups (F,), of ``count``, that features are taken back by (-1: never), and the values (F,) that
    stand in."""

    def __init__(self, trees: Trees, groups: NDArray[np.int64], count: int, typical: Floats) -> None:
        self._count = count
        tables, count_of_trees = trees.tables, len(trees.leaves)
        width = -(-count_of_trees // ABREAST) * ABREAST  # filled up with trees that add nothing
        self._index = np.array([table.index for table in tables], dtype=np.int64)
        self._group = groups[self._index].astype(np.int64)
        self._begin = np.cumsum([0, *(len(table.thresholds) for table in tables)], dtype=np.int64)
        self._thresholds = np.concatenate(
            [np.empty(0, np.float32), *(table.thresholds for table in tables)], dtype=np.float32
        )
        self._lines = np.full((len(self._thresholds) + 2 * len(tables), width), 0xFFFF, np.uint16)
        np.concatenate(
            [np.empty((0, count_of_trees), np.uint16), *(table.lines for table in tables)],
            out=self._lines[:, :count_of_trees],
        )
        self._strikes = (self._lines != 0xFFFF).any(axis=1)
        self._leaves = np.zeros((width, MOST_LEAVES), dtype=np.float32)
        self._leaves[:count_of_trees] = trees.leaves
        self._typical = np.full((count, width), 0xFFFF, dtype=np.uint16)
        for table, group in zip(tables, self._group.tolist(), strict=True):
            if group >= 0:
                self._typical[group, :count_of_trees] &= table.struck(typical[table.index : table.index + 1])[
                    0
                ]

    def log_odds(self, matrix: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log odds (N, G) of features (N, F) with those of each group replaced, and (N,) of them as they are."""
        from zeekml.scoring.kernels.occlusion import occluded  # noqa: PLC0415 - is compiled or loaded

        out = np.empty((len(matrix), self._count + 1))
        occluded(np.ascontiguousarray(matrix), self._index, self._group, self._begin, self._thresholds, self._lines,
                 self._strikes, self._typical, self._leaves, out)  # fmt: skip
        return out[:, :-1], out[:, -1]
