"""Texts in the bytes of a log, numbered in the order of their first occurrence.

The entry of a text says what tells it from others; a table of slots finds entries by a hash. Tables begin small and
grow with the texts that a block has: a small one stays near the processor, and fresh memory costs for each page.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined, routine
from zeekml.records.kernels.words import (
    Bytes,
    Int,
    Word,
    address_of,
    byte_of,
    load,
    load_half,
    store,
    store_half,
    word_at,
)

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]

_ONE_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_OTHER_FACTOR: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)
_LOW_HALF: Final = np.uint64(0xFFFFFFFF)
SEED: Final = np.uint64(secrets.randbits(64))
"""So that nobody can write texts into a log that share their places in a table."""

#: Bytes of an entry, four words: the first 16 bytes of the text, its hash and length, and its address.
ENTRY: Final = 32
#: Slots of the smallest table, and how many there are for each text.
LEAST_SLOTS: Final = 64
SPARE: Final = 4

# What is known of a column's texts (`Columns.labels`): how many there are, what was met in them, the last place in its
# table of slots.
COUNT: Final = 0
MET: Final = 1
MASK: Final = 2


@inlined
def further(rest: Word, word: Word) -> Word:
    """What is to be known of a text's bytes from the 17th on, eight bytes later."""
    mixed = np.uint64((rest ^ word) * _OTHER_FACTOR)
    return np.uint64(mixed ^ (mixed >> _HALF))


@inlined
def marks_of(length: Int, first: Word, second: Word, rest: Word, seed: Word) -> Word:
    """The hash of a text and its length in one word."""
    mixed = np.uint64((first ^ seed) * _ONE_FACTOR)
    mixed = np.uint64((mixed ^ (mixed >> _HALF) ^ second ^ rest) * _OTHER_FACTOR)
    return np.uint64((mixed & ~_LOW_HALF) | np.uint64(length))


@inlined
def code_of(
    start: Int,
    length: Int,
    first: Word,
    second: Word,
    rest: Word,
    seed: Word,
    entries: Words,
    slots: Places,
    labels: Ints,
    column: Int,
) -> Int:
    """The number of a text among those of its column, which are one more then if it is new: its number is their count.

    ``start``: its address; ``first``, ``second``: its first 16 bytes, zeros behind its end. -1 for the text that is in
    the column's entry 0.
    """
    marks = marks_of(length, first, second, rest, seed)
    entry, table = tables_of(entries, slots, column)
    code, slot = look_up(start, length, first, second, marks, entry, table, labels[column, MASK])
    return code if slot < 0 else add(start, first, second, marks, slot, entries, slots, labels, column)


@inlined
def tables_of(entries: Words, slots: Places, column: Int) -> tuple[Int, Int]:
    """The addresses of a column's entries and of its slots."""
    entry = address_of(entries) + ENTRY * column * entries.shape[1]
    return entry, address_of(slots) + 4 * column * slots.shape[1]


@inlined
def look_up(
    start: Int, length: Int, first: Word, second: Word, marks: Word, entry: Int, table: Int, mask: Int
) -> tuple[Int, Int]:
    """The number of a text as in `code_of` and -1; if it is new, its slot, which is free, is the second."""
    slot = np.int64(marks >> _HALF) & mask
    while True:
        found = load_half(table + 4 * slot)
        if found == 0:
            return -1, slot
        other = entry + ENTRY * (found - 1)
        unlike = (load(other + 16) ^ marks) | (load(other) ^ first) | (load(other + 8) ^ second)
        if unlike == 0 and (length <= 16 or _is_same(start, np.int64(load(other + 24)), length)):
            return found - 2, -1
        slot = (slot + 1) & mask


@routine
def _is_same(one: Int, other: Int, length: Int) -> bool:
    same = 16
    while same < length and byte_of(one + same) == byte_of(other + same):
        same += 1
    return bool(same >= length)


@routine
def add(
    start: Int,
    first: Word,
    second: Word,
    marks: Word,
    slot: Int,
    entries: Words,
    slots: Places,
    labels: Ints,
    column: Int,
) -> Int:
    """Number a new text, whose free slot is known, and make the table larger where it gets too full."""
    entry, table = tables_of(entries, slots, column)
    code = labels[column, COUNT]
    labels[column, COUNT] = code + 1
    own = entry + ENTRY * (code + 1)
    store(own, first)
    store(own + 8, second)
    store(own + 16, marks)
    store(own + 24, np.uint64(start))
    store_half(table + 4 * slot, code + 2)
    mask = labels[column, MASK]
    if SPARE * (code + 2) > mask and 2 * (mask + 1) <= slots.shape[1]:
        mask = 2 * mask + 1
        labels[column, MASK] = mask
        for place in range(mask + 1):
            store_half(table + 4 * place, 0)
        for number in range(code + 2):
            slot = np.int64(load(entry + ENTRY * number + 16) >> _HALF) & mask
            while load_half(table + 4 * slot) != 0:
                slot = (slot + 1) & mask
            store_half(table + 4 * slot, number + 1)
    return code


@routine
def set_first(
    length: Int, word: Word, seed: Word, entries: Words, slots: Places, mask: Int, column: Int
) -> None:
    """Put a text of at most eight bytes into entry 0 of a column that has no texts yet."""
    entry = address_of(entries) + ENTRY * column * entries.shape[1]
    marks = marks_of(length, word, np.uint64(0), np.uint64(0), seed)
    store(entry, word)
    store(entry + 8, np.uint64(0))
    store(entry + 16, marks)
    slots[column, np.int64(marks >> _HALF) & mask] = 1


@inlined
def copy(start: Int, length: Int, stop: Int, target: Int) -> None:
    """Copy bytes from one address to another, behind which there must be room for seven more."""
    done = 0
    while done < length:
        store(target + done, word_at(start + done, stop))
        done += 8


@compiled("i8(i8[:, ::1], i4[:, ::1], u8[:, :, ::1], u1[::1], i8, i4[:, ::1])")
def keep_texts(labels: Ints, slots: Places, entries: Words, text: Bytes, at: Int, ends: Places) -> Int:
    """Copy the different texts of each column to ``text`` from ``at`` on, and free its slots for the next block.

    The n-th text of column c comes to lie from ``ends[c, n]`` to ``ends[c, n + 1]``. Behind the last there must be room
    for 16 bytes.
    """
    target = address_of(text)
    for column in range(len(labels)):
        ends[column, 0] = at
        for code in range(labels[column, COUNT]):
            entry = address_of(entries) + ENTRY * (column * entries.shape[1] + code + 1)
            length = np.int64(load(entry + 16) & _LOW_HALF)
            store(target + at, load(entry))
            store(target + at + 8, load(entry + 8))
            start = np.int64(load(entry + 24))
            done = 16
            # The last eight bytes may be copied twice in part, as nothing behind them is read.
            while done < length:
                part: Int = min(done, length - 8)
                store(target + at + part, load(start + part))
                done += 8
            at += length
            ends[column, code + 1] = at
        slots[column, : labels[column, MASK] + 1] = 0
    return at
