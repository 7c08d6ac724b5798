"""Fields in the bytes of a log: numbers to the last bit, and texts by the place of their first occurrence."""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined
from zeekml.records.kernels.words import Bytes, address_of, byte_of, load, store, word_at

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

POINT: Final = ord(".")
_ZERO: Final = ord("0")
_ONE_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)
SEED: Final = np.uint64(secrets.randbits(64))
"""So that nobody can write texts into a log that share their places in a table."""

#: More digits than these are left to the exact readers.
_MOST: Final = (2**63 - 10) // 10
#: Numbers below it, and powers of ten up to the 22nd, are float64 without rounding, so that their quotient is rounded
#: once (W. D. Clinger, "How to read floating point numbers accurately", 1990).
_EXACT: Final = 2**53
_TENS: Final = np.array([10.0**power for power in range(23)])

#: Bytes of an entry in a table of texts, four words: the first 16 bytes of the text, its length and its number plus one
#: (0: the entry is free), and its address.
ENTRY: Final = 32
_CODE_BITS: Final = 31
_CODES: Final = (1 << _CODE_BITS) - 1


@inlined
def decimal(at: int, stop: int) -> tuple[float, int]:
    """The number of zero or more that begins at an address, digits with at most one point among them, and its end.

    The end is ``at`` where there is no digit, and -1 where there are so many that it must be read exactly.
    """
    begin = at
    mantissa = 0
    while at < stop:
        digit = byte_of(at) - _ZERO
        if digit < 0 or digit > 9:
            break
        if mantissa > _MOST:
            return 0.0, -1
        mantissa = mantissa * 10 + digit
        at += 1
    if at == begin:
        return 0.0, begin
    decimals = 0
    if at < stop and byte_of(at) == POINT:
        at += 1
        first = at
        while at < stop:
            digit = byte_of(at) - _ZERO
            if digit < 0 or digit > 9:
                break
            if mantissa > _MOST:
                return 0.0, -1
            mantissa = mantissa * 10 + digit
            at += 1
        decimals = at - first
    if mantissa >= _EXACT or decimals >= len(_TENS):
        return 0.0, -1
    return mantissa / _TENS[decimals], at


@inlined
def further(rest: np.uint64, word: np.uint64) -> np.uint64:
    """What is to be known of a text's bytes from the 17th on, eight bytes later."""
    mixed = np.uint64((rest ^ word) * _OTHER_FACTOR)
    return np.uint64(mixed ^ (mixed >> _HALF))


@inlined
def code_of(
    start: int,
    length: int,
    first: np.uint64,
    second: np.uint64,
    rest: np.uint64,
    seed: np.uint64,
    entries: int,
    mask: int,
    count: int,
) -> tuple[int, int]:
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
def copy(start: int, length: int, stop: int, target: int) -> None:
    """Copy bytes from one address to another, behind which there must be room for seven more."""
    done = 0
    while done < length:
        store(target + done, word_at(start + done, stop))
        done += 8


@compiled("i8(i8[:, ::1], i4[:, ::1], u8[:, :, ::1], u1[::1], i8, i8, i4[:, ::1])")
def keep_texts(
    labels: Ints, slots: Places, entries: Words, text: Bytes, at: int, stop: int, ends: Places
) -> int:
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
