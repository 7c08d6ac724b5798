"""Vectors do number by number what numpy does, wherever in an array they lie, and products do it row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.errors import TypingError

import zeekml.compiled.build  # noqa: F401 - tells numba of our own kinds of functions
from tests.builders import Floats
from zeekml.compiled.instructions import prefetch
from zeekml.scoring.kernels.dense import (
    CELLS,
    COLUMNS,
    GATES,
    PART,
    WIDTH,
    cell,
    load_cells,
    load_columns,
    load_part,
    load_row,
    normed,
    product,
    recurrent_part,
    relu,
    tanh_parts,
)
from zeekml.scoring.kernels.registers import in_line
from zeekml.scoring.kernels.vectors import (
    filler,
    larger,
    loader,
    lowest_bit,
    multiply_add,
    number,
    smaller,
    store,
    store_whole,
    total,
    turned,
    unlike,
    where_known,
    where_reached,
)

RNG = np.random.default_rng(0)
NAN = np.float32(np.nan)
compiled = njit(error_model="numpy", fastmath={"contract"})


def floats(*shape: int) -> Floats:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("lanes", [1, 8, 24, 64])
def test_numbers_are_worked_out_each_by_itself(lanes: int) -> None:
    load, full = loader(lanes), filler(lanes)

    @compiled
    def work(x: Floats, y: Floats, factor: np.float32, out: Floats) -> None:
        a, b = load(x, 3), load(y, 1)
        store(out, 0, a + b)
        store(out, lanes, a - factor)
        store(out, 2 * lanes, factor * a)
        store(out, 3 * lanes, a / b)
        store(out, 4 * lanes, multiply_add(factor, a, b))
        store(out, 5 * lanes, larger(a, b))
        store(out, 6 * lanes, smaller(a, b))
        store(out, 7 * lanes, full(number(x, 2)))

    x, y = floats(lanes + 3), floats(lanes + 3)
    out = np.full((8, lanes), NAN)
    work(x, y, np.float32(0.7), out)
    a, b, factor = x[3:], y[1 : lanes + 1], np.float32(0.7)
    expected = [a + b, a - factor, factor * a, a / b, factor * a + b, np.maximum(a, b), np.minimum(a, b)]
    np.testing.assert_allclose(out, [*expected, np.full(lanes, x[2])], rtol=1e-6, atol=1e-7)


def test_of_a_pair_with_nan_the_second_counts() -> None:
    load = loader(2)

    @compiled
    def work(x: Floats, y: Floats, out: Floats) -> None:
        store(out, 0, larger(load(x, 0), load(y, 0)))
        store(out, 2, smaller(load(x, 0), load(y, 0)))

    out = np.zeros(4, np.float32)
    work(np.array([NAN, 1], np.float32), np.array([2, NAN], np.float32), out)
    np.testing.assert_array_equal(out, [2, NAN, 2, NAN])


@given(st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 1.0, 2.0, np.inf, np.nan]), min_size=16, max_size=16))
def test_comparisons_give_bits_and_choices(values: list[float]) -> None:
    x, y = np.array(values, np.float32).reshape(2, 8)
    out, bits = np.zeros((2, 8), np.float32), np.zeros(1, np.int64)
    compare(x, y, out, bits)
    assert bits[0] == sum(1 << place for place in np.flatnonzero(x != y).tolist())
    np.testing.assert_array_equal(out, [np.where(x >= y, x, np.float32(-7)), np.where(np.isnan(x), y, x)])


_load_eight = loader(8)


@compiled
def compare(x: Floats, y: Floats, out: Floats, bits: Any) -> None:
    a, b = _load_eight(x, 0), _load_eight(y, 0)
    bits[0] = unlike(a, b)
    store(out, 0, where_reached(a, b, a, np.float32(-7)))
    store(out, 8, where_known(a, a, b))


@given(st.integers(-(2**63), 2**63 - 1))
def test_the_lowest_bit_is_found(bits: int) -> None:
    assert bits == 0 or found(bits) == (bits & -bits).bit_length() - 1


@compiled
def found(bits: int) -> Any:
    return lowest_bit(bits)


def test_sums_are_close_and_prefetching_changes_nothing() -> None:
    load = loader(32)

    @compiled
    def work(x: Floats) -> Any:
        prefetch(x, 10_000_000)
        return total(load(x, 0))

    x = floats(32)
    assert work(x) == pytest.approx(x.astype(float).sum(), abs=1e-5)


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.float32).T, np.zeros(4)])
def test_other_arrays_are_refused(array: Floats) -> None:
    @compiled
    def work(x: Floats) -> None:
        number(x, 0)

    with pytest.raises(TypingError):
        work(array)


@compiled
def multiplied(
    x: Floats, places: Any, weight: Floats, at: int, terms: int, bias: Floats, out: Floats
) -> None:
    a, b, c, d = places
    first = load_columns(bias, 0)
    y0, y1, y2, y3 = product(x, a, b, c, d, weight, at, terms, first)
    store(out, 0, y0)
    store(out, COLUMNS, y1)
    store(out, 2 * COLUMNS, y2)
    store(out, 3 * COLUMNS, y3)


@pytest.mark.parametrize("terms", [1, 7, 32, 96])
def test_a_row_comes_out_alike_beside_any_others(terms: int) -> None:
    x, weight, bias = floats(400), floats(terms + 2, COLUMNS), floats(COLUMNS)
    out = np.empty((4, COLUMNS), np.float32)
    seen: dict[int, Floats] = {}
    for places in [(0, 1, 2, 3), (3, 96, 0, 300), (300, 300, 300, 300), (2, 0, 1, 96)]:
        multiplied(x, places, weight, 2 * COLUMNS, terms, bias, out)
        for place, found in zip(places, out.copy(), strict=True):
            row = x[place : place + terms].astype(float)
            expected = bias + row @ weight[2:]
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
            np.testing.assert_array_equal(found, seen.setdefault(place, found))


@compiled
def stepped(hidden: Floats, weight: Floats, gate: Floats, out: Floats) -> None:
    store(out, 0, recurrent_part(hidden, 5, weight, PART * WIDTH, load_part(gate, GATES - PART)))


def test_a_step_multiplies_one_row() -> None:
    hidden, weight, gate = floats(WIDTH + 5), floats(2, WIDTH, PART), floats(GATES)
    out = np.empty(PART, np.float32)
    stepped(hidden, weight, gate, out)
    expected = gate[-PART:] + hidden[5:].astype(float) @ weight[1]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


@compiled
def normed_and_cut(x: Floats, scale: Floats, out: Floats) -> None:
    row = normed(load_row(x, 0), np.float32(1 / 32), load_row(scale, 0), load_row(scale, WIDTH))
    store(out, 0, row)
    store(out, WIDTH, relu(row))


def test_rows_are_normed_as_they_are_defined() -> None:
    x, scale, out = 100 + 3 * floats(WIDTH), floats(2, WIDTH), np.empty((2, WIDTH), np.float32)
    normed_and_cut(x, scale, out)
    exact = x.astype(float)
    expected = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5) * scale[0] + scale[1]
    np.testing.assert_allclose(out, [expected, np.maximum(expected, 0)], rtol=1e-4, atol=1e-4)


@compiled
def tanh(x: Floats, out: Floats) -> None:
    above_, below = tanh_parts(load_cells(x, 0))
    store(out, 0, above_ / below)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=CELLS, max_size=CELLS))
def test_tanh_is_exact_enough(values: list[float]) -> None:
    x, out = np.array(values, np.float32), np.empty(CELLS, np.float32)
    tanh(x, out)
    assert np.abs(out - np.tanh(x.astype(float))).max() < 5e-7


@compiled
def lived(gates: Floats, carried: Floats, out: Floats) -> None:
    inner, outer = cell(
        load_cells(gates, 0),
        load_cells(gates, CELLS),
        load_cells(gates, 2 * CELLS),
        load_cells(gates, 3 * CELLS),
        load_cells(carried, 0),
    )
    store(out, 0, inner)
    store(out, CELLS, outer)


@settings(max_examples=30)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=4 * CELLS, max_size=4 * CELLS),
    st.lists(st.floats(-1000, 1000, width=32), min_size=CELLS, max_size=CELLS),
)
def test_a_cell_is_an_lstms(gates: list[float], carried: list[float]) -> None:
    gate, before = np.array(gates, np.float32).reshape(4, CELLS), np.array(carried, np.float32)
    out = np.empty((2, CELLS), np.float32)
    lived(gate, before, out)
    taken, kept, new, shown = np.tanh(gate.astype(float))
    inner = (1 + kept) / 2 * before + (1 + taken) / 2 * new
    np.testing.assert_allclose(out[0], inner, rtol=2e-6, atol=2e-6 * max(1, np.abs(before).max()))
    np.testing.assert_allclose(out[1], (1 + shown) / 2 * np.tanh(out[0].astype(float)), atol=2e-6)


@compiled
def turn(matrix: Floats, rows: Any, out: Floats) -> None:
    turned(matrix, rows, 2, 3, out, 1, 20)


def test_sixteen_numbers_of_sixteen_rows_are_turned() -> None:
    matrix, out = floats(9, 21), np.zeros((16, 20), np.float32)
    rows = RNG.integers(0, 9, 19)
    turn(matrix, rows * 21, out)
    np.testing.assert_array_equal(out[:, 1:17], matrix[rows[2:18], 3:19].T)
    assert not out[:, 0].any()
    assert not out[:, 17:].any()


@compiled
def store_whole_ones(x: Floats, out: Any) -> None:
    store_whole(out, 1, _load_eight(x, 0))


def test_whole_numbers_are_stored_as_such() -> None:
    out = np.full(10, 99, np.int32)
    store_whole_ones(np.arange(-4, 4, dtype=np.float32), out)
    np.testing.assert_array_equal(out, [99, *range(-4, 4), 99])


def test_an_array_in_line_begins_with_a_line() -> None:
    for count in range(1, 20):
        array = floats(count, 3)
        moved = in_line(array)
        assert moved.ctypes.data % 64 == 0
        assert moved.flags.c_contiguous
        np.testing.assert_array_equal(moved, array)
