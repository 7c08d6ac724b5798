"""Matrix products of a few rows, norms and the LSTM's cell, for networks of width 32.

A product adds its terms in groups of four in the order in which they stand, whether rows go four at a time (weights are
then loaded once for all) or one by one: both give the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from zeekml.compiled import compiled, inlined

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

#: H: the width that loops are compiled for.
WIDTH: Final = 32
#: The four gates of an LSTM beside each other.
GATES: Final = 4 * WIDTH
_EPSILON: Final = np.float32(1e-5)
_HALF: Final = np.float32(0.5)
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


@inlined
def tanh(x: np.float32) -> np.float32:
    """tanh in float32, without a branch, so that a loop over it becomes vector instructions."""
    x = min(max(x, -_END), _END)
    square = x * x
    above = (((_P4 * square + _P3) * square + _P2) * square + _P1) * square + _P0
    below = (((_Q4 * square + _Q3) * square + _Q2) * square + _Q1) * square + np.float32(1)
    return x * above / below


@compiled("void(f4[::1], i8, f4[:, ::1], f4[::1], f4[:, ::1], i8)")
def affine(x: Floats, step: int, weight: Floats, bias: Floats, y: Floats, count: int) -> None:
    """``y[i] = bias + x[i * step:][:K] @ weight`` for ``count`` rows; weight (K, 32), K a multiple of 4."""
    terms = len(weight)
    i = 0
    while i + 4 <= count:
        for j in range(WIDTH):
            y[i, j] = bias[j]
            y[i + 1, j] = bias[j]
            y[i + 2, j] = bias[j]
            y[i + 3, j] = bias[j]
        a = i * step
        b, c, d = a + step, a + 2 * step, a + 3 * step
        for k in range(0, terms, 4):
            a0, a1, a2, a3 = x[a + k], x[a + k + 1], x[a + k + 2], x[a + k + 3]
            b0, b1, b2, b3 = x[b + k], x[b + k + 1], x[b + k + 2], x[b + k + 3]
            c0, c1, c2, c3 = x[c + k], x[c + k + 1], x[c + k + 2], x[c + k + 3]
            d0, d1, d2, d3 = x[d + k], x[d + k + 1], x[d + k + 2], x[d + k + 3]
            for j in range(WIDTH):
                w0, w1, w2, w3 = weight[k, j], weight[k + 1, j], weight[k + 2, j], weight[k + 3, j]
                y[i, j] = y[i, j] + a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3
                y[i + 1, j] = y[i + 1, j] + b0 * w0 + b1 * w1 + b2 * w2 + b3 * w3
                y[i + 2, j] = y[i + 2, j] + c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3
                y[i + 3, j] = y[i + 3, j] + d0 * w0 + d1 * w1 + d2 * w2 + d3 * w3
        i += 4
    while i < count:
        for j in range(WIDTH):
            y[i, j] = bias[j]
        a = i * step
        for k in range(0, terms, 4):
            a0, a1, a2, a3 = x[a + k], x[a + k + 1], x[a + k + 2], x[a + k + 3]
            for j in range(WIDTH):
                w0, w1, w2, w3 = weight[k, j], weight[k + 1, j], weight[k + 2, j], weight[k + 3, j]
                y[i, j] = y[i, j] + a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3
        i += 1


@compiled("void(f4[::1], f4[:, ::1], f4[::1])")
def add_recurrent(hidden: Floats, weight: Floats, y: Floats) -> None:
    """``y += hidden @ weight``; weight (32, 128)."""
    for k in range(0, WIDTH, 4):
        a0, a1, a2, a3 = hidden[k], hidden[k + 1], hidden[k + 2], hidden[k + 3]
        for j in range(GATES):
            w0, w1, w2, w3 = weight[k, j], weight[k + 1, j], weight[k + 2, j], weight[k + 3, j]
            y[j] = y[j] + a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3


@compiled("void(f4[:, ::1], f4[:, ::1], f4[::1], f4[:, ::1], i8)")
def gates(x: Floats, weight: Floats, bias: Floats, y: Floats, count: int) -> None:
    """``y[i] = bias + x[i] @ weight`` for ``count`` rows; weight (32, 128)."""
    i = 0
    while i + 4 <= count:
        for j in range(GATES):
            y[i, j] = bias[j]
            y[i + 1, j] = bias[j]
            y[i + 2, j] = bias[j]
            y[i + 3, j] = bias[j]
        for k in range(0, WIDTH, 4):
            a0, a1, a2, a3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            b0, b1, b2, b3 = x[i + 1, k], x[i + 1, k + 1], x[i + 1, k + 2], x[i + 1, k + 3]
            c0, c1, c2, c3 = x[i + 2, k], x[i + 2, k + 1], x[i + 2, k + 2], x[i + 2, k + 3]
            d0, d1, d2, d3 = x[i + 3, k], x[i + 3, k + 1], x[i + 3, k + 2], x[i + 3, k + 3]
            for j in range(GATES):
                w0, w1, w2, w3 = weight[k, j], weight[k + 1, j], weight[k + 2, j], weight[k + 3, j]
                y[i, j] = y[i, j] + a0 * w0 + a1 * w1 + a2 * w2 + a3 * w3
                y[i + 1, j] = y[i + 1, j] + b0 * w0 + b1 * w1 + b2 * w2 + b3 * w3
                y[i + 2, j] = y[i + 2, j] + c0 * w0 + c1 * w1 + c2 * w2 + c3 * w3
                y[i + 3, j] = y[i + 3, j] + d0 * w0 + d1 * w1 + d2 * w2 + d3 * w3
        i += 4
    while i < count:
        for j in range(GATES):
            y[i, j] = bias[j]
        add_recurrent(x[i], weight, y[i])
        i += 1


@compiled("void(f4[:, ::1], i8, f4[:, ::1], f4[:, ::1])", reordered=True)
def norm(x: Floats, count: int, scale: Floats, y: Floats) -> None:
    """Layer norm of ``count`` rows, as PyTorch's; ``scale`` (2, M): weight and bias."""
    width = scale.shape[1]
    for i in range(count):
        mean = np.float32(0)
        for j in range(width):
            mean += x[i, j]
        mean /= np.float32(width)
        variance = np.float32(0)
        for j in range(width):
            away = x[i, j] - mean
            variance += away * away
        factor = np.float32(1) / np.sqrt(variance / np.float32(width) + _EPSILON)
        for j in range(width):
            y[i, j] = (x[i, j] - mean) * factor * scale[0, j] + scale[1, j]


@compiled("void(f4[::1], f4[::1], f4[::1], f4[::1])")
def cell(gate: Floats, carried: Floats, hidden: Floats, y: Floats) -> None:
    """One step of an LSTM: ``carried`` and ``hidden`` (32,) become the next ones, ``hidden`` is added to ``y``.

    ``gate`` (128,): input, forget, cell, output as in PyTorch, but half of it for the three that go through a sigmoid:
    sigmoid(2 z) = (1 + tanh(z)) / 2.
    """
    for j in range(GATES):
        gate[j] = tanh(gate[j])
    for j in range(WIDTH):
        taken = _HALF + _HALF * gate[j]
        kept = _HALF + _HALF * gate[WIDTH + j]
        shown = _HALF + _HALF * gate[3 * WIDTH + j]
        inner = kept * carried[j] + taken * gate[2 * WIDTH + j]
        carried[j] = inner
        outer = shown * tanh(inner)
        hidden[j] = outer
        y[j] += outer
