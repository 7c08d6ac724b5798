"""Lines of a Zeek TSV log, read in one pass over their bytes."""

# ruff: noqa: PLR0912, PLR0915, PLR1714, SIM109 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined
from zeekml.records.kernels.fields import (
    BOOL,
    ENTRY,
    LABEL,
    NUMBER,
    PORT,
    REQUIRED,
    TEXT,
    Ints,
    Places,
    Words,
    code_of,
    copy,
    decimal,
    further,
)
from zeekml.records.kernels.words import (
    HIGH,
    Bytes,
    Int,
    Word,
    address_of,
    below,
    byte_of,
    control_bytes,
    eightfold,
    word_at,
    zero_bytes,
    zeros_below,
)

#: What was met among a column's texts: a backslash or a byte that is not ASCII, and the mark of an empty text.
SPECIAL: Final = 1
EMPTY: Final = 2

_NEWLINE: Final = ord("\n")
_STEP: Final = 1024  # bytes
_CARRIAGE: Final = ord("\r")
_DIRECTIVE: Final = ord("#")
_ESCAPES: Final = eightfold(ord("\\"))
_TRUE: Final = np.uint64(ord("T"))
_FALSE: Final = np.uint64(ord("F"))
_NOTHING: Final = np.uint64(0)
_EIGHT: Final = np.uint64(8)


@compiled("i8(Array(u1, 1, 'C', readonly=True))")
def count_lines(data: Bytes) -> int:
    """How many newlines there are."""
    count = 0
    for byte in data:
        count += byte == _NEWLINE
    return count


@compiled("i8(Array(u1, 1, 'C', readonly=True), i8, i8)")
def end_of_lines(data: Bytes, start: int, count: int) -> int:
    """Where the ``count`` lines (1 or more) from ``start`` on end, behind their last newline; below 0, how many are
    missing."""
    stop = len(data)
    while start < stop:
        step = min(_STEP, stop - start)
        found = 0
        for byte in data[start : start + step]:
            found += byte == _NEWLINE
        if found >= count:
            while count > 0:
                count -= data[start] == _NEWLINE
                start += 1
            return start
        count -= found
        start += step
    return -count


@inlined
def text_at(at: Int, stop: Int, separator: Word, last: bool) -> tuple[Int, bool, Word, Word, Word]:
    """Where the text at an address ends, whether it is special, its first 16 bytes and a hash of those behind them.

    Its end is -1 where a control character stands in it: such a line must be read exactly.
    """
    first = second = rest = special = _NOTHING
    begin = at
    while True:
        word = word_at(at, stop)
        ends = control_bytes(word) | zero_bytes(word ^ separator)
        word &= below(ends)
        special |= (word & HIGH) | zero_bytes(word ^ _ESCAPES)
        if at == begin:
            first = word
        elif at == begin + 8:
            second = word
        else:
            rest = further(rest, word)
        if ends != 0:
            break
        at += 8
    at += zeros_below(ends) >> 3
    if at < stop:
        byte = byte_of(at)
        if byte != np.int64(separator & np.uint64(0xFF)) and byte != _NEWLINE:
            ending = last and byte == _CARRIAGE and (at + 1 == stop or byte_of(at + 1) == _NEWLINE)
            if not ending:
                at = -1
    return at, special != _NOTHING, first, second, rest


@compiled(
    "i8(Array(u1, 1, 'C', readonly=True), i8, u8, u1[::1], i8[::1], f8[::1], u8, i8, u8, i8, u8, "
    "f8[:, ::1], i4[:, ::1], i1[:, ::1], i4[:, ::1], u8[:, :, ::1], i4[:, ::1], i8[:, ::1], "
    "u1[::1], i4[::1], i8[::1], i8[:, ::1], i8[::1])"
)
def read_lines(
    data: Bytes,
    at: Int,
    separator: np.uint64,
    kinds: Bytes,
    outputs: Ints,
    limits: npt.NDArray[np.float64],
    unset: np.uint64,
    unset_length: int,
    empty: np.uint64,
    empty_length: int,
    seed: np.uint64,
    numbers: npt.NDArray[np.float64],
    ports: Places,
    bools: npt.NDArray[np.int8],
    codes: Places,
    entries: Words,
    slots: Places,
    labels: Ints,
    text: Bytes,
    ends: Places,
    places: Ints,
    odd: Ints,
    counts: Ints,
) -> Int:
    """Read whole lines from ``at`` to the next header line or the end, and return where that is.

    The column at each place (W,) of a line is read as ``kinds`` says into the row of its kind's array that ``outputs``
    names, numbers up to its ``limits``. What is unset is NaN, -1 or of no length. ``labels``: how many different texts
    each column has, and what was met in them. ``odd`` (place, where it begins) are lines left to the exact reader.
    ``counts``: rows, lines, odd lines, bytes of text.
    """
    base = address_of(data)
    at += base
    stop = base + len(data)
    pool = address_of(text)
    mask = entries.shape[1] - 1
    table = address_of(entries)
    last = len(kinds) - 1
    ending = np.int64(separator & np.uint64(0xFF))
    row = line = strange = written = 0
    while at < stop:
        begin = at
        if byte_of(at) == _DIRECTIVE or byte_of(at) == 0:
            while at < stop and byte_of(at) == 0:
                at += 1
            if at < stop and byte_of(at) == _DIRECTIVE:
                at = begin
                break
            at = begin
        good = True
        filled = written
        for column in range(last + 1):
            required = kinds[column] >= REQUIRED
            kind = kinds[column] & (REQUIRED - 1)
            output = outputs[column]
            start = at
            if kind >= PORT:
                value, after = decimal(at, stop)
                if after == at and not required:
                    value = np.nan
                    word = word_at(at, stop)
                    if unset_length and (word << (_EIGHT * np.uint64(8 - unset_length))) == (
                        unset << (_EIGHT * np.uint64(8 - unset_length))
                    ):
                        after = min(at + unset_length, stop)
                elif after <= at or value > limits[column]:
                    good = False
                    break
                at = after
                if kind == NUMBER:
                    numbers[output, row] = value
                else:
                    port = np.int32(value)
                    if port != value:
                        good = False
                        break
                    ports[output, row] = port
            else:
                after, special, first, second, rest = text_at(at, stop, separator, column == last)
                if after < 0:
                    good = False
                    break
                at = after
                length = at - start
                is_unset = length == 0 or (length == unset_length and first == unset)
                is_empty = length == empty_length and first == empty and not is_unset
                if required and (is_unset or is_empty):
                    good = False
                    break
                if kind == LABEL:
                    code = -1
                    if not is_unset:
                        count = labels[output, 0]
                        entry = table + output * (mask + 1) * ENTRY
                        code, slot = code_of(start, length, first, second, rest, seed, entry, mask, count)
                        if code == count:
                            slots[output, count] = slot
                            labels[output, 0] += 1
                            labels[output, 1] |= (SPECIAL if special else 0) | (EMPTY if is_empty else 0)
                    codes[output, row] = code
                elif kind == TEXT:
                    if special or is_empty:
                        good = False
                        break
                    if not is_unset:
                        copy(start, length, stop, pool + filled)
                        filled += length
                    ends[row + 1] = filled
                elif kind == BOOL:
                    if is_unset:
                        bools[output, row] = -1
                    elif first == _TRUE or first == _FALSE:
                        bools[output, row] = first == _TRUE
                    else:
                        good = False
                        break
            if column < last:
                if at == stop or byte_of(at) != ending:
                    good = False
                    break
                at += 1
            else:
                if at < stop and byte_of(at) == _CARRIAGE:
                    at += 1
                good = at == stop or byte_of(at) == _NEWLINE
        if good:
            places[row] = line
            written = filled
            row += 1
        else:
            odd[strange, 0] = line
            odd[strange, 1] = begin - base
            strange += 1
            while at < stop and byte_of(at) != _NEWLINE:
                at += 1
        at += 1
        line += 1
    counts[0], counts[1], counts[2], counts[3] = row, line, strange, written
    return min(at, stop) - base
