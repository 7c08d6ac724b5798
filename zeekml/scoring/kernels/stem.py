"""Encoding and stem in one: what ``Encoding.encode`` followed by the network's first layer gives.

Flags are mostly 0 and of a number's bins all but one are full or empty. So a row takes from the weights a line for each
flag that is set, and for a number two: the sum of its full bins, worked out beforehand, and the bin it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.features import Encoding
from zeekml.scoring.kernels.dense import WIDTH

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stem:
    """The weights of one member's stem, laid out for ``stem``; A flags, B bins of each of M numbers."""

    flags: Ints
    flag_lines: Floats  # (A, 32)
    numbers: Ints
    low: Floats  # (M, B)
    per_width: Floats  # (M, B)
    full: Floats  # (M, B, 32): bins below, all full
    lines: Floats  # (M, B, 32)
    missing: Floats  # (M, 32)
    bias: Floats  # (32,)

    @classmethod
    def of(cls, encoding: Encoding, weight: Floats, bias: Floats) -> Stem:
        """From a piecewise encoding of C channels and the stem's weight (32, C) and bias (32,)."""
        flags = np.flatnonzero(~encoding.is_number & encoding.used)
        numbers = np.flatnonzero(encoding.is_number & encoding.used)
        edges = encoding.edges[encoding.used[encoding.is_number]]
        lines = weight.T
        ends = np.cumsum([len(flags), len(numbers)])
        bins = np.ascontiguousarray(lines[ends[1] :]).reshape(len(numbers), encoding.bins, WIDTH)
        full = np.zeros_like(bins)
        full[:, 1:] = np.cumsum(bins, axis=1)[:, :-1]
        return cls(
            flags=flags,
            flag_lines=np.ascontiguousarray(lines[: ends[0]]),
            numbers=numbers,
            low=np.ascontiguousarray(edges[:, :-1]),
            per_width=(1 / np.maximum(np.diff(edges, axis=1), np.float32(1e-6))).astype(np.float32),
            full=full,
            lines=bins,
            missing=np.ascontiguousarray(lines[ends[0] : ends[1]]),
            bias=np.ascontiguousarray(bias),
        )

    def __call__(self, matrix: Floats, order: Ints) -> Floats:
        """The stem's output (N, 32) for rows ``order`` (N,) of a feature matrix, in that order."""
        out = np.empty((len(order), WIDTH), dtype=np.float32)
        stem(matrix, order, self.flags, self.flag_lines, self.numbers, self.low, self.per_width, self.full,
             self.lines, self.missing, self.bias, out)  # fmt: skip
        return out


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], f4[:, ::1], i8[::1], f4[:, ::1], f4[:, ::1], f4[:, :, ::1], "
    "f4[:, :, ::1], f4[:, ::1], f4[::1], f4[:, ::1])"
)
def stem(
    matrix: Floats,
    order: Ints,
    flags: Ints,
    flag_lines: Floats,
    numbers: Ints,
    low: Floats,
    per_width: Floats,
    full: Floats,
    lines: Floats,
    missing: Floats,
    bias: Floats,
    out: Floats,
) -> None:
    """``out`` (N, 32) of rows ``order`` (N,) of the matrix; the rest as in ``Stem``."""
    bins = low.shape[1]
    for i in range(len(order)):
        row, y = matrix[order[i]], out[i]
        for j in range(WIDTH):
            y[j] = bias[j]
        for f in range(len(flags)):
            value = row[flags[f]]
            if value != 0:
                for j in range(WIDTH):
                    y[j] += value * flag_lines[f, j]
        for f in range(len(numbers)):
            value = row[numbers[f]]
            if np.isnan(value):
                for j in range(WIDTH):
                    y[j] += missing[f, j]
            elif value > low[f, 0]:
                b = 0
                while b < bins - 1 and value >= low[f, b + 1]:
                    b += 1
                part = min((value - low[f, b]) * per_width[f, b], np.float32(1))
                for j in range(WIDTH):
                    y[j] += full[f, b, j] + part * lines[f, b, j]
        for j in range(WIDTH):
            y[j] = max(y[j], np.float32(0))
