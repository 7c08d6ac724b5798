"""Encoding and stem in one: what ``Encoding.encode`` followed by the network's first layer gives.

Flags are mostly 0 and of a number's bins all but one are full or empty. So a row takes from the weights a line for each
flag that is set, and for a number two: the sum of its full bins, worked out beforehand, and the bin it lies in. Which
ones is found for eight columns at once, as bits of an integer: there is nothing for the processor to guess.
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
    above_or_missing,
    filler,
    loader,
    lowest_bit,
    multiply_add,
    number,
    smaller,
    store,
    unlike,
    where_known,
    where_reached,
)

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Columns that are looked at together, and those whose bits fill an integer.
GROUP: Final = 8
WORD: Final = 64
_AHEAD: Final = 8
_LINE: Final = 16
_ZERO: Final = np.float32(0)
_ONE: Final = np.float32(1)

_load_group = loader(GROUP)
_fill_group = filler(GROUP)
_fill_row = filler(WIDTH)


@dataclass(frozen=True, eq=False)
class Stem:
    """The weights of one member's stem, laid out for ``stem``.

    F features lie in C groups of eight columns, the last one beginning at F - 8, and G of these hold numbers, whose B
    bins each lane knows; lanes that are no number's are not in ``number_bits``.
    """

    flag_bits: Ints  # (C / 8): the columns that are flags, 64 in an integer
    flag_lines: Floats  # (8 C, 32): by column
    starts: Ints  # (G,): first columns
    number_bits: Ints  # (G / 8): the lanes that are numbers, 64 in an integer
    low: Floats  # (G, B, 8): where bins begin
    per_width: Floats  # (G, B, 8)
    first_line: Ints  # (8 G,): of each lane's number
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
        is_number = np.isin(columns, numbers) & ~seen_before
        groups = np.flatnonzero(is_number.any(axis=1))
        lanes = is_number[groups]
        low, per_width = np.zeros((2, len(groups), bins, GROUP), np.float32)
        low.transpose(0, 2, 1)[lanes] = edges[:, :-1]
        per_width.transpose(0, 2, 1)[lanes] = 1 / np.maximum(np.diff(edges, axis=1), np.float32(1e-6))
        first_line = np.zeros(lanes.size, np.int64)
        first_line[np.flatnonzero(lanes)] = np.arange(len(numbers)) * (bins + 1)
        return cls(
            flag_bits=_bits(is_flag),
            flag_lines=flag_lines,
            starts=np.ascontiguousarray(columns[groups, 0]),
            number_bits=_bits(lanes),
            low=low,
            per_width=per_width,
            first_line=first_line,
            lines=lines.reshape(-1, 2, WIDTH),
            bias=np.ascontiguousarray(bias),
        )

    def __call__(self, matrix: Floats, order: Ints) -> Floats:
        """The stem's output (N, 32) for rows ``order`` (N,) of a feature matrix, in that order."""
        out = np.empty((len(order), WIDTH), dtype=np.float32)
        stem(matrix, order, self.flag_bits, self.flag_lines, self.starts, self.number_bits, self.low, self.per_width,
             self.first_line, self.lines, self.bias, out)  # fmt: skip
        return out


def _bits(marks: NDArray[np.bool_]) -> Ints:
    """Marks as bits of integers, the first as the lowest; the last one filled up with 0."""
    full = np.zeros(-(-marks.size // WORD) * WORD, bool)
    full[: marks.size] = marks.ravel()
    return np.packbits(full, bitorder="little").view("<i8").astype(np.int64)


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], f4[:, ::1], i8[::1], i8[::1], f4[:, :, ::1], f4[:, :, ::1], i8[::1], "
    "f4[:, :, ::1], f4[::1], f4[:, ::1])"
)
def stem(
    matrix: Floats,
    order: Ints,
    flag_bits: Ints,
    flag_lines: Floats,
    starts: Ints,
    number_bits: Ints,
    low: Floats,
    per_width: Floats,
    first_line: Ints,
    lines: Floats,
    bias: Floats,
    out: Floats,
) -> None:
    """``out`` (N, 32) of rows ``order`` (N,) of the matrix; the rest as in ``Stem``."""
    features, bins = matrix.shape[1], low.shape[1]
    bin_of, part_of = np.zeros(WORD, np.float32), np.zeros(WORD, np.float32)
    for i in range(len(order)):
        row = order[i] * features
        # The next rows are anywhere in the matrix, where the processor does not look by itself.
        ahead = order[min(i + _AHEAD, len(order) - 1)] * features
        for c in range(0, features, _LINE):
            prefetch(matrix, ahead + c)
        y, z = load_row(bias, 0), _fill_row(_ZERO)
        for word in range(len(flag_bits)):
            bits = 0
            for c in range(word * WORD, min((word + 1) * WORD, features), GROUP):
                group = _load_group(matrix, row + min(c, features - GROUP))
                bits |= unlike(group, _ZERO) << (c - word * WORD)
            bits &= flag_bits[word]
            while bits != 0:
                c = word * WORD + lowest_bit(bits)
                bits &= bits - 1
                # In the last group columns are shifted.
                start = c & -GROUP
                column = min(start, features - GROUP) + c - start
                y = multiply_add(number(matrix, row + column), load_row(flag_lines, c * WIDTH), y)
        for word in range(len(number_bits)):
            bits = 0
            for g in range(word * GROUP, min((word + 1) * GROUP, len(starts))):
                value = _load_group(matrix, row + starts[g])
                at = g * bins * GROUP
                begin, factor, place = _load_group(low, at), _load_group(per_width, at), _fill_group(_ZERO)
                lane = (g - word * GROUP) * GROUP
                bits |= above_or_missing(value, begin) << lane
                for b in range(1, bins):
                    edge = _load_group(low, at + b * GROUP)
                    factor = where_reached(value, edge, _load_group(per_width, at + b * GROUP), factor)
                    begin = where_reached(value, edge, edge, begin)
                    place = place + where_reached(value, edge, _ONE, _fill_group(_ZERO))
                store(bin_of, lane, where_known(value, place, np.float32(bins)))
                store(part_of, lane, where_known(value, smaller(_ONE, (value - begin) * factor), _ZERO))
            bits &= number_bits[word]
            while bits != 0:
                lane = lowest_bit(bits)
                bits &= bits - 1
                line = (first_line[word * WORD + lane] + np.int64(number(bin_of, lane))) * 2 * WIDTH
                y = y + load_row(lines, line)
                z = multiply_add(number(part_of, lane), load_row(lines, line + WIDTH), z)
        store(out, i * WIDTH, relu(y + z))
