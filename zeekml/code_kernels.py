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


@compiled(f"void({READ_U1}, {READ_I4}, u1[::1])")
def spread(by_text: Bytes, codes: Codes, each: Bytes) -> None:
    """Write to ``each`` (N,) the bytes of ``by_text`` (D + 1,) at the codes (N,), for code -1 the last."""
    for row in range(len(codes)):
        each[row] = by_text[codes[row]]
