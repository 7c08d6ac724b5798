"""Lines put together from the bytes of their cells, and numbers written, for many rows at once.

``starts`` (N + 1,) and ``text`` are an Arrow array's offsets and data: the i-th text lies from ``starts[i]`` to
``starts[i + 1]``, in UTF-8.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

LONGEST_NUMBER: Final = 21
"""Characters of a number: 19 digits, a sign and a point."""

_BACKSLASH, _QUOTE, _DASH, _BRACKET, _POINT, _ZERO, _SPACE, _TILDE = (ord(sign) for sign in '\\"-(.0 ~')


@compiled("b1(Array(i8, 1, 'C', readonly=True), Array(u1, 1, 'C', readonly=True), b1)")
def all_plain(starts: Ints, text: Bytes, json: bool) -> bool:
    """Whether each of N texts is surely written as it is: printable ASCII without what escapes begin with and, in TSV,
    neither empty nor like one of the marks for that."""
    for i in range(len(starts) - 1):
        if not json and (starts[i] == starts[i + 1] or text[starts[i]] in (_DASH, _BRACKET)):
            return False
    odd = False
    for sign in text[starts[0] : starts[-1]]:  # without a way out, so that many are looked at in one step
        odd |= (sign < _SPACE) | (sign > _TILDE) | (sign == _BACKSLASH) | (json & (sign == _QUOTE))
    return not odd


@compiled("i8(i8[::1], i8, Array(u1, 1, 'C', readonly=True), i8[::1], u1[::1])")
def write_numbers(values: Ints, decimals: int, lead: Bytes, starts: Ints, text: Bytes) -> int:
    """Texts of N numbers, given in units of ``10 ** -decimals``, each with ``lead`` before it; gives how many bytes of
    ``text`` they take: at most `LONGEST_NUMBER` and the lead each."""
    digits = np.empty(LONGEST_NUMBER, dtype=np.uint8)
    at = 0
    for i in range(len(values)):
        starts[i] = at
        for sign in lead:
            text[at] = sign
            at += 1
        rest = np.uint64(abs(values[i]))
        count = 0
        while rest or count <= decimals:
            digits[count] = _ZERO + rest % np.uint64(10)
            rest //= np.uint64(10)
            count += 1
        if values[i] < 0:
            text[at] = _DASH
            at += 1
        for place in range(count - 1, -1, -1):
            text[at] = digits[place]
            at += 1
            if place == decimals and decimals:
                text[at] = _POINT
                at += 1
    starts[len(values)] = at
    return at


@compiled(
    "void(i8[:, ::1], Array(i8, 1, 'C', readonly=True), Array(u1, 1, 'C', readonly=True),"
    "Array(u1, 1, 'C', readonly=True), Array(u1, 1, 'C', readonly=True), u1[::1])"
)
def write_lines(cells: Ints, starts: Ints, text: Bytes, begin: Bytes, end: Bytes, out: Bytes) -> None:
    """N lines of C cells each, ``cells`` (C, N) their places among the texts: ``begin`` instead of the first byte of
    the first cell, which is not empty, the others as they are, and ``end``."""
    at = np.uint64(0)  # numbers without a sign need no look whether they count from the end
    for i in range(cells.shape[1]):
        for sign in begin:
            out[at] = sign
            at += np.uint64(1)
        for column in range(cells.shape[0]):
            cell = cells[column, i]
            source = np.uint64(starts[cell] + (column == 0))
            size = np.uint64(starts[cell + 1]) - source
            for j in range(size):
                out[at + j] = text[source + j]
            at += size
        for sign in end:
            out[at] = sign
            at += np.uint64(1)
