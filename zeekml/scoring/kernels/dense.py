"""Matrix products of a few rows, norms and the LSTM's cell, for networks of width 32, on vectors held in registers.

Every number of a product is its bias and then its terms, added up in the order in which they stand, however many
columns a processor takes at once. Rows go four at a time so that weights are loaded once for all, with any row in the
place of those that are not there: each comes out as it would beside any others, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zeekml.compiled import inlined
from zeekml.compiled.processor import has_wide_registers
from zeekml.scoring.kernels.registers import larger, loader, multiply_add, number, smaller, total

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

#: H: the width that loops are compiled for.
WIDTH: Final = 32
#: The four gates of an LSTM beside each other.
GATES: Final = 4 * WIDTH
_WIDE: Final = has_wide_registers()
#: Rows that a product takes at once, and columns: sums in eight registers keep a processor busy.
ROWS: Final = 4
COLUMNS: Final = 32 if _WIDE else 16
#: Columns of a product of one row, which an LSTM's step waits for.
PART: Final = GATES if _WIDE else GATES // 2
#: Numbers of an LSTM's cell that are worked out at once.
CELLS: Final = 16 if _WIDE else 8
_EPSILON: Final = np.float32(1e-5)
_ONE: Final = np.float32(1)
_HALF: Final = np.float32(0.5)
_ZERO: Final = np.float32(0)
_END: Final = np.float32(9.0)

# tanh(x) = x P(x*x) / Q(x*x) for |x| <= 9, beyond which float32 knows only 1: a least-squares fit of our own on
# Chebyshev nodes, reweighted until the error was level; exact to 2e-8, and to 4e-7 when worked out in float32.
_P0, _P1, _P2, _P3, _P4 = (
    np.float32(value)
    for value in (9.99999907e-01, 1.33732245e-01, 3.48661282e-03, 2.04723031e-05, 1.31848080e-08)
)
_Q1, _Q2, _Q3, _Q4 = (
    np.float32(value) for value in (4.67065214e-01, 2.58420991e-02, 3.27143441e-04, 7.70291768e-07)
)

load_row: Final = loader(WIDTH)
load_two: Final = loader(2 * WIDTH)
load_columns: Final = loader(COLUMNS)
load_part: Final = loader(PART)
load_cells: Final = loader(CELLS)


@inlined
def product(
    x: Floats, a: int, b: int, c: int, d: int, weight: Floats, at: int, terms: int, first: Any
) -> Any:
    """``first + x[place:][:terms] @ weight`` for four flat places in ``x``: ``COLUMNS`` columns of each.

    The weights of these columns (terms, COLUMNS) lie in ``weight`` from its flat place ``at`` on.
    """
    y0, y1, y2, y3 = first, first, first, first
    for k in range(terms):
        line = load_columns(weight, at + k * COLUMNS)
        y0 = multiply_add(number(x, a + k), line, y0)
        y1 = multiply_add(number(x, b + k), line, y1)
        y2 = multiply_add(number(x, c + k), line, y2)
        y3 = multiply_add(number(x, d + k), line, y3)
    return y0, y1, y2, y3


@inlined
def recurrent_part(hidden: Floats, place: int, weight: Floats, at: int, first: Any) -> Any:
    """``first + hidden[place:][:32] @ weight`` for one row: ``PART`` gates, with weights (32, PART) at ``at``."""
    y = first
    for k in range(WIDTH):
        y = multiply_add(number(hidden, place + k), load_part(weight, at + k * PART), y)
    return y


@inlined
def normed(x: Any, share: np.float32, scale: Any, shift: Any) -> Any:
    """Layer norm of one row, a vector, as PyTorch's; ``share`` is one divided by its width."""
    away = x - total(x) * share
    factor = _ONE / np.sqrt(total(away * away) * share + _EPSILON)
    return multiply_add(away * factor, scale, shift)


@inlined
def relu(x: Any) -> Any:
    """The vector with 0 for all that is below."""
    return larger(_ZERO, x)


@inlined
def tanh_parts(x: Any) -> Any:
    """Two vectors whose quotient is tanh: what is divided, and by what (1 to 416)."""
    bounded = larger(-_END, smaller(_END, x))
    square = bounded * bounded
    above = multiply_add(square, multiply_add(square, square * _P4 + _P3, _P2), _P1)
    below = multiply_add(square, multiply_add(square, square * _Q4 + _Q3, _Q2), _Q1)
    return bounded * multiply_add(square, above, _P0), multiply_add(square, below, _ONE)


@inlined
def cell(taken: Any, kept: Any, new: Any, shown: Any, carried: Any) -> Any:
    """One step of an LSTM for some of its numbers: the next carried ones and what they show, the hidden ones.

    The gates are as in PyTorch, but half of it for the three that go through a sigmoid:
    sigmoid(2 z) = (1 + tanh(z)) / 2. Quotients are joined, as a division takes longer than many products.
    """
    i, under_i = tanh_parts(taken)
    f, under_f = tanh_parts(kept)
    g, under_g = tanh_parts(new)
    o, under_o = tanh_parts(shown)
    left = (under_f + f) * (under_i * under_g) * carried
    added = (under_i + i) * g
    under = under_f * (under_i * under_g)
    inner = multiply_add(added, under_f, left) / (under + under)
    c, under_c = tanh_parts(inner)
    twice = under_o + under_o
    return inner, ((under_o + o) * c) / (twice * under_c)
