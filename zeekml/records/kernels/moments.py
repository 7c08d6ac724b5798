"""Dates and times in ISO 8601, the common forms: with a T, fractions of up to six digits, Z or an offset or neither."""

# ruff: noqa: PLR0911 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

from zeekml.compiled import inlined, routine
from zeekml.records.kernels.words import (
    Int,
    byte_of,
)

_DASH, _T, _COLON, _POINT, _Z, _PLUS, _ZERO = (ord(character) for character in "-T:.Z+0")
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199


@inlined
def _pair(at: Int) -> Int:
    """The number of the two digits at an address, less than 0 where they are none."""
    tens, ones = byte_of(at) - _ZERO, byte_of(at + 1) - _ZERO
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -10_000


@inlined
def _days(year: Int, month: Int, day: Int) -> Int:
    """Days since 1970, by years that begin in March."""
    month = month - 3 if month > 2 else month + 9
    year -= month > 9
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468


@routine
def moment(at: Int, length: Int) -> Int:
    """Microseconds since 1970 of the text at an address; -1 where it must be read exactly."""
    stop = at + length
    if length < 19:
        return -1
    year = 100 * _pair(at) + _pair(at + 2)
    month, day = _pair(at + 5), _pair(at + 8)
    hour, minute, second = _pair(at + 11), _pair(at + 14), _pair(at + 17)
    if (
        byte_of(at + 4) != _DASH
        or byte_of(at + 7) != _DASH
        or byte_of(at + 10) != _T
        or byte_of(at + 13) != _COLON
        or byte_of(at + 16) != _COLON
        or not _FIRST_YEAR <= year <= _LAST_YEAR
        or not 1 <= month <= 12
        or not 0 <= hour <= 23
        or not 0 <= minute <= 59
        or not 0 <= second <= 59
        or day < 1
    ):
        return -1
    days = _days(year, month, day)
    following = _days(year + month // 12, month % 12 + 1, 1)
    if days >= following:
        return -1
    at += 19
    micros = 0
    if at < stop and byte_of(at) == _POINT:
        at += 1
        scale = 100_000
        first = at
        while at < stop and 0 <= byte_of(at) - _ZERO <= 9:
            micros += scale * (byte_of(at) - _ZERO)
            scale //= 10
            at += 1
        if at == first or at > first + 6:
            return -1
    offset = 0
    if at < stop and byte_of(at) == _Z:
        at += 1
    elif at + 5 <= stop and (byte_of(at) == _PLUS or byte_of(at) == _DASH):
        colon = 1 if byte_of(at + 3) == _COLON and at + 6 <= stop else 0
        hours, minutes = _pair(at + 1), _pair(at + 3 + colon)
        if not 0 <= hours <= 23 or not 0 <= minutes <= 59:
            return -1
        offset = 60 * hours + minutes
        offset = -offset if byte_of(at) == _DASH else offset
        at += 5 + colon
    if at != stop:
        return -1
    found = ((days * 1440 + 60 * hour + minute - offset) * 60 + second) * 1_000_000 + micros
    return max(found, -1)
