"""The index: 0 where nothing moved, symmetric, known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.drift.stability import MOVED, MOVED_MUCH, in_words, stability_index

shares = (
    st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any).map(lambda n: np.array(n) / sum(n))
)


@given(shares, shares)
def test_it_is_no_less_than_zero_symmetric_and_zero_for_the_same(one: np.ndarray, other: np.ndarray) -> None:
    assert stability_index(one, one) == 0
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert stability_index(one, other) >= 0


def test_a_known_value() -> None:
    """0.1 * ln(0.6 / 0.5) + (-0.1) * ln(0.4 / 0.5)."""
    found = stability_index(np.array([0.6, 0.4]), np.array([0.5, 0.5]))
    assert found == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))


def test_an_empty_bin_is_no_infinity() -> None:
    assert stability_index(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(18.42, abs=0.01)


def test_every_feature_has_its_own() -> None:
    found = np.array([[0.5, 0.5], [0.9, 0.1]])
    assert stability_index(found, np.full((2, 2), 0.5)).tolist()[0] == 0


@pytest.mark.parametrize(
    ("index", "words"),
    [(0.0, "as in training"), (MOVED, "moved"), (0.24, "moved"), (MOVED_MUCH, "moved much")],
)
def test_in_words(index: float, words: str) -> None:
    assert in_words(index) == words
