"""Lines of a Zeek TSV log, some kilobytes at a time and there column by column."""

# Where both of two conditions are worked out, a processor need not guess.
# ruff: noqa: PLR0912, PLR0915 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined, routine
from zeekml.records.kernels.ends import (
    BEGINS,
    MARGIN,
    NUMBERS,
    WHOLE,
    WINDOW,
    behind_line,
    field,
    find_ends,
    find_lines,
    is_header,
)
from zeekml.records.kernels.fields import BOOL, LABEL, NUMBER, PORT, REQUIRED, TEXT, few_digits, number_of
from zeekml.records.kernels.texts import (
    MASK,
    MET,
    Ints,
    Places,
    Words,
    add,
    further,
    look_up,
    marks_of,
    set_first,
    tables_of,
)
from zeekml.records.kernels.words import (
    CHUNK,
    HIGH,
    KEPT,
    Bytes,
    Float,
    Int,
    Word,
    address_of,
    eightfold,
    load,
    store,
    zero_bytes,
)

#: What was met among a column's texts: a backslash or a byte that is not ASCII, and the mark of an empty text.
SPECIAL: Final = 1
EMPTY: Final = 2

_NEWLINE: Final = ord("\n")
_STEP: Final = 1024  # bytes
_FILL: Final = ord("x")  # ends no field
_ESCAPES: Final = eightfold(ord("\\"))
_TRUE: Final = np.uint64(ord("T"))
_FALSE: Final = np.uint64(ord("F"))
_NOTHING: Final = np.uint64(0)


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


def room_for_tail() -> Bytes:
    """Memory for what is read last, behind which more is looked at than there is."""
    return np.empty(WINDOW + MARGIN + 4 * CHUNK, dtype=np.uint8)


@inlined
def _is_special(at: Int, length: Int) -> bool:
    """Whether there is a backslash or a byte that is not ASCII in a field."""
    special = _NOTHING
    done = 0
    while done < length:
        word = load(at + done) & KEPT[min(length - done, 8)]
        special |= (word & HIGH) | zero_bytes(word ^ _ESCAPES)
        done += 8
    return bool(special != _NOTHING)


@inlined
def _number(at: Int, length: Int, unset: Word, unset_length: Int, required: bool) -> Float:
    """The number in a field, NaN where it is unset; below 0 for what must be read exactly."""
    word = load(at)
    value, good = few_digits(word, length)
    is_unset = (length == unset_length) & (word & KEPT[unset_length] == unset)
    if good | is_unset:
        return (-1.0 if required else np.nan) if is_unset else value
    if length == 0:
        return -1.0 if required else np.nan
    return number_of(at, length)


@routine
def _read_numbers(
    start: Int, places: Int, count: Int, column: Int, unset: Word, unset_length: Int, required: bool, limit: Float,
    numbers: npt.NDArray[np.float64], output: Int, row: Int, bad: Bytes,
) -> Int:  # fmt: skip
    """Read a column of some whole lines of a window, and mark those in which it must be read exactly.

    Returned: how many these are.
    """
    found = 0
    for line in range(count):
        begin, end = field(places, line, column)
        value = _number(start + begin, end - begin, unset, unset_length, required)
        numbers[output, row + line] = value
        if value < 0 or value > limit:
            bad[line] = 1
            found += 1
    return found


@routine
def _read_ports(
    start: Int, places: Int, count: Int, column: Int, unset: Word, unset_length: Int, required: bool, limit: Float,
    ports: Places, output: Int, row: Int, bad: Bytes,
) -> Int:  # fmt: skip
    found = 0
    for line in range(count):
        begin, end = field(places, line, column)
        value = _number(start + begin, end - begin, unset, unset_length, required)
        port = np.int32(value)
        ports[output, row + line] = port
        if not (0 <= value <= limit and port == value):
            bad[line] = 1
            found += 1
    return found


@routine
def _read_bools(
    start: Int, places: Int, count: Int, column: Int, unset: Word, unset_length: Int, required: bool,
    bools: npt.NDArray[np.int8], output: Int, row: Int, bad: Bytes,
) -> Int:  # fmt: skip
    found = 0
    for line in range(count):
        begin, end = field(places, line, column)
        length = end - begin
        first = load(start + begin) & KEPT[min(length, 8)]
        is_unset = (length == 0) | ((length == unset_length) & (first == unset))
        bools[output, row + line] = -1 if is_unset else first == _TRUE
        known = (length == 1) & ((first == _TRUE) | (first == _FALSE))
        if not (known | is_unset) or (is_unset and required):
            bad[line] = 1
            found += 1
    return found


@routine
def _read_labels(
    start: Int, places: Int, count: Int, column: Int, empty: Word, empty_length: Int, required: bool, special: bool,
    seed: Word, codes: Places, entries: Words, slots: Places, labels: Ints, output: Int, row: Int, bad: Bytes,
) -> Int:  # fmt: skip
    """As `_read_numbers`; entry 0 is the mark for what is unset. ``special``: the window has special characters."""
    found = 0
    entry, table = tables_of(entries, slots, output)
    mask = labels[output, MASK]
    for line in range(count):
        begin, end = field(places, line, column)
        at, length = start + begin, end - begin
        first = load(at) & KEPT[min(length, 8)]
        second = load(at + 8) & KEPT[min(max(length - 8, 0), 8)]
        rest = _NOTHING
        done = 16
        while done < length:
            rest = further(rest, load(at + done) & KEPT[min(length - done, 8)])
            done += 8
        marks = marks_of(length, first, second, rest, seed)
        code, slot = look_up(at, length, first, second, marks, entry, table, mask)
        if length == 0:
            code = -1
        elif slot >= 0:
            code = add(at, first, second, marks, slot, entries, slots, labels, output)
            mask = labels[output, MASK]
            if special and _is_special(at, length):
                labels[output, MET] |= SPECIAL
            if length == empty_length and first == empty:
                labels[output, MET] |= EMPTY
        codes[output, row + line] = code
        if required and (code < 0 or (length == empty_length and first == empty)):
            bad[line] = 1
            found += 1
    return found


@routine
def _read_texts(
    start: Int, places: Int, count: Int, column: Int, unset: Word, unset_length: Int, empty: Word, empty_length: Int,
    required: bool, special: bool, text: Bytes, ends: Places, row: Int, bad: Bytes,
) -> Int:  # fmt: skip
    """As `_read_numbers`; ``ends[row]`` is where the text before ended."""
    found = 0
    target = address_of(text)
    filled = np.int64(ends[row])
    for line in range(count):
        begin, end = field(places, line, column)
        at, length = start + begin, end - begin
        first = load(at) & KEPT[min(length, 8)]
        is_unset = length == 0 or (length == unset_length and first == unset)
        is_empty = length == empty_length and first == empty and not is_unset
        if is_empty or (required and is_unset) or (special and _is_special(at, length)):
            bad[line] = 1
            found += 1
        if not is_unset:
            for word in range(3):
                store(target + filled + 8 * word, load(at + 8 * word))
            done = 24
            while done < length:
                store(target + filled + done, load(at + done))
                done += 8
            filled += length
        ends[row + line + 1] = filled
    return found


@routine
def _without(bad: Bytes, places: Places, count: Int) -> Int:
    """How many whole lines are left of ``count`` when the bad ones are none; no line is bad then."""
    left = 0
    for line in range(count):
        places[WHOLE, left] = places[WHOLE, line]
        places[NUMBERS, left] = places[NUMBERS, line]
        left += bad[line] == 0
        bad[line] = 0
    return left


@compiled(
    "i8(Array(u1, 1, 'C', readonly=True), i8, i8, u1[::1], i8[::1], f8[::1], u8, i8, u8, i8, u8, "
    "f8[:, ::1], i4[:, ::1], i1[:, ::1], i4[:, ::1], u8[:, :, ::1], i4[:, ::1], i8[:, ::1], "
    "u1[::1], i4[::1], i8[::1], i8[:, ::1], i8[::1], i4[:, ::1], u1[::1], u1[::1])"
)
def read_lines(
    data: Bytes,
    at: Int,
    separator: int,
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
    window: Places,
    tail: Bytes,
    bad: Bytes,
) -> Int:
    """Read whole lines from ``at`` to the next header line or the end, and return where that is.

    The column at each place (W,) of a line is read as ``kinds`` says into the row of its kind's array that ``outputs``
    names, numbers up to its ``limits``. What is unset is NaN, -1 or of no length. ``entries``, ``slots`` and ``labels``
    are of texts, see `zeekml.records.kernels.texts`. ``odd`` (place, where it begins) are lines left to the exact
    reader. ``counts``: rows, lines, odd lines, bytes of text. ``window`` (`zeekml.records.kernels.ends.room`), ``tail``
    (`room_for_tail`) and ``bad`` (`WINDOW` zeros) are memory to work in; labels may lie in ``tail``.
    """
    stop = len(data)
    origin = address_of(data)
    last = len(kinds) - 1
    in_tail = False
    row = line = strange = 0
    written: Int = 0
    for column in range(last + 1):
        if kinds[column] & (REQUIRED - 1) == LABEL:
            output = outputs[column]
            set_first(unset_length, unset, seed, entries, slots, labels[output, MASK], output)
    while at < stop:
        if not in_tail and stop - at <= WINDOW + MARGIN:
            # The last lines are read from a copy: what lies behind them may be nobody's.
            in_tail = True
            size = stop - at
            tail[:size] = data[at:]
            if data[stop - 1] != _NEWLINE:
                tail[size] = _NEWLINE
                size += 1
            tail[size : size + 2 * CHUNK] = _FILL
            origin = address_of(tail) - at
            limit = at + size
        size = WINDOW
        if in_tail:
            size = min(size, (limit - at + CHUNK - 1) // CHUNK * CHUNK)
        start = origin + at
        others, special = find_ends(start, size, separator, window)
        lines, whole, behind, header = find_lines(start, others, last, window)
        if lines == 0:
            end = origin + (limit if in_tail else stop)
            if header or is_header(start, end):
                break
            # A line that is longer than the window.
            odd[strange, 0], odd[strange, 1] = line, at
            strange += 1
            line += 1
            at = behind_line(start, end) - origin
            continue
        found = address_of(window)
        while True:
            ends[row] = ends[row + whole] = written
            wrong = 0
            for column in range(last + 1):
                required = kinds[column] >= REQUIRED
                kind = kinds[column] & (REQUIRED - 1)
                output = outputs[column]
                if kind == NUMBER:
                    wrong += _read_numbers(
                        start, found, whole, column, unset, unset_length, required, limits[column],
                        numbers, output, row, bad,
                    )  # fmt: skip
                elif kind == LABEL:
                    wrong += _read_labels(
                        start, found, whole, column, empty, empty_length, required, special, seed,
                        codes, entries, slots, labels, output, row, bad,
                    )  # fmt: skip
                elif kind == PORT:
                    wrong += _read_ports(
                        start, found, whole, column, unset, unset_length, required, limits[column],
                        ports, output, row, bad,
                    )  # fmt: skip
                elif kind == BOOL:
                    wrong += _read_bools(
                        start, found, whole, column, unset, unset_length, required, bools, output, row, bad
                    )
                elif kind == TEXT:
                    wrong += _read_texts(
                        start, found, whole, column, unset, unset_length, empty, empty_length, required, special,
                        text, ends, row, bad,
                    )  # fmt: skip
            if wrong == 0:
                break
            # Those lines are odd as well. The others are read once more: rows and texts have no gaps.
            whole = _without(bad, window, whole)
        read = 0
        for number in range(lines):
            if read < whole and window[NUMBERS, read] == number:
                places[row + read] = line + number
                read += 1
            else:
                odd[strange, 0], odd[strange, 1] = line + number, at + window[BEGINS, number]
                strange += 1
        row += whole
        written = np.int64(ends[row])
        line += lines
        at += behind
        if header:
            break
    counts[0], counts[1], counts[2], counts[3] = row, line, strange, written
    return min(at, stop)
