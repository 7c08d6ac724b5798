"""One JSON object on a line, scanned for the keys that are known; what is unusual about it ends the scan.

A line is scanned to its end only if it is JSON that any parser takes, of plain ASCII; known keys then stand in it once,
with a plain text, a number of zero or more, a truth value or null. Source: RFC 8259.
"""

# ruff: noqa: PLR0911, PLR0912, PLR0915, PLR1714, SIM109 - one pass over bytes, in terms that compile well

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import inlined, routine
from zeekml.records.kernels.fields import POINT, digits
from zeekml.records.kernels.texts import Words, further
from zeekml.records.kernels.words import (
    HIGH,
    Int,
    Word,
    below,
    byte_of,
    control_bytes,
    eightfold,
    load,
    store,
    word_at,
    word_of,
    zero_bytes,
    zeros_below,
)

# What a known key was found to hold.
MISSING: Final = 0
TEXT: Final = 1
NUMBER: Final = 2
TRUE: Final = 3
FALSE: Final = 4
NULL: Final = 5
OBJECT: Final = 6

#: Bytes of a key's record, eight words: what it holds; of a text where it begins, its length, its first 16 bytes and a
#: hash of the rest; of a number its digits and the power of ten.
RECORD: Final = 64
START: Final = 8
LENGTH: Final = 16
FIRST: Final = 24
SECOND: Final = 32
REST: Final = 40
DIGITS: Final = 48
POWER: Final = 56

#: Bytes, at most, of a known key.
LONGEST_KEY: Final = 16
_DEEPEST: Final = 60
_MOST_DIGITS: Final = 40

_QUOTE, _COLON, _COMMA, _SPACE, _ZERO = (ord(character) for character in '":, 0')
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST, _BACKSLASH = (ord(character) for character in "{}[]\\")
_NEWLINE, _RETURN, _MINUS, _PLUS = (ord(character) for character in "\n\r-+")
_SMALL_E, _LARGE_E = ord("e"), ord("E")
_QUOTES, _BACKSLASHES = eightfold(_QUOTE), eightfold(_BACKSLASH)
_TRUE, _FALSE, _NULL = word_of(b"true"), word_of(b"fals"), word_of(b"null")
_FOUR: Final = np.uint64(0xFFFFFFFF)
_NOTHING: Final = np.uint64(0)


def key_words(keys: Sequence[str]) -> Words:
    """Keys (K) of up to 16 bytes as pairs of words (K, 2)."""
    pairs = [(word_of(key.encode()[:8]), word_of(key.encode()[8:])) for key in keys]
    return np.array(pairs, dtype=np.uint64).reshape(len(keys), 2)


@inlined
def plain_text(at: Int, stop: Int) -> tuple[Int, Word, Word, Word]:
    """Where the text behind a quote ends, its first 16 bytes and a hash of the rest; -1 unless it is plain ASCII."""
    first = second = rest = _NOTHING
    begin = at
    while True:
        word = word_at(at, stop)
        ends = (
            control_bytes(word) | zero_bytes(word ^ _QUOTES) | zero_bytes(word ^ _BACKSLASHES) | (word & HIGH)
        )
        word &= below(ends)
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
    if at >= stop or byte_of(at) != _QUOTE:
        at = -1
    return at, first, second, rest


@routine
def _behind_text(at: Int, stop: Int) -> Int:
    """Where the text behind a quote is over; -1 unless it is ASCII, with simple escapes at most."""
    while True:
        word = word_at(at, stop)
        ends = (
            control_bytes(word) | zero_bytes(word ^ _QUOTES) | zero_bytes(word ^ _BACKSLASHES) | (word & HIGH)
        )
        if ends == 0:
            at += 8
            continue
        at += zeros_below(ends) >> 3
        if at >= stop:
            return -1
        byte = byte_of(at)
        if byte == _QUOTE:
            return at + 1
        if byte != _BACKSLASH or at + 1 >= stop:
            return -1
        escaped = byte_of(at + 1)
        # One of "\/bfnrt
        if not (
            escaped == 34 or escaped == 47 or escaped == 92 or escaped == 98 or escaped == 102 or escaped == 110
            or escaped == 114 or escaped == 116
        ):  # fmt: skip
            return -1
        at += 2


@routine
def _number(at: Int, stop: Int) -> tuple[Int, Int, Int]:
    """The digits of the number at an address, their power of ten, and its end; -1 where it is unusual."""
    mantissa, after = digits(at, stop, 0)
    if after <= at or (after > at + 1 and byte_of(at) == _ZERO):
        return 0, 0, -1
    power = 0
    if after < stop and byte_of(after) == POINT:
        first = after + 1
        mantissa, after = digits(first, stop, mantissa)
        if after <= first:
            return 0, 0, -1
        power = first - after
    if after < stop and (byte_of(after) == _SMALL_E or byte_of(after) == _LARGE_E):
        after += 1
        negative = after < stop and byte_of(after) == _MINUS
        if negative or (after < stop and byte_of(after) == _PLUS):
            after += 1
        first = after
        exponent, after = digits(first, stop, 0)
        if after <= first or exponent > _MOST_DIGITS:
            return 0, 0, -1
        power += -exponent if negative else exponent
    return mantissa, power, after


@inlined
def _spaces(at: Int, stop: Int) -> Int:
    while at < stop and byte_of(at) == _SPACE:
        at += 1
    return at


@routine
def _behind_key(at: Int, stop: Int) -> Int:
    """Where the value of a key of no interest begins; -1 if there is no such key."""
    if at >= stop or byte_of(at) != _QUOTE:
        return -1
    at = _behind_text(at + 1, stop)
    if at < 0:
        return -1
    at = _spaces(at, stop)
    if at >= stop or byte_of(at) != _COLON:
        return -1
    return _spaces(at + 1, stop)


@routine
def _behind_simple(at: Int, stop: Int) -> Int:
    """Where a text, number or word is over; -1 if it is unusual."""
    if at >= stop:
        return -1
    byte = byte_of(at)
    if byte == _QUOTE:
        return _behind_text(at + 1, stop)
    word = word_at(at, stop)
    if word & _FOUR == _TRUE or word & _FOUR == _NULL:
        return at + 4
    if word & _FOUR == _FALSE:
        return at + 5 if byte_of(at + 4) == _SMALL_E else -1
    if byte == _MINUS:
        at += 1
    _mantissa, _power, after = _number(at, stop)
    return after


@routine
def _behind_value(at: Int, stop: Int) -> Int:
    """Where the value at an address is over, whatever it holds; -1 if it is unusual."""
    depth = 0
    objects = 0  # a bit for each array or object around, the innermost the lowest
    while True:
        byte = byte_of(at) if at < stop else 0
        if byte == _OPEN or byte == _OPEN_LIST:
            inner = _spaces(at + 1, stop)
            if inner < stop and byte_of(inner) == byte + 2:  # the bracket that closes it
                at = inner + 1
            else:
                depth += 1
                if depth > _DEEPEST:
                    return -1
                objects = objects << 1 | (byte == _OPEN)
                at = _behind_key(inner, stop) if byte == _OPEN else inner
                if at < 0:
                    return -1
                continue
        else:
            at = _behind_simple(at, stop)
            if at < 0:
                return -1
        while True:
            if depth == 0:
                return at
            at = _spaces(at, stop)
            byte = byte_of(at) if at < stop else 0
            if byte == _COMMA:
                at = _spaces(at + 1, stop)
                if objects & 1:
                    at = _behind_key(at, stop)
                    if at < 0:
                        return -1
                break
            if byte != (_CLOSE if objects & 1 else _CLOSE_LIST):
                return -1
            objects >>= 1
            depth -= 1
            at += 1


@routine
def scan_line(
    at: Int,
    stop: Int,
    keys: Words,
    levels: npt.NDArray[np.int64],
    opens: npt.NDArray[np.int64],
    records: Int,
) -> Int:
    """Scan the object that begins at an address and return where its line is over, at the newline; -1 if it is unusual.

    ``keys`` (K, 2): those of the outer object first, then those of inner ones, whose first are at ``levels``;
    ``opens`` (K,): the number of the inner object that a key holds, 0 for a plain value, -1 for a key that makes the
    line unusual. ``records``: the address of what is found, a `RECORD` for each key.
    """
    for key in range(len(keys)):
        store(records + key * RECORD, _NOTHING)
    level = next_key = resumed = 0
    if at >= stop or byte_of(at) != _OPEN:
        return -1
    at += 1
    while True:
        at = _spaces(at, stop)
        if at >= stop or byte_of(at) != _QUOTE:
            return -1
        begin = at + 1
        at, first, second, rest = plain_text(begin, stop)
        if at < 0:
            return -1
        known = -1
        if at - begin <= LONGEST_KEY:
            # As a rule keys come in the order in which they are known.
            if next_key < levels[level + 1] and keys[next_key, 0] == first and keys[next_key, 1] == second:
                known = next_key
            else:
                for key in range(levels[level], levels[level + 1]):
                    if keys[key, 0] == first and keys[key, 1] == second:
                        known = key
                        break
        at = _spaces(at + 1, stop)
        if at >= stop or byte_of(at) != _COLON:
            return -1
        at = _spaces(at + 1, stop)
        byte = byte_of(at) if at < stop else 0
        entered = False
        if known < 0:
            at = _behind_value(at, stop)
            if at < 0:
                return -1
        else:
            next_key = known + 1
            record = records + known * RECORD
            if load(record) != _NOTHING or opens[known] < 0:
                return -1
            if opens[known] > 0:
                if byte != _OPEN:
                    return -1
                store(record, np.uint64(OBJECT))
                at = _spaces(at + 1, stop)
                level = opens[known]
                resumed = next_key
                next_key = levels[level]
                entered = not (at < stop and byte_of(at) == _CLOSE)
            elif byte == _QUOTE:
                begin = at + 1
                at, first, second, rest = plain_text(begin, stop)
                if at < 0:
                    return -1
                store(record, np.uint64(TEXT))
                store(record + START, np.uint64(begin))
                store(record + LENGTH, np.uint64(at - begin))
                store(record + FIRST, first)
                store(record + SECOND, second)
                store(record + REST, rest)
                at += 1
            else:
                word = word_at(at, stop)
                if word & _FOUR == _TRUE:
                    store(record, np.uint64(TRUE))
                    at += 4
                elif word & _FOUR == _NULL:
                    store(record, np.uint64(NULL))
                    at += 4
                elif word & _FOUR == _FALSE:
                    if byte_of(at + 4) != _SMALL_E:
                        return -1
                    store(record, np.uint64(FALSE))
                    at += 5
                else:
                    mantissa, power, after = _number(at, stop)
                    if after < 0:
                        return -1
                    store(record, np.uint64(NUMBER))
                    store(record + START, np.uint64(at))
                    store(record + LENGTH, np.uint64(after - at))
                    store(record + DIGITS, np.uint64(mantissa))
                    store(record + POWER, np.uint64(power))
                    at = after
        if entered:
            continue
        while True:
            at = _spaces(at, stop)
            byte = byte_of(at) if at < stop else 0
            if byte != _CLOSE:
                break
            at += 1
            if level == 0:
                if at < stop and byte_of(at) == _RETURN:
                    at += 1
                return at if at == stop or byte_of(at) == _NEWLINE else -1
            level = 0
            next_key = resumed
        if byte != _COMMA:
            return -1
        at += 1
