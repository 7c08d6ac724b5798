"""What `zeekml.scoring.reasons` works out for many rows at once: the network's parts, and the facts that are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled, inlined

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Doubles = NDArray[np.float64]
Words = NDArray[np.uint64]

#: What is known of a code: nothing yet, that it stands for words, that there are none.
UNKNOWN: Final = 0
SPEAKS: Final = 1
SILENT: Final = 2

_ZERO: Final = np.float32(0)
_ONE: Final = np.float32(1)
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)


@compiled(
    "void(f4[:, ::1], i8[::1], f4[::1], i8[::1], i8[::1], i8[::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[::1], "
    "f8[::1], f8[:, ::1])",
    reordered=True,
)
def network_parts(
    matrix: Floats,
    flags: Ints,
    flag_weights: Floats,
    flag_facts: Ints,
    numbers: Ints,
    number_facts: Ints,
    low: Floats,
    per_width: Floats,
    weights: Floats,
    missing: Floats,
    usual: Doubles,
    out: Doubles,
) -> None:
    """Parts ``out`` (N, G) of each fact in a sum over encoded features, of rows (N, F) of the matrix.

    The features ``flags`` (A,) count by their weight for their fact. ``numbers`` (M,) count by ``weights`` (M, B), as
    far as they have passed each bin, which begins at ``low`` (M, B), or by ``missing`` (M,). ``usual`` (G,) is taken
    off.
    """
    bins = low.shape[1]
    for i in range(len(matrix)):
        for g in range(len(usual)):
            out[i, g] = -usual[g]
        for a in range(len(flags)):
            out[i, flag_facts[a]] += flag_weights[a] * matrix[i, flags[a]]
        for m in range(len(numbers)):
            value, passed = matrix[i, numbers[m]], _ZERO
            if np.isnan(value):
                passed = missing[m]
            else:
                for b in range(bins):
                    passed += weights[m, b] * min(max((value - low[m, b]) * per_width[m, b], _ZERO), _ONE)
            out[i, number_facts[m]] += passed


@inlined
def _code(
    bits: NDArray[np.uint32], row: int, features: Ints, begin: int, end: int, seed: np.uint64, keys: Words,
    codes: Codes, count: int,
) -> np.int64:  # fmt: skip
    """The code of what some features of a row hold, ``count`` if it is new: it is put down then."""
    mixed = (seed ^ np.uint64(begin)) * _FACTOR
    for at in range(begin, end):
        mixed = (mixed ^ np.uint64(bits[row, features[at]])) * _FACTOR
        mixed ^= mixed >> _HALF
    slot = np.int64(mixed & np.uint64(len(keys) - 1))
    while codes[slot] >= 0 and keys[slot] != mixed:
        slot = (slot + 1) & (len(keys) - 1)
    if codes[slot] < 0:
        keys[slot], codes[slot] = mixed, count
    return np.int64(codes[slot])


@compiled("i8(f8[:, ::1], u4[:, ::1], i8[::1], i8[::1], u8, f8, u8[::1], i4[::1], u1[::1], i8[::1], i8, i4[:, ::1], "
          "i8[:, ::1], i8[::1])")  # fmt: skip
def name_facts(
    parts: Doubles,
    bits: NDArray[np.uint32],
    begin: Ints,
    features: Ints,
    seed: np.uint64,
    least: float,
    keys: Words,
    codes: Codes,
    known: NDArray[np.uint8],
    rows: Ints,
    wanted: int,
    named: Codes,
    asked: Ints,
    counts: Ints,
) -> int:
    """Put the codes of the strongest facts that speak, the strongest first, into the first ``wanted`` of ``rows`` of
    ``named`` (N, K), -1 where there are no more; gives how many rows must come again, which are the first of ``rows``
    then.

    ``parts`` (N, G); ``bits`` (N, F) of the features; the g-th fact's ``features`` lie from ``begin[g]`` (G + 1,) on.
    A second fact must have a part of ``least``. ``keys`` and ``codes`` (a power of two, -1: free) hold what was met;
    ``known`` says of each code whether it speaks. Codes met for the first time, from ``counts[0]`` on, are taken for
    speaking, and what they are of is ``asked`` (row, fact), ``counts[1]`` of them.
    """
    groups, most = parts.shape[1], named.shape[1]
    again = 0
    for place in range(wanted):
        i = rows[place]
        seen, found, unsure = np.int64(0), 0, False
        while found < most:
            best = -1
            for g in range(groups):
                if not (seen >> g) & 1 and (best < 0 or parts[i, g] > parts[i, best]):
                    best = g
            if best < 0 or (found > 0 and parts[i, best] < least):
                break
            seen |= np.int64(1) << best
            code = _code(bits, i, features, begin[best], begin[best + 1], seed, keys, codes, counts[0])
            if code == counts[0]:
                asked[counts[1], 0], asked[counts[1], 1] = i, best
                counts[0] += 1
                counts[1] += 1
            unsure |= known[code] == UNKNOWN
            if known[code] != SILENT:
                named[i, found] = code
                found += 1
        named[i, found:] = -1
        if unsure:
            rows[again] = i
            again += 1
    return again
