"""What trees are made of in registers: each function does for every row what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from zeekml.compiled.processor import has_wide_registers
from zeekml.scoring.kernels.leaves import (
    adder,
    counted,
    no_bytes,
    no_sums,
    passed,
    searcher,
    store_bytes,
    store_sums,
    where_missing,
)
from zeekml.scoring.kernels.registers import MISSING, TOGETHER
from zeekml.scoring.kernels.trees import _as_searched
from zeekml.scoring.kernels.vectors import loader

RNG = np.random.default_rng(0)
load_rows = loader(TOGETHER)
compiled = njit(error_model="numpy", fastmath={"contract"})


@compiled
def count(values: Any, edges: Any, out: Any) -> None:
    given, found = load_rows(values, 1), no_bytes()
    for edge in edges:
        found = counted(found, given, edge)
    store_bytes(out, 1, found)
    store_bytes(out, 1 + TOGETHER, where_missing(given, found))


def test_edges_below_a_number_are_counted() -> None:
    values = RNG.integers(-3, 4, TOGETHER + 1).astype(np.float32)
    values[5:7], values[7], values[8] = np.nan, np.inf, -np.inf
    edges, out = np.array([-2, 0, 0.5, 1], np.float32), np.full(2 * TOGETHER + 2, 99, np.int8)
    count(values, edges, out)
    expected = (values[1:, None] > edges).sum(axis=1)
    np.testing.assert_array_equal(out[1 : 1 + TOGETHER], expected)
    np.testing.assert_array_equal(out[1 + TOGETHER : -1], np.where(np.isnan(values[1:]), MISSING, expected))
    assert out[0] == out[-1] == 99


@pytest.mark.skipif(not has_wide_registers(), reason="this processor looks nothing up in registers")
@pytest.mark.parametrize("known", [1, 15, 16, 31, 32, 63])
def test_numbers_of_a_table_are_counted_by_searching(known: int) -> None:
    thresholds = np.sort(RNG.normal(size=known).astype(np.float32))
    table = np.concatenate([np.zeros(3, np.float32), _as_searched(thresholds)])
    found = searcher((len(table) - 3).bit_length() - 1)

    @compiled
    def search(values: Any, table: Any, out: Any) -> None:
        store_bytes(out, 0, found(values, 1, table, 3))

    values, out = RNG.normal(size=TOGETHER + 1).astype(np.float32), np.empty(TOGETHER, np.int8)
    values[5:10] = [np.nan, np.inf, -np.inf, thresholds[0], thresholds[-1]]
    search(values, table, out)
    np.testing.assert_array_equal(out, (values[1:, None] > thresholds).sum(axis=1))


@compiled
def go(counts: Any, nodes: Any, out: Any) -> None:
    leaf = no_bytes()
    for at in range(0, len(nodes), 4):
        leaf = passed(leaf, counts, nodes, at)
    store_bytes(out, 0, leaf)


def test_rows_go_to_the_right_that_are_at_a_node_whose_test_fails() -> None:
    every = 0x01010101
    counts = RNG.integers(0, 3, 3 * TOGETHER).astype(np.int8)
    nodes = np.array(
        [TOGETHER, every, 0, 4 * every, 0, 0, 0, 2 * every, 2 * TOGETHER, every, 4 * every, 7 * every]
    )
    out = np.empty(TOGETHER, np.int8)
    go(counts, nodes.astype(np.int32), out)
    low, root, high = counts.reshape(3, TOGETHER)
    np.testing.assert_array_equal(out, np.where(root > 1, np.where(high > 1, 7, 4), np.where(low > 0, 2, 0)))


@pytest.mark.parametrize("wide", [False, True])
def test_leaves_are_added_up(wide: bool) -> None:
    if wide and not has_wide_registers():
        pytest.skip("this processor cannot pick sixteen numbers out of a register")
    added = adder(wide)

    @compiled
    def add(counts: Any, nodes: Any, leaves: Any, out: Any) -> None:
        leaf, sums = no_bytes(), no_sums()
        for at in range(0, len(nodes), 4):
            leaf = passed(leaf, counts, nodes, at)
        for tree in range(len(leaves) // 16):
            sums = added(sums, leaf, leaves, 16 * tree)
        store_sums(out, 1, sums)

    rows = RNG.integers(0, 16, TOGETHER).astype(np.int8)
    # Each row goes on from leaf to leaf as often as it has counts.
    nodes = np.array([[0, k * 0x01010101, k * 0x01010101, (k + 1) * 0x01010101] for k in range(15)], np.int32)
    leaves, out = RNG.normal(size=32).astype(np.float32), np.full(TOGETHER + 2, 99.0)
    add(rows, nodes.ravel(), leaves, out)
    np.testing.assert_array_equal(out[1:-1], leaves[rows].astype(np.float64) + leaves[16 + rows])
    assert out[0] == out[-1] == 99
