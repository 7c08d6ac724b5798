"""Branches and head of Res-1DCNN-LSTM over the connections of a block, each host's state carried on.

Rows go through the layers in tiles of some tens, whatever hosts they are of: a long run of one host and many hosts with
a row each cost alike. What a layer carries lies in the state's row of the host, first both convolutions' rows of each
residual block, then hidden and cell state of each LSTM: as ``Runner`` carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.scoring.kernels.dense import GATES, WIDTH, add_recurrent, affine, cell, gates, norm

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

#: Steps that a convolution sees.
KERNEL: Final = 3
_PAST: Final = KERNEL - 1
_TILE: Final = 32
_ZERO: Final = np.float32(0)
#: What the first row of a piece of a run does: take up what the state carries, or begin anew.
_GOES_ON: Final = 1
_BEGINS: Final = 2


@compiled("void(f4[:, ::1], i8, i1[::1], b1[::1], i8[::1], f4[:, ::1], i8, f4[:, ::1])")
def windows(
    x: Floats,
    count: int,
    first: NDArray[np.int8],
    last: NDArray[np.bool_],
    slot: NDArray[np.int64],
    state: Floats,
    at: int,
    out: Floats,
) -> None:
    """What a causal convolution sees: each of ``count`` rows of relu(x) after the rows before it, ``out`` (T, 96).

    ``first`` rows take those before them from the state (at ``at``) or begin with nothing, ``last`` ones leave theirs
    there.
    """
    for i in range(count):
        if first[i] == _GOES_ON:
            for j in range(_PAST * WIDTH):
                out[i, j] = state[slot[i], at + j]
        elif first[i] == _BEGINS:
            for j in range(_PAST * WIDTH):
                out[i, j] = _ZERO
        else:
            for j in range(_PAST * WIDTH):
                out[i, j] = out[i - 1, WIDTH + j]
        for j in range(WIDTH):
            out[i, _PAST * WIDTH + j] = max(x[i, j], _ZERO)
        if last[i]:
            for j in range(_PAST * WIDTH):
                state[slot[i], at + j] = out[i, WIDTH + j]


@compiled(
    "void(f4[:, ::1], i8, i1[::1], b1[::1], i8[::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, :, ::1], f4[:, :, ::1], "
    "f4[:, ::1], f4[:, ::1])"
)
def convolve(
    x: Floats,
    count: int,
    first: NDArray[np.int8],
    last: NDArray[np.bool_],
    slot: NDArray[np.int64],
    state: Floats,
    norms: Floats,
    conv: Floats,
    bias: Floats,
    between: Floats,
    window: Floats,
) -> None:
    """The residual convolution blocks over a tile: ``x`` (T, 32) becomes what they give.

    ``between`` (T, 32) and ``window`` (T, 96) are for what comes in between.
    """
    flat = window.reshape(window.size)
    for layer in range(len(conv)):
        norm(x, count, norms[layer], between)
        for which in range(2):
            windows(between, count, first, last, slot, state, (2 * layer + which) * _PAST * WIDTH, window)
            affine(flat, KERNEL * WIDTH, conv[layer, which], bias[layer, which], between, count)
        for i in range(count):
            for j in range(WIDTH):
                x[i, j] += between[i, j]


@compiled(
    "void(f4[:, ::1], i8, i1[::1], i8[::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, :, ::1], "
    "f4[:, ::1], f4[:, ::1])"
)
def recur(
    x: Floats,
    count: int,
    first: NDArray[np.int8],
    slot: NDArray[np.int64],
    state: Floats,
    norms: Floats,
    taken: Floats,
    bias: Floats,
    recurrent: Floats,
    between: Floats,
    gate: Floats,
) -> None:
    """The residual LSTM layers over a tile: ``x`` (T, 32) becomes what they give.

    ``between`` (T, 32) and ``gate`` (T, 128) are for what comes in between.
    """
    depth = len(taken)
    for layer in range(depth):
        norm(x, count, norms[depth + layer], between)
        gates(between, taken[layer], bias[layer], gate, count)
        h = depth * 2 * _PAST * WIDTH + layer * 2 * WIDTH
        for i in range(count):
            mine = state[slot[i], h : h + 2 * WIDTH]
            if first[i] == _BEGINS:
                mine[:] = _ZERO
            add_recurrent(mine[:WIDTH], recurrent[layer], gate[i])
            cell(gate[i], mine[WIDTH:], mine[:WIDTH], x[i])


@compiled("void(f4[:, ::1], i8, f4[:, ::1], f4[:, ::1], f4[::1], f4[:, ::1], f4[::1], f4[:, ::1])")
def head(
    joined: Floats,
    count: int,
    scale: Floats,
    hidden: Floats,
    hidden_bias: Floats,
    said: Floats,
    said_bias: Floats,
    out: Floats,
) -> None:
    """Logits of a tile, in the first columns of ``out`` (T, 32), by what both branches gave, (T, 64)."""
    normed = np.empty_like(joined)
    middle = np.empty((len(joined), WIDTH), np.float32)
    norm(joined, count, scale, normed)
    affine(normed.reshape(normed.size), 2 * WIDTH, hidden, hidden_bias, middle, count)
    for i in range(count):
        for j in range(WIDTH):
            middle[i, j] = max(middle[i, j], _ZERO)
    affine(middle.reshape(middle.size), WIDTH, said, said_bias, out, count)


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], b1[::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, :, ::1], "
    "f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, ::1], f4[::1], f4[:, ::1], f4[::1], "
    "f4[:, ::1])"
)
def body(
    stemmed: Floats,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    slots: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    state: Floats,
    norms: Floats,
    conv: Floats,
    conv_bias: Floats,
    taken: Floats,
    taken_bias: Floats,
    recurrent: Floats,
    head_norm: Floats,
    hidden: Floats,
    hidden_bias: Floats,
    said: Floats,
    said_bias: Floats,
    out: Floats,
) -> None:
    """Logits ``out`` (N, K) of rows that passed the stem (N, 32), sorted by host.

    R runs from ``starts`` to ``ends`` (R,), whose state lies in row ``slots`` (R,) of ``state`` unless they are
    ``fresh`` (R,) and begin anew; a slot may come again. The others are as in ``Weights``.
    """
    classes, total = out.shape[1], len(stemmed)
    window = np.empty((_TILE, KERNEL * WIDTH), np.float32)
    gate = np.empty((_TILE, GATES), np.float32)
    spatial = np.empty((_TILE, WIDTH), np.float32)
    temporal = np.empty((_TILE, WIDTH), np.float32)
    between = np.empty((_TILE, WIDTH), np.float32)
    joined = np.empty((_TILE, 2 * WIDTH), np.float32)
    logits = np.empty((_TILE, WIDTH), np.float32)
    first, last = np.empty(_TILE, np.int8), np.empty(_TILE, np.bool_)
    slot = np.empty(_TILE, np.int64)
    run = 0
    for at in range(0, total, _TILE):
        count = min(_TILE, total - at)
        for i in range(count):
            while at + i >= ends[run]:
                run += 1
            slot[i] = slots[run]
            first[i] = _GOES_ON if i == 0 else 0
            if at + i == starts[run]:
                first[i] = _BEGINS if fresh[run] else _GOES_ON
            last[i] = i == count - 1 or at + i + 1 == ends[run]
            spatial[i] = stemmed[at + i]
            temporal[i] = stemmed[at + i]
        convolve(spatial, count, first, last, slot, state, norms, conv, conv_bias, between, window)
        recur(temporal, count, first, slot, state, norms, taken, taken_bias, recurrent, between, gate)
        for i in range(count):
            joined[i, :WIDTH] = spatial[i]
            joined[i, WIDTH:] = temporal[i]
        head(joined, count, head_norm, hidden, hidden_bias, said, said_bias, logits)
        for i in range(count):
            out[at + i] = logits[i, :classes]
