"""Exponentials and logarithms that kernels work out in line: a call of the C library costs more than what it does.

Nothing branches on a value but where it says so, so that a loop over many may take several at once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np

from zeekml.compiled import inlined
from zeekml.compiled.instructions import bits_of, of_bits

_MANTISSA: Final = 52
_BIAS: Final = 1023
_LN2: Final = float(np.log(2))
#: ln 2 in two parts, of which the first has so few digits that its multiples are exact.
_LN2_HIGH: Final = round(_LN2 * 2**32) / 2**32
_LN2_LOW: Final = float(Decimal(2).ln() - Decimal(_LN2_HIGH))
_PER_LN2: Final = float(1 / np.log(2))
#: Added to a number and taken away it rounds it, and leaves the whole number in the lowest bits in between.
_ROUNDING: Final = 1.5 * 2.0**_MANTISSA
_STEEPEST: Final = 700.0
_HALF_ROOT: Final = int(np.float64(np.sqrt(0.5)).view(np.int64))
_LARGEST: Final = 1e300


@inlined
def exponential(x: Any) -> Any:
    """e to the x, within 700 of 0 (what lies beyond counts as there), to 15 digits: a power of 2 times a Taylor sum."""
    bounded = min(max(x, -_STEEPEST), _STEEPEST)
    shifted = bounded * _PER_LN2 + _ROUNDING
    whole = shifted - _ROUNDING
    r = (bounded - whole * _LN2_HIGH) - whole * _LN2_LOW
    y = 1 / 479001600
    y = y * r + 1 / 39916800
    y = y * r + 1 / 3628800
    y = y * r + 1 / 362880
    y = y * r + 1 / 40320
    y = y * r + 1 / 5040
    y = y * r + 1 / 720
    y = y * r + 1 / 120
    y = y * r + 1 / 24
    y = y * r + 1 / 6
    y = y * r + 0.5
    y = y * r + 1
    y = y * r + 1
    return y * of_bits((bits_of(shifted) + _BIAS) << _MANTISSA)


@inlined
def logarithm(x: Any) -> Any:
    """The natural logarithm of a number above 0, not too small nor infinite, to 15 digits: ln m = 2 artanh of
    (m - 1) / (m + 1), of m between the roots of 1/2 and 2."""
    bits = bits_of(x)
    power = (bits - _HALF_ROOT) >> _MANTISSA
    m = of_bits(bits - (power << _MANTISSA))
    s = (m - 1) / (m + 1)
    z = s * s
    y = 1 / 21
    y = y * z + 1 / 19
    y = y * z + 1 / 17
    y = y * z + 1 / 15
    y = y * z + 1 / 13
    y = y * z + 1 / 11
    y = y * z + 1 / 9
    y = y * z + 1 / 7
    y = y * z + 1 / 5
    y = y * z + 1 / 3
    return power * _LN2 + 2 * (s + s * z * y)


@inlined
def log1p_of_known(x: Any) -> Any:
    """As numpy's log1p, of a number from 0 to 1e300 or NaN, to 15 digits."""
    one_more = 1 + x
    # What is lost where the number is small; and NaN stays NaN.
    lost = x - (one_more - 1) if x < 1 else x - x
    return logarithm(one_more) + lost


@inlined
def log1p(x: Any) -> Any:
    """As numpy's, of a float64, to 15 digits; below 0 and beyond 1e300 it is numpy's."""
    return np.log1p(x) if x < 0 or x > _LARGEST else log1p_of_known(x)
