"""Bins of every feature: how connections of a feature matrix fall into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.features import Encoding

Floats = NDArray[np.float32]
Counts = NDArray[np.float64]

_AT_ONCE = 16_384
"""Rows that are placed at once: bounds memory."""


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of F features, K each: the first holds what is missing.

    A number has one bin below the first of the encoding's edges, one from each edge on. A flag has one for 0 and one
    for 1; its others stay empty.
    """

    is_number: NDArray[np.bool_]
    edges: Floats

    @classmethod
    def of(cls, encoding: Encoding) -> Bins:
        """Those between the edges that the encoding cuts numbers at."""
        return cls(encoding.is_number, encoding.edges)

    @property
    def shape(self) -> tuple[int, int]:
        """(F, K)."""
        return len(self.is_number), self.edges.shape[1] + 2

    def place(self, matrix: Floats) -> NDArray[np.int64]:
        """The bin (N, F) of each feature of a matrix (N, F)."""
        places = np.empty(matrix.shape, dtype=np.int64)
        _place(
            np.ascontiguousarray(matrix, dtype=np.float32),
            np.ascontiguousarray(self.is_number),
            np.ascontiguousarray(self.edges, dtype=np.float32),
            places,
        )
        return places

    def count(self, matrix: Floats, weights: NDArray[np.floating] | None = None) -> Counts:
        """How many rows of a matrix (N, F) are in each bin: (F, K); with ``weights`` (N,) what they weigh."""
        features, bins = self.shape
        total = np.zeros(features * bins)
        for at in range(0, len(matrix), _AT_ONCE):
            rows = slice(at, at + _AT_ONCE)
            flat = (self.place(matrix[rows]) + bins * np.arange(features)).ravel()
            each = None if weights is None else np.repeat(weights[rows].astype(np.float64), features)
            total += np.bincount(flat, each, len(total))
        return total.reshape(features, bins)


@compiled(
    "void(Array(f4, 2, 'C', readonly=True), Array(b1, 1, 'C', readonly=True),"
    "Array(f4, 2, 'C', readonly=True), i8[:, ::1])"
)
def _place(matrix: Floats, is_number: NDArray[np.bool_], edges: Floats, places: NDArray[np.int64]) -> None:
    """``edges`` (numbers, K - 2): of the features that are numbers, in their order."""
    for i in range(matrix.shape[0]):
        number = 0
        for feature in range(matrix.shape[1]):
            value = matrix[i, feature]
            if not is_number[feature]:
                places[i, feature] = 1 + (value > 0)
                continue
            above = 0
            for edge in edges[number]:
                above += value >= edge
            # A missing number is below no edge and above none.
            places[i, feature] = 0 if np.isnan(value) else 1 + above
            number += 1
