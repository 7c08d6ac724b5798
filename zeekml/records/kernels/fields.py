"""Fields in the bytes of a log: numbers to the last bit, and texts by the place of their first occurrence."""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined
from zeekml.records.kernels.floats import scaled
from zeekml.records.kernels.words import (
    HIGH,
    Bytes,
    Float,
    Int,
    Word,
    address_of,
    byte_of,
    eightfold,
    load,
    store,
    word_at,
    zeros_below,
)

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

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

_ZEROS: Final = eightfold(ord("0"))
_BEYOND_NINE: Final = eightfold(0x7F - 9)
_TEN: Final = np.uint64(10)
_EIGHT: Final = np.uint64(8)
_SIXTEEN: Final = np.uint64(16)
_PAIRS: Final = np.uint64(0x000000FF000000FF)
_FIRST_PAIRS: Final = np.uint64(100 + (1_000_000 << 32))
_SECOND_PAIRS: Final = np.uint64(1 + (10_000 << 32))
_ONE_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)
SEED: Final = np.uint64(secrets.randbits(64))
"""So that nobody can write texts into a log that share their places in a table."""

#: By how many digits follow: the power of ten, and up to where what stands before them leaves room in 63 bits.
_SHIFTS: Final = np.array([10**count for count in range(9)])
_ROOM: Final = np.array([(2**63 - 1) // 10**count - 1 for count in range(9)])

#: Bytes of an entry in a table of texts, four words: the first 16 bytes of the text, its length and its number plus one
#: (0: the entry is free), and its address.
ENTRY: Final = 32
_CODE_BITS: Final = 31
_CODES: Final = (1 << _CODE_BITS) - 1


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
def further(rest: Word, word: Word) -> Word:
    """What is to be known of a text's bytes from the 17th on, eight bytes later."""
    mixed = np.uint64((rest ^ word) * _OTHER_FACTOR)
    return np.uint64(mixed ^ (mixed >> _HALF))


@inlined
def code_of(
    start: Int,
    length: Int,
    first: Word,
    second: Word,
    rest: Word,
    seed: Word,
    entries: Int,
    mask: Int,
    count: Int,
) -> tuple[Int, Int]:
    """The number of a text among ``count`` different ones, in the order of their first occurrence, and its entry.

    The number is ``count`` if it is new. ``start``: its address; ``first``, ``second``: its first 16 bytes, zeros
    behind its end. ``entries``: the address of entries, one more than ``mask``, a power of two.
    """
    mixed = np.uint64((first ^ seed) * _ONE_FACTOR)
    mixed = np.uint64((mixed ^ (mixed >> _HALF) ^ second ^ rest) * _OTHER_FACTOR)
    slot = np.int64((mixed ^ (mixed >> _HALF)) & np.uint64(mask))
    while True:
        entry = entries + ENTRY * slot
        marks = np.int64(load(entry + 16))
        code = (marks & _CODES) - 1
        if code < 0:
            store(entry, first)
            store(entry + 8, second)
            store(entry + 16, np.uint64(length << _CODE_BITS | (count + 1)))
            store(entry + 24, np.uint64(start))
            return count, slot
        if marks >> _CODE_BITS == length and load(entry) == first and load(entry + 8) == second:
            other = np.int64(load(entry + 24))
            same = 16
            while same < length and byte_of(other + same) == byte_of(start + same):
                same += 1
            if same >= length:
                return code, slot
        slot = (slot + 1) & mask


@inlined
def copy(start: Int, length: Int, stop: Int, target: Int) -> None:
    """Copy bytes from one address to another, behind which there must be room for seven more."""
    done = 0
    while done < length:
        store(target + done, word_at(start + done, stop))
        done += 8


@compiled("i8(i8[:, ::1], i4[:, ::1], u8[:, :, ::1], u1[::1], i8, i8, i4[:, ::1])")
def keep_texts(
    labels: Ints, slots: Places, entries: Words, text: Bytes, at: Int, stop: Int, ends: Places
) -> Int:
    """Copy the different texts of each column to ``text`` from ``at`` on, and free their entries for the next block.

    The n-th text of column c comes to lie from ``ends[c, n]`` to ``ends[c, n + 1]``. ``stop``: the address where what
    was read ends.
    """
    target = address_of(text)
    for column in range(len(labels)):
        ends[column, 0] = at
        for code in range(labels[column, 0]):
            slot = slots[column, code]
            length = np.int64(entries[column, slot, 2]) >> _CODE_BITS
            copy(np.int64(entries[column, slot, 3]), length, stop, target + at)
            at += length
            ends[column, code + 1] = at
            entries[column, slot, 2] = np.uint64(0)
    return at
