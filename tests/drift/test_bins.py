"""Bins of features: every value has one, missing ones their own, however many rows are placed at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.builders import matrix_of, random_log, small_encoding
from zeekml.drift.bins import Bins
from zeekml.drift.reference import Reference, near

BINS = Bins(np.array([True, False]), np.array([[0.0, 1.0, 2.0]], dtype=np.float32))
"""A number with two bins between edges, and a flag."""


def placed(number: float, flag: float = 0.0) -> list[int]:
    found: list[int] = BINS.place(np.array([[number, flag]], dtype=np.float32))[0].tolist()
    return found


@pytest.mark.parametrize(
    ("value", "place"),
    [(np.nan, 0), (-np.inf, 1), (-0.1, 1), (0.0, 2), (0.9, 2), (1.0, 3), (1.9, 3), (2.0, 4), (np.inf, 4)],
)
def test_the_bin_of_a_number(value: float, place: int) -> None:
    assert placed(value) == [place, 1]


def test_the_bin_of_a_flag() -> None:
    assert [placed(0, flag)[1] for flag in (0.0, 1.0)] == [1, 2]


@given(arrays(np.float32, st.tuples(st.integers(0, 60), st.just(2)), elements=st.floats(width=32)))
def test_every_row_is_counted_once_in_each_feature(matrix: np.ndarray) -> None:
    counts = BINS.count(matrix)
    assert counts.shape == BINS.shape == (2, 5)
    assert counts.sum(axis=1).tolist() == [len(matrix)] * 2
    assert counts[0, 0] == np.isnan(matrix[:, 0]).sum()
    assert counts[1, [0, 3, 4]].sum() == 0


def test_counting_many_rows_is_counting_them_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = matrix_of(random_log(0, 300))
    bins = Bins.of(small_encoding())
    weights = np.random.default_rng(0).integers(0, 5, len(matrix)).astype(np.float32)
    whole, weighed = bins.count(matrix), bins.count(matrix, weights)
    monkeypatch.setattr("zeekml.drift.bins._AT_ONCE", 7)
    np.testing.assert_array_equal(bins.count(matrix), whole)
    np.testing.assert_array_equal(bins.count(matrix, weights), weighed)
    np.testing.assert_array_equal(bins.count(np.repeat(matrix, weights.astype(int), axis=0)), weighed)


def test_what_is_expected_of_a_mixture() -> None:
    shares = np.zeros((2, 2, 5), dtype=np.float32)
    shares[0, :, 1], shares[1, :, 2] = 1, 1
    reference = Reference(BINS, shares, np.array([0.1, 0.3], dtype=np.float32))
    np.testing.assert_allclose(reference.expected(0.25)[0], [0, 0.75, 0.25, 0, 0])
    assert reference.expected_near(0.5) == pytest.approx(0.2)


@given(st.floats(0.001, 0.999))
def test_near_means_half_to_twice_the_odds(threshold: float) -> None:
    odds = threshold / (1 - threshold)
    for factor, expected in ((0.49, False), (0.51, True), (1.0, True), (1.99, True), (2.01, False)):
        score = odds * factor / (1 + odds * factor)
        assert near(np.array([score]), threshold).tolist() == [expected]
