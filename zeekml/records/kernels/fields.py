"""Numbers in the bytes of a log, to the last bit."""

from __future__ import annotations

from typing import Final

import numpy as np

from zeekml.compiled import inlined, routine
from zeekml.records.kernels.floats import EXACT, TENS, scaled
from zeekml.records.kernels.words import (
    HIGH,
    KEPT,
    Float,
    Int,
    Word,
    byte_of,
    eightfold,
    load,
    lowest_bit,
    moved_up,
    word_at,
    zero_bytes,
    zeros_below,
)

POINT: Final = ord(".")
# How a column or a key is read; times that a number alone does not say are JSON's only.
SKIPPED: Final = 0
LABEL: Final = 1
TEXT: Final = 2
BOOL: Final = 3
PORT: Final = 4
NUMBER: Final = 5
TIME: Final = 6
#: Added where it must be there and hold something.
REQUIRED: Final = 8

_POINTS: Final = eightfold(POINT)
_ZEROS: Final = eightfold(ord("0"))
_BEYOND_NINE: Final = eightfold(0x7F - 9)
_TEN: Final = np.uint64(10)
_EIGHT: Final = np.uint64(8)
_SIXTEEN: Final = np.uint64(16)
_HALF: Final = np.uint64(32)
_PAIRS: Final = np.uint64(0x000000FF000000FF)
_FIRST_PAIRS: Final = np.uint64(100 + (1_000_000 << 32))
_SECOND_PAIRS: Final = np.uint64(1 + (10_000 << 32))

#: By how many digits follow: the power of ten, and up to where what stands before them leaves room in 63 bits.
_SHIFTS: Final = np.array([10**count for count in range(9)])
_ROOM: Final = np.array([(2**63 - 1) // 10**count - 1 for count in range(9)])


@inlined
def digits(at: Int, stop: Int, mantissa: Int) -> tuple[Int, Int]:
    """A number continued by the digits at an address, and where they end: -1 where they are too many."""
    while True:
        word = word_at(at, stop) ^ _ZEROS
        others = ((word + _BEYOND_NINE) | word) & HIGH
        count = 8 if others == 0 else zeros_below(others) >> 3
        if count:
            if mantissa > _ROOM[count]:
                return 0, -1
            mantissa = mantissa * _SHIFTS[count] + _eight_digits(word << np.uint64(64 - 8 * count))
            at += count
        if count < 8:
            return mantissa, at


@inlined
def _eight_digits(word: Word) -> Int:
    """The number of eight digits, the first in the lowest byte: pairs, then fours, then all at once."""
    word = word * _TEN + (word >> _EIGHT)
    low = (word & _PAIRS) * _FIRST_PAIRS
    high = ((word >> _SIXTEEN) & _PAIRS) * _SECOND_PAIRS
    return np.int64((low + high) >> _HALF)


@inlined
def decimal(at: Int, stop: Int) -> tuple[Float, Int]:
    """The number of zero or more that begins at an address, digits with at most one point among them, and its end.

    The end is ``at`` where there is no digit, and -1 where there are so many that it must be read exactly.
    """
    mantissa, after = digits(at, stop, 0)
    if after <= at:
        return 0.0, after
    power = 0
    if after < stop and byte_of(after) == POINT:
        first = after + 1
        mantissa, after = digits(first, stop, mantissa)
        power = first - after
    value = scaled(mantissa, power)
    return value, -1 if np.isnan(value) else after


@inlined
def few_digits(word: Word, length: Int) -> tuple[Float, bool]:
    """The number that the first ``length`` bytes of a word are, and whether they are one to eight digits."""
    unused = np.uint64(4 * (8 - min(length, 8)))  # half of the bits to be moved: all 64 at once are none
    word = ((word ^ _ZEROS) << unused) << unused
    others = ((word + _BEYOND_NINE) | word) & HIGH
    return float(_eight_digits(word)), (others == 0) & (length > 0) & (length <= 8)


@routine
def number_of(at: Int, length: Int) -> Float:
    """The number of zero or more that a field is, whose place is known; below 0 for one that must be read exactly.

    Without loops for up to 16 digits. The 17 bytes from ``at`` on must be there.
    """
    first, second = load(at), load(at + 8)
    points = zero_bytes(first ^ _POINTS)
    further = zero_bytes(second ^ _POINTS)
    whole = lowest_bit(points) >> 3
    whole = min(whole + (lowest_bit(further) >> 3 if points == 0 else 0), length)
    count = length - (whole < length)
    if whole < 1 or length > (17 if whole < 16 else 16):
        return _looped(at, length)
    # The digits without the point, then moved to the end of two words.
    before, behind = KEPT[min(whole, 8)], KEPT[max(whole - 8, 0)]
    low = ((first & before) | (load(at + 1) & ~before)) ^ _ZEROS
    high = ((second & behind) | (load(at + 9) & ~behind)) ^ _ZEROS
    high = moved_up(low, high, np.uint64(8 * (16 - count)))
    half = np.uint64(4 * min(16 - count, 8))  # of the bits to be moved: all 64 at once are none
    low = (low << half) << half
    if ((low + _BEYOND_NINE) | low | (high + _BEYOND_NINE) | high) & HIGH:
        return _looped(at, length)
    mantissa = _eight_digits(low) * 100_000_000 + _eight_digits(high)
    part = count - whole
    if mantissa < EXACT:
        return mantissa / TENS[part]
    value = scaled(mantissa, -part)
    return value if value >= 0 else -1.0  # NaN is not


@routine
def _looped(at: Int, length: Int) -> Float:
    value, after = decimal(at, at + length)
    return value if length > 0 and after == at + length else -1.0
