"""Encoding and stem in one: what ``Encoding.encode`` followed by the network's first layer gives.

Flags are mostly 0 and of a number's bins all but one are full or empty. So a row takes from the weights a line for each
flag that is set, and for a number two: the sum of its full bins, worked out beforehand, and the bin it lies in. Which
ones is written down first, without a branch that the processor could guess wrong, and added up then in registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Encoding
from zeekml.scoring.kernels.compiled import compiled
from zeekml.scoring.kernels.dense import WIDTH, load_row, relu
from zeekml.scoring.kernels.vectors import filler, loader, multiply_add, number, reached, store

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Edges of bins that are compared at once.
_EDGES: Final = 8
_ZERO: Final = np.float32(0)
_load_edges = loader(_EDGES)
_nothing = filler(WIDTH)


@dataclass(frozen=True, eq=False)
class Stem:
    """The weights of one member's stem, laid out for ``stem``; A flags, B bins of each of M numbers."""

    flags: Ints
    flag_lines: Floats  # (A, 32)
    numbers: Ints
    low: Floats  # (M, B + 1): where bins begin, and 0 for a missing number
    per_width: Floats  # (M, B + 1): and 0
    inner: Floats  # (M, E): where all bins but the first begin, filled up with NaN to a multiple of eight
    lines: Floats  # (M, B + 1, 2, 32): bins below, all full, and the bin; that of a missing number, and 0
    bias: Floats  # (32,)

    @classmethod
    def of(cls, encoding: Encoding, weight: Floats, bias: Floats) -> Stem:
        """From a piecewise encoding of C channels and the stem's weight (32, C) and bias (32,)."""
        flags = np.flatnonzero(~encoding.is_number & encoding.used)
        numbers = np.flatnonzero(encoding.is_number & encoding.used)
        edges = encoding.edges[encoding.used[encoding.is_number]]
        lines, count = weight.T, len(numbers)
        ends = np.cumsum([len(flags), count])
        bins = np.ascontiguousarray(lines[ends[1] :]).reshape(count, encoding.bins, WIDTH)
        both = np.zeros((count, encoding.bins + 1, 2, WIDTH), np.float32)
        both[:, :-1, 1] = bins
        both[:, 1:-1, 0] = np.cumsum(bins, axis=1)[:, :-1]
        both[:, -1, 0] = lines[ends[0] : ends[1]]
        low, per_width = np.zeros((2, count, encoding.bins + 1), np.float32)
        low[:, :-1] = edges[:, :-1]
        per_width[:, :-1] = 1 / np.maximum(np.diff(edges, axis=1), np.float32(1e-6))
        inner = np.full((count, -(-encoding.bins // _EDGES) * _EDGES), np.nan, np.float32)
        inner[:, : encoding.bins - 1] = edges[:, 1:-1]
        return cls(
            flags=flags,
            flag_lines=np.ascontiguousarray(lines[: ends[0]]),
            numbers=numbers,
            low=low,
            per_width=per_width,
            inner=inner,
            lines=both,
            bias=np.ascontiguousarray(bias),
        )

    def __call__(self, matrix: Floats, order: Ints) -> Floats:
        """The stem's output (N, 32) for rows ``order`` (N,) of a feature matrix, in that order."""
        out = np.empty((len(order), WIDTH), dtype=np.float32)
        stem(matrix, order, self.flags, self.flag_lines, self.numbers, self.low, self.per_width, self.inner,
             self.lines, self.bias, out)  # fmt: skip
        return out


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], f4[:, ::1], i8[::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], "
    "f4[:, :, :, ::1], f4[::1], f4[:, ::1])"
)
def stem(
    matrix: Floats,
    order: Ints,
    flags: Ints,
    flag_lines: Floats,
    numbers: Ints,
    low: Floats,
    per_width: Floats,
    inner: Floats,
    lines: Floats,
    bias: Floats,
    out: Floats,
) -> None:
    """``out`` (N, 32) of rows ``order`` (N,) of the matrix; the rest as in ``Stem``."""
    bins, edges = low.shape[1] - 1, inner.shape[1]
    set_ones = np.empty(len(flags) + 1, np.int64)
    line, part = np.empty(len(numbers) + 1, np.int64), np.empty(len(numbers) + 1, np.float32)
    for i in range(len(order)):
        row = order[i] * matrix.shape[1]
        found = 0
        for f in range(len(flags)):
            set_ones[found] = f
            found += number(matrix, row + flags[f]) != 0
        counted = 0
        for m in range(len(numbers)):
            value = number(matrix, row + numbers[m])
            b = 0
            for e in range(0, edges, _EDGES):
                b += reached(_load_edges(inner, m * edges + e), value)
            missing = value != value  # noqa: PLR0124 - NaN alone
            b = bins if missing else b
            place = m * (bins + 1) + b
            line[counted] = place
            # Of a missing number this is NaN, and its second line 0 must not be multiplied by that.
            share = min((value - number(low, place)) * number(per_width, place), np.float32(1))
            part[counted] = _ZERO if missing else share
            counted += missing or value > number(low, m * (bins + 1))
        y, z = load_row(bias, 0), _nothing(_ZERO)
        for n in range(found):
            f = set_ones[n]
            y = multiply_add(number(matrix, row + flags[f]), load_row(flag_lines, f * WIDTH), y)
        for n in range(counted):
            at = line[n] * 2 * WIDTH
            y = y + load_row(lines, at)
            z = multiply_add(part[n], load_row(lines, at + WIDTH), z)
        store(out, i * WIDTH, relu(y + z))
