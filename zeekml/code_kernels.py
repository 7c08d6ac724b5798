"""What holds for texts, for the rows that have them: over codes, of which numpy makes int64 before it looks up any."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zeekml.compiled import READ_I4, READ_U1, compiled

Codes = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


@compiled(f"void({READ_I4}, u1[::1])")
def mark(codes: Codes, occurs: Bytes) -> None:
    """Set in ``occurs`` (D + 1,) each place that is among the codes (N,), for code -1 the last."""
    for code in codes:
        occurs[code] = 1


@compiled(f"i8({READ_U1}, {READ_I4}, u1[::1])")
def spread(by_text: Bytes, codes: Codes, each: Bytes) -> int:
    """Write to ``each`` the values (N,) at the codes, for code -1 the last of those in ``by_text`` (D + 1,).

    Both as the bytes that they are, 1, 4 or 8 a value, which is returned; 0 for any other size, and nothing is written.
    """
    size = len(each) // max(len(codes), 1)
    if size == 1:
        for row in range(len(codes)):
            each[row] = by_text[codes[row]]
    elif size == 4:
        halves, half_of_each = by_text.view(np.int32), each.view(np.int32)
        for row in range(len(codes)):
            half_of_each[row] = halves[codes[row]]
    elif size == 8:
        words, word_of_each = by_text.view(np.int64), each.view(np.int64)
        for row in range(len(codes)):
            word_of_each[row] = words[codes[row]]
    else:
        size = 0
    return size
