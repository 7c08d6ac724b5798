"""Where the fields of lines end, found for some kilobytes at once: 64 bytes are compared in one step.

Whoever reads a field then knows its length, and neither it nor the next waits for what stands before.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import inlined, routine
from zeekml.records.kernels.words import (
    CHUNK,
    Int,
    address_of,
    byte_of,
    bytes_below,
    bytes_from,
    bytes_like,
    load_half,
    lowest_bit,
    ones,
    store_half,
)

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

WINDOW: Final = 16384  # bytes that are looked through at once; a longer line is odd
MARGIN: Final = 64  # bytes behind a field that are read with it
_AT_ONCE: Final = 12  # ends that are noted without looking whether there are so many
_ROOM: Final = WINDOW + 2 * CHUNK
_NEWLINE: Final = ord("\n")
_CARRIAGE: Final = ord("\r")
_DIRECTIVE: Final = ord("#")
_SPACE: Final = ord(" ")
_BACKSLASH: Final = ord("\\")
_BEYOND_ASCII: Final = 0x80
_ONE: Final = np.uint64(1)
_NOTHING: Final = np.uint64(0)

#: Rows of the memory for a window (`room`): where in it fields end, which of these ends are no separators, and where
#: lines begin; of whole lines, which end is before the first field, and which of all lines they are.
ENDS: Final = 0
OTHERS: Final = 1
BEGINS: Final = 2
WHOLE: Final = 3
NUMBERS: Final = 4
_ROWS: Final = 5


def room() -> Places:
    """Memory for the places in a window."""
    return np.empty((_ROWS, _ROOM), dtype=np.int32)


@routine
def find_ends(start: Int, size: Int, separator: Int, places: Places) -> tuple[Int, bool]:
    """Note the ends of fields in ``size`` bytes from an address on, a whole number of chunks, behind a first end at -1.

    An end is a separator or a control character. Returned: how many of them are no separators, and whether there is a
    backslash or a byte that is not ASCII.
    """
    first = at = address_of(places[ENDS])
    store_half(at, -1)
    at += 4
    other = address_of(places[OTHERS])
    special = _NOTHING
    for offset in range(0, size, CHUNK):
        chunk = start + offset
        separators = bytes_like(chunk, separator)
        ends = bytes_below(chunk, _SPACE) | separators
        special |= bytes_like(chunk, _BACKSLASH) | bytes_from(chunk, _BEYOND_ASCII)
        others = ends & ~separators
        before = (at - first) >> 2
        while others != _NOTHING:
            lower = (others & (_NOTHING - others)) - _ONE
            store_half(other, before + ones(ends & lower))
            other += 4
            others &= others - _ONE
        count = ones(ends)
        noted = at
        for _ in range(_AT_ONCE):
            store_half(noted, offset + lowest_bit(ends))
            ends &= ends - _ONE
            noted += 4
        while ends != _NOTHING:
            store_half(noted, offset + lowest_bit(ends))
            ends &= ends - _ONE
            noted += 4
        at += 4 * count
    return (other - address_of(places[OTHERS])) >> 2, special != _NOTHING


@routine
def find_lines(start: Int, others: Int, last: Int, places: Places) -> tuple[Int, Int, Int, bool]:
    """Note the lines in a window, ``others`` as `find_ends` gave it, up to a header line or the last newline.

    Returned: how many there are; how many of them are whole, with ``last`` separators and no control character but a
    carriage return at the end; where the next begins; whether that is a header line.
    """
    lines = whole = carriage = 0
    begun = 1
    strange = header = False
    for number in range(others):
        end = places[OTHERS, number]
        at = places[ENDS, end]
        byte = byte_of(start + at)
        if byte == _NEWLINE:
            begin = places[ENDS, begun - 1] + 1
            if is_header(start + begin, start + at):
                header = True
                break
            places[BEGINS, lines] = begin
            if carriage:
                strange |= end != carriage + 1 or at != places[ENDS, carriage] + 1
                end = carriage
                carriage = 0
            if end - begun == last and not strange:
                places[WHOLE, whole] = begun - 1
                places[NUMBERS, whole] = lines
                whole += 1
            lines += 1
            begun = places[OTHERS, number] + 1
            strange = False
        elif byte == _CARRIAGE and not carriage:
            carriage = end
        else:
            strange = True
    return lines, whole, places[ENDS, begun - 1] + 1, header


@inlined
def is_header(at: Int, stop: Int) -> bool:
    """Whether a line is one of Zeek's header; an outside truncation leaves NUL bytes before it."""
    while at < stop and byte_of(at) == 0:
        at += 1
    return bool(at < stop and byte_of(at) == _DIRECTIVE)


@routine
def behind_line(at: Int, stop: Int) -> Int:
    """Where the line at an address is over, behind its newline."""
    while at < stop and byte_of(at) != _NEWLINE:
        at += 1
    return at + 1


@inlined
def field(places: Int, line: Int, column: Int) -> tuple[Int, Int]:
    """Where a field of a whole line begins and ends in its window, whose ``places`` lie at an address."""
    end = places + 4 * (load_half(places + 4 * (WHOLE * _ROOM + line)) + column)
    return load_half(end) + 1, load_half(end + 4)
