"""Encoding and stem in one: what ``Encoding.encode`` followed by the network's first layer gives.

Flags are mostly 0 and of a number's bins all but one are full or empty. So a row takes from the weights a line for each
flag that is set, and for a number two: the sum of its full bins, worked out beforehand, and the bin it lies in. Which
flags are set is found for sixteen columns at once, as bits of an integer; in which bins numbers lie for sixteen rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.compiled.instructions import prefetch
from zeekml.features import Encoding
from zeekml.scoring.kernels.dense import WIDTH, load_row, relu
from zeekml.scoring.kernels.registers import (
    filler,
    in_line,
    larger,
    loader,
    lowest_bit,
    multiply_add,
    number,
    smaller,
    store,
    store_whole,
    turned,
    unlike,
    where_known,
    where_reached,
)

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Columns that are looked at together, or rows, and columns whose bits fill an integer.
GROUP: Final = 16
WORD: Final = 64
#: Rows whose bins are found before their lines are added up.
_ROWS: Final = 64
_LINE: Final = 16
_ZERO: Final = np.float32(0)
_ONE: Final = np.float32(1)

_load_group = loader(GROUP)
_fill_group = filler(GROUP)
_fill_row = filler(WIDTH)


@dataclass(frozen=True, eq=False)
class Stem:
    """The weights of one member's stem, laid out for ``stem``.

    F features lie in C groups of sixteen columns, the last one beginning at F - 16, and G of these hold numbers; M
    numbers have B bins each.
    """

    flag_bits: Ints  # (C / 4): the columns that are flags, 64 in an integer
    flag_lines: Floats  # (16 C, 32): by column
    starts: Ints  # (G,): first columns
    numbers_of: Ints  # (G + 1,): where each group's numbers begin
    lanes: Ints  # (M,): of each number its column in the group
    low: Floats  # (M, B): where bins begin
    per_width: Floats  # (M, B)
    lines: Floats  # (M (B + 1), 2, 32): of M numbers the bins below, all full, and the bin; last a missing one's, and 0
    bias: Floats  # (32,)

    @classmethod
    def of(cls, encoding: Encoding, weight: Floats, bias: Floats) -> Stem:
        """From a piecewise encoding of C channels and the stem's weight (32, C) and bias (32,)."""
        flags = np.flatnonzero(~encoding.is_number & encoding.used)
        numbers = np.flatnonzero(encoding.is_number & encoding.used)
        edges = encoding.edges[encoding.used[encoding.is_number]]
        features, bins = len(encoding.used), encoding.bins
        weights = np.split(weight.T, np.cumsum([len(flags), len(numbers)]))
        of_bins = np.ascontiguousarray(weights[2]).reshape(len(numbers), bins, WIDTH)
        lines = np.zeros((len(numbers), bins + 1, 2, WIDTH), np.float32)
        lines[:, 1:-1, 0] = np.cumsum(of_bins, axis=1)[:, :-1]
        lines[:, :-1, 1] = of_bins
        lines[:, -1, 0] = weights[1]

        columns = np.minimum(np.arange(0, features, GROUP), features - GROUP)[:, None] + np.arange(GROUP)
        seen_before = np.zeros(columns.shape, bool)
        seen_before[-1] = columns[-1] < columns[-1, 0] + (GROUP - features) % GROUP
        is_flag = np.isin(columns, flags) & ~seen_before
        flag_lines = np.zeros((columns.size, WIDTH), np.float32)
        flag_lines[np.flatnonzero(is_flag)] = weights[0]
        group, lane = np.nonzero(np.isin(columns, numbers) & ~seen_before)
        groups = np.flatnonzero(np.bincount(group))
        return cls(
            flag_bits=_bits(is_flag),
            flag_lines=in_line(flag_lines),
            starts=np.ascontiguousarray(columns[groups, 0]),
            numbers_of=np.searchsorted(group, [*groups, len(columns)]).astype(np.int64),
            lanes=lane.astype(np.int64),
            low=np.ascontiguousarray(edges[:, :-1]),
            per_width=(1 / np.maximum(np.diff(edges, axis=1), np.float32(1e-6))).astype(np.float32),
            lines=in_line(lines.reshape(-1, 2, WIDTH)),
            bias=in_line(bias),
        )

    def __call__(self, matrix: Floats, order: Ints, out: Floats) -> None:
        """The stem's output ``out`` (N or more, 32) for rows ``order`` (N,) of a feature matrix, in that order."""
        stem(matrix, order, self.flag_bits, self.flag_lines, self.starts, self.numbers_of, self.lanes, self.low,
             self.per_width, self.lines, self.bias, out)  # fmt: skip


def _bits(marks: NDArray[np.bool_]) -> Ints:
    """Marks as bits of integers, the first as the lowest; the last one filled up with 0."""
    full = np.zeros(-(-marks.size // WORD) * WORD, bool)
    full[: marks.size] = marks.ravel()
    return np.packbits(full, bitorder="little").view("<i8").astype(np.int64)


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], f4[:, ::1], i8[::1], i8[::1], i8[::1], f4[:, ::1], f4[:, ::1], "
    "f4[:, :, ::1], f4[::1], f4[:, ::1])"
)
def stem(  # noqa: PLR0912 - one pass over the rows
    matrix: Floats,
    order: Ints,
    flag_bits: Ints,
    flag_lines: Floats,
    starts: Ints,
    numbers_of: Ints,
    lanes: Ints,
    low: Floats,
    per_width: Floats,
    lines: Floats,
    bias: Floats,
    out: Floats,
) -> None:
    """``out`` (N, 32) of rows ``order`` (N,) of the matrix; the rest as in ``Stem``."""
    features, (numbers, bins) = matrix.shape[1], low.shape
    rows, values = np.empty(_ROWS, np.int64), np.empty(GROUP * _ROWS, np.float32)
    line_of, part_of = np.empty(numbers * _ROWS, np.int32), np.empty(numbers * _ROWS, np.float32)
    for begin in range(0, len(order), _ROWS):
        for i in range(_ROWS):
            rows[i] = order[min(begin + i, len(order) - 1)] * features
        for g in range(len(starts)):
            for i in range(0, _ROWS, GROUP):
                turned(matrix, rows, i, starts[g], values, i, _ROWS)
            for n in range(numbers_of[g], numbers_of[g + 1]):
                for i in range(0, _ROWS, GROUP):
                    value = _load_group(values, lanes[n] * _ROWS + i)
                    first = _fill_group(low[n, 0])
                    edge, factor, place = first, _fill_group(per_width[n, 0]), _fill_group(_ZERO)
                    for b in range(1, bins):
                        factor = where_reached(value, low[n, b], per_width[n, b], factor)
                        edge = where_reached(value, low[n, b], low[n, b], edge)
                        place = place + where_reached(value, low[n, b], _ONE, _fill_group(_ZERO))
                    # A value on the first edge fills no bin, though others may begin there as well.
                    place = where_reached(first, value, _ZERO, place)
                    place = where_known(value, place, np.float32(bins)) + np.float32(n * (bins + 1))
                    store_whole(line_of, n * _ROWS + i, place * np.float32(2 * WIDTH))
                    part = larger(_ZERO, smaller(_ONE, (value - edge) * factor))
                    store(part_of, n * _ROWS + i, where_known(value, part, _ZERO))
        for i in range(min(_ROWS, len(order) - begin)):
            # The next rows are anywhere in the matrix, where the processor does not look by itself.
            ahead = order[min(begin + i + _ROWS, len(order) - 1)] * features
            for c in range(0, features, _LINE):
                prefetch(matrix, ahead + c)
            y, z = load_row(bias, 0), _fill_row(_ZERO)
            for word in range(len(flag_bits)):
                bits = 0
                for c in range(word * WORD, min((word + 1) * WORD, features), GROUP):
                    group = _load_group(matrix, rows[i] + min(c, features - GROUP))
                    bits |= unlike(group, _ZERO) << (c - word * WORD)
                bits &= flag_bits[word]
                while bits != 0:
                    c = word * WORD + lowest_bit(bits)
                    bits &= bits - 1
                    # In the last group columns are shifted.
                    start = c & -GROUP
                    column = min(start, features - GROUP) + c - start
                    y = multiply_add(number(matrix, rows[i] + column), load_row(flag_lines, c * WIDTH), y)
            for n in range(numbers):
                line = np.int64(line_of[np.uint64(n * _ROWS + i)])
                y = y + load_row(lines, line)
                z = multiply_add(number(part_of, n * _ROWS + i), load_row(lines, line + WIDTH), z)
            store(out, (begin + i) * WIDTH, relu(y + z))
