"""Branches and head of Res-1DCNN-LSTM over the connections of a block, each host's state carried on.

Rows go through the layers in tiles of some tens, whatever hosts they are of: a long run of one host and many hosts with
a row each cost alike. What a layer carries lies in the state's row of the host, first both convolutions' rows of each
residual block, then hidden and cell state of each LSTM: as ``Runner`` carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled, routine
from zeekml.compiled.instructions import prefetch
from zeekml.scoring.kernels.dense import (
    CELLS,
    COLUMNS,
    GATES,
    PART,
    ROWS,
    WIDTH,
    cell,
    load_cells,
    load_columns,
    load_part,
    load_row,
    load_two,
    normed,
    product,
    recurrent_part,
    relu,
)
from zeekml.scoring.kernels.registers import filler, store

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]

#: Steps that a convolution sees.
KERNEL: Final = 3
_PAST: Final = KERNEL - 1
_TILE: Final = 48
#: Numbers of a cache's line.
_LINE: Final = 16
_PART: Final = np.float32(1 / WIDTH)
_PART_OF_TWO: Final = np.float32(1 / (2 * WIDTH))
_ZERO: Final = np.float32(0)

_nothing_before = filler(_PAST * WIDTH)
_nothing = filler(WIDTH)

# A tile's rows are of pieces of runs. Before the rows of each piece a convolution sees those before them, so they lie
# in its input together: row i of piece p, counted in the tile, in line i + 2 p + 2, and what it sees begins two before.


@routine
def before(
    lines: Floats,
    pieces: int,
    piece_begin: Ints,
    piece_slot: Ints,
    anew: NDArray[np.bool_],
    state: Floats,
    at: int,
) -> None:
    """Lay what each piece's host carries (at ``at`` of its state) before the piece, or nothing where it begins anew."""
    for p in range(pieces):
        place = (piece_begin[p] + _PAST * p) * WIDTH
        if anew[p]:
            store(lines, place, _nothing_before(_ZERO))
        else:
            store(lines, place, load_two(state, piece_slot[p] * state.shape[1] + at))


@routine
def after(lines: Floats, pieces: int, piece_begin: Ints, piece_slot: Ints, state: Floats, at: int) -> None:
    """Leave the last lines of each piece in its host's state."""
    for p in range(pieces):
        place = (piece_begin[p + 1] + _PAST * p) * WIDTH
        store(state, piece_slot[p] * state.shape[1] + at, load_two(lines, place))


@routine
def convolve(
    x: Floats,
    count: int,
    seen: Ints,
    pieces: int,
    piece_begin: Ints,
    piece_slot: Ints,
    anew: NDArray[np.bool_],
    state: Floats,
    norms: Floats,
    conv: Floats,
    bias: Floats,
    first: Floats,
    second: Floats,
) -> None:
    """The residual convolution blocks over a tile: the first 32 columns of ``x`` (T, 64) become what they give.

    ``seen`` (T,): where in ``first`` and ``second`` (3 T, 32), both inputs, begins what a row sees. In the rows from
    ``count`` to the next multiple of four stands any that there is.
    """
    taps = KERNEL * WIDTH
    for layer in range(len(conv)):
        carried = 2 * layer * _PAST * WIDTH
        before(first, pieces, piece_begin, piece_slot, anew, state, carried)
        before(second, pieces, piece_begin, piece_slot, anew, state, carried + _PAST * WIDTH)
        scale, shift = load_row(norms, 2 * layer * WIDTH), load_row(norms, (2 * layer + 1) * WIDTH)
        for i in range(count):
            row = normed(load_row(x, i * 2 * WIDTH), _PART, scale, shift)
            store(first, seen[i] + _PAST * WIDTH, relu(row))
        for block in range(WIDTH // COLUMNS):
            column = block * COLUMNS
            start = load_columns(bias, 2 * layer * WIDTH + column)
            at = (2 * layer * WIDTH + column) * taps
            out = _PAST * WIDTH + column
            for i in range(0, count, ROWS):
                a, b, c, d = seen[i], seen[i + 1], seen[i + 2], seen[i + 3]
                y0, y1, y2, y3 = product(first, a, b, c, d, conv, at, taps, start)
                store(second, a + out, relu(y0))
                store(second, b + out, relu(y1))
                store(second, c + out, relu(y2))
                store(second, d + out, relu(y3))
        for block in range(WIDTH // COLUMNS):
            column = block * COLUMNS
            start = load_columns(bias, (2 * layer + 1) * WIDTH + column)
            at = ((2 * layer + 1) * WIDTH + column) * taps
            for i in range(0, count, ROWS):
                a, b, c, d = seen[i], seen[i + 1], seen[i + 2], seen[i + 3]
                y0, y1, y2, y3 = product(second, a, b, c, d, conv, at, taps, start)
                out = i * 2 * WIDTH + column
                store(x, out, load_columns(x, out) + y0)
                store(x, out + 2 * WIDTH, load_columns(x, out + 2 * WIDTH) + y1)
                store(x, out + 4 * WIDTH, load_columns(x, out + 4 * WIDTH) + y2)
                store(x, out + 6 * WIDTH, load_columns(x, out + 6 * WIDTH) + y3)
        after(first, pieces, piece_begin, piece_slot, state, carried)
        after(second, pieces, piece_begin, piece_slot, state, carried + _PAST * WIDTH)


@routine
def recur(
    x: Floats,
    count: int,
    slot: Ints,
    begins: NDArray[np.bool_],
    state: Floats,
    norms: Floats,
    taken: Floats,
    bias: Floats,
    recurrent: Floats,
    between: Floats,
    gate: Floats,
) -> None:
    """The residual LSTM layers over a tile: the last 32 columns of ``x`` (T, 64) become what they give.

    ``slot`` (T,) is that of each row's host, ``begins`` (T,) says which rows find nothing in it. ``between`` (T, 64)
    and ``gate`` (T, 128) are for what comes in between.
    """
    depth = len(taken)
    for layer in range(depth):
        scale = load_row(norms, 2 * (depth + layer) * WIDTH)
        shift = load_row(norms, (2 * (depth + layer) + 1) * WIDTH)
        for i in range(count):
            row = normed(load_row(x, (2 * i + 1) * WIDTH), _PART, scale, shift)
            store(between, i * WIDTH, row)
        for block in range(GATES // COLUMNS):
            column = block * COLUMNS
            start = load_columns(bias, layer * GATES + column)
            at = (layer * GATES + column) * WIDTH
            for i in range(0, count, ROWS):
                a = i * WIDTH
                y0, y1, y2, y3 = product(
                    between, a, a + WIDTH, a + 2 * WIDTH, a + 3 * WIDTH, taken, at, WIDTH, start
                )
                out = i * GATES + column
                store(gate, out, y0)
                store(gate, out + GATES, y1)
                store(gate, out + 2 * GATES, y2)
                store(gate, out + 3 * GATES, y3)
        for i in range(count):
            hidden = slot[i] * state.shape[1] + depth * 2 * _PAST * WIDTH + layer * 2 * WIDTH
            carried = hidden + WIDTH
            if begins[i]:
                store(state, hidden, _nothing(_ZERO))
                store(state, carried, _nothing(_ZERO))
            g = i * GATES
            at = layer * GATES * WIDTH
            for part in range(GATES // PART):
                y = recurrent_part(
                    state, hidden, recurrent, at + part * PART * WIDTH, load_part(gate, g + part * PART)
                )
                store(gate, g + part * PART, y)
            for j in range(0, WIDTH, CELLS):
                inner, outer = cell(
                    load_cells(gate, g + j),
                    load_cells(gate, g + WIDTH + j),
                    load_cells(gate, g + 2 * WIDTH + j),
                    load_cells(gate, g + 3 * WIDTH + j),
                    load_cells(state, carried + j),
                )
                store(state, carried + j, inner)
                store(state, hidden + j, outer)
                y = (2 * i + 1) * WIDTH + j
                store(x, y, load_cells(x, y) + outer)


@routine
def head(
    x: Floats,
    count: int,
    scale: Floats,
    hidden: Floats,
    hidden_bias: Floats,
    said: Floats,
    said_bias: Floats,
    between: Floats,
    logits: Floats,
) -> None:
    """Logits of a tile (T, 32) by what both branches gave, ``x`` (T, 64), which is overwritten."""
    by, shift = load_two(scale, 0), load_two(scale, 2 * WIDTH)
    for i in range(count):
        store(x, i * 2 * WIDTH, normed(load_two(x, i * 2 * WIDTH), _PART_OF_TWO, by, shift))
    for column in range(0, WIDTH, COLUMNS):
        start = load_columns(hidden_bias, column)
        for i in range(0, count, ROWS):
            a = i * 2 * WIDTH
            y0, y1, y2, y3 = product(
                x,
                a,
                a + 2 * WIDTH,
                a + 4 * WIDTH,
                a + 6 * WIDTH,
                hidden,
                column * 2 * WIDTH,
                2 * WIDTH,
                start,
            )
            out = i * WIDTH + column
            store(between, out, relu(y0))
            store(between, out + WIDTH, relu(y1))
            store(between, out + 2 * WIDTH, relu(y2))
            store(between, out + 3 * WIDTH, relu(y3))
    for column in range(0, WIDTH, COLUMNS):
        start = load_columns(said_bias, column)
        for i in range(0, count, ROWS):
            a = i * WIDTH
            y0, y1, y2, y3 = product(
                between, a, a + WIDTH, a + 2 * WIDTH, a + 3 * WIDTH, said, column * WIDTH, WIDTH, start
            )
            out = i * WIDTH + column
            store(logits, out, y0)
            store(logits, out + WIDTH, y1)
            store(logits, out + 2 * WIDTH, y2)
            store(logits, out + 3 * WIDTH, y3)


@compiled(
    "void(f4[:, ::1], i8[::1], i8[::1], i8[::1], i8[::1], b1[::1], f4[:, ::1], f4[:, :, ::1], f4[:, :, :, ::1], "
    "f4[:, :, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, :, ::1], f4[:, ::1], f4[:, ::1], f4[::1], f4[:, ::1], f4[::1], "
    "f4[:, ::1])"
)
def body(
    stemmed: Floats,
    order: Ints,
    starts: Ints,
    ends: Ints,
    slots: Ints,
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
    """Logits ``out`` (N, K) of rows ``order`` (N,), sorted by host, which passed the stem in this order (N, 32).

    R runs from ``starts`` to ``ends`` (R,), whose state lies in row ``slots`` (R,) of ``state`` unless they are
    ``fresh`` (R,) and begin anew; a slot may come again. The others are as in ``Weights``.
    """
    classes, rows = out.shape[1], len(order)
    x = np.zeros((_TILE, 2 * WIDTH), np.float32)
    between = np.zeros((_TILE, WIDTH), np.float32)
    lines = np.zeros((2, KERNEL * _TILE, WIDTH), np.float32)
    first, second = lines[0], lines[1]
    gate = np.zeros((_TILE, GATES), np.float32)
    logits = np.zeros((_TILE, WIDTH), np.float32)
    slot, seen = np.zeros(_TILE, np.int64), np.zeros(_TILE, np.int64)
    piece_begin, piece_slot = np.zeros(_TILE + 1, np.int64), np.zeros(_TILE, np.int64)
    anew, begins = np.zeros(_TILE, np.bool_), np.zeros(_TILE, np.bool_)
    done, run = 0, 0
    while done < rows:
        count, pieces = 0, 0
        while count < _TILE and done + count < rows:
            at = done + count
            while at >= ends[run]:
                run += 1
            mine = slots[run]
            is_new = fresh[run] and at == starts[run]
            if not is_new:
                waits = False
                for p in range(pieces):
                    waits |= piece_slot[p] == mine
                if waits:
                    # What the run goes on from is only known once this tile is through.
                    break
            # Where hosts have a row each, their states lie anywhere in a memory that no cache holds.
            ahead = slots[min(run + _TILE, len(slots) - 1)] * state.shape[1]
            for line in range(0, state.shape[1], _LINE):
                prefetch(state, ahead + line)
            piece_begin[pieces], piece_slot[pieces], anew[pieces] = count, mine, is_new
            stop = min(count + ends[run] - at, _TILE)
            for i in range(count, stop):
                slot[i], begins[i] = mine, is_new and i == count
                seen[i] = (i + _PAST * pieces) * WIDTH
                row = load_row(stemmed, (done + i) * WIDTH)
                store(x, i * 2 * WIDTH, row)
                store(x, (2 * i + 1) * WIDTH, row)
            count = stop
            pieces += 1
        piece_begin[pieces] = count
        for i in range(count, min(count + ROWS, _TILE)):
            seen[i] = seen[count - 1]
        convolve(
            x,
            count,
            seen,
            pieces,
            piece_begin,
            piece_slot,
            anew,
            state,
            norms,
            conv,
            conv_bias,
            first,
            second,
        )
        recur(x, count, slot, begins, state, norms, taken, taken_bias, recurrent, between, gate)
        head(x, count, head_norm, hidden, hidden_bias, said, said_bias, between, logits)
        for i in range(count):
            row = order[done + i]
            for j in range(classes):
                out[row, j] = logits[i, j]
        done += count
