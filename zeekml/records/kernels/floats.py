"""Decimal numbers of up to 19 digits as float64, rounded once.

Source: D. Lemire, "Number parsing at a gigabyte per second" (2021), after an idea of M. Eisel: the number is multiplied
by the power of five as far as 128 bits hold it, and the few cases in which that does not tell how to round are known.
"""

# ruff: noqa: PLR0911 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

import numpy as np

from zeekml.compiled import inlined, routine
from zeekml.compiled.instructions import of_bits
from zeekml.records.kernels.words import (
    Float,
    Int,
    Word,
    leading_zeros,
)

#: Numbers below it, and powers of ten up to the 22nd, are float64 without rounding, so that their quotient is rounded
#: once (W. D. Clinger, "How to read floating point numbers accurately", 1990).
EXACT: Final = 2**53
TENS: Final = np.array([10.0**power for power in range(23)])

_LEAST: Final = -60  # powers of ten; beyond them numbers are left to the exact readers
_MOST: Final = 40
_DIVISORS: Final = -27  # powers of five from here on can divide a number of 64 bits
_MANTISSA_BITS: Final = 52
_BIAS: Final = 1023
_LOW_HALF: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_ONE: Final = np.uint64(1)
_NOTHING: Final = np.uint64(0)
#: Bits that say whether the upper half of a product may still change.
_UNSURE: Final = np.uint64((1 << 64) - 1 >> (_MANTISSA_BITS + 3))


def _five(power: int) -> int:
    """The first 128 bits of 5 ** power; of a fraction that can be a divisor without a rest they are rounded up."""
    fives: int = 5 ** abs(power)
    spare = 128 - fives.bit_length()
    if power >= 0:
        return fives << spare if spare >= 0 else fives >> -spare
    return (1 << fives.bit_length() + 127) // fives + (power >= _DIVISORS)


_FIVES: Final = np.array(
    [[_five(power) >> 64, _five(power) & (1 << 64) - 1] for power in range(_LEAST, _MOST + 1)],
    dtype=np.uint64,
)


@inlined
def _upper(a: Word, b: Word) -> Word:
    """The upper half of a product of 128 bits."""
    a0, a1, b0, b1 = a & _LOW_HALF, a >> _HALF, b & _LOW_HALF, b >> _HALF
    low, first, second = a0 * b0, a1 * b0, a0 * b1
    middle = (low >> _HALF) + (first & _LOW_HALF) + (second & _LOW_HALF)
    return np.uint64(a1 * b1 + (first >> _HALF) + (second >> _HALF) + (middle >> _HALF))


@routine
def scaled(mantissa: Int, power: Int) -> Float:
    """``mantissa`` (0 or more) times ten to the ``power``; NaN where that must be worked out exactly."""
    if mantissa < EXACT:
        if power == 0:
            return float(mantissa)
        if -len(TENS) < power < 0:
            return mantissa / TENS[-power]
        if mantissa == 0:
            return 0.0
    if power < _LEAST or power > _MOST:
        return np.nan
    zeros = leading_zeros(np.uint64(mantissa))
    word = np.uint64(mantissa) << np.uint64(zeros)
    high_five, low_five = _FIVES[power - _LEAST, 0], _FIVES[power - _LEAST, 1]
    high, low = _upper(word, high_five), np.uint64(word * high_five)
    if high & _UNSURE == _UNSURE:
        further = _upper(word, low_five)
        low = np.uint64(low + further)
        if low < further:
            high = np.uint64(high + _ONE)
        if low == ~_NOTHING:
            return np.nan
    top = np.int64(high >> np.uint64(63))
    shift = np.uint64(top + 64 - _MANTISSA_BITS - 3)
    digits = high >> shift
    exponent = ((217_706 * power) >> 16) + 63 + top - zeros + _BIAS
    if low <= _ONE and -4 <= power <= 23 and digits & np.uint64(3) == _ONE and digits << shift == high:
        digits &= ~_ONE  # in the middle between two: to the even one
    digits = np.uint64((digits + (digits & _ONE)) >> _ONE)
    if digits >> np.uint64(_MANTISSA_BITS + 1):
        digits >>= _ONE
        exponent += 1
    if exponent <= 0 or exponent >= 2 * _BIAS + 1:
        return np.nan
    word = (digits & np.uint64((1 << _MANTISSA_BITS) - 1)) | np.uint64(exponent << _MANTISSA_BITS)
    return of_bits(word)
