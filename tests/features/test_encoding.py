"""The encoding of features: bounded, marked where missing, flags untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import Floats, matrix_of, random_log
from zeekml.features import LAYOUT, Encoding, Layout
from zeekml.features.encoding import Mode
from zeekml.features.layout import flag, number

SMALL = Layout(
    "small", 1, (number("a", "ts", "x", "s", "a"), flag("f", "ts", "f"), number("b", "ts", "x", "s", "b"))
)
MODES: tuple[Mode, ...] = ("piecewise", "quantile")


def column(values: list[float]) -> Floats:
    """A matrix of ``SMALL`` whose first number has these values."""
    matrix = np.zeros((len(values), 3), dtype=np.float32)
    matrix[:, 0] = values
    return matrix


def fitted(mode: Mode = "piecewise", bins: int = 4) -> Encoding:
    rng = np.random.default_rng(0)
    return Encoding.fit(column(list(rng.exponential(10.0, 1000))), SMALL, mode=mode, bins=bins)


def numbers(encoding: Encoding, values: list[float]) -> NDArray[np.float32]:
    """The channels of the first number: after one flag and two missing marks."""
    width = encoding.bins if encoding.mode == "piecewise" else 1
    return encoding.encode(column(values))[:, 3 : 3 + width]


@pytest.mark.parametrize("mode", MODES)
def test_channels_lie_between_0_and_1(mode: Mode) -> None:
    matrix = matrix_of(random_log(0, 300))
    encoding = Encoding.fit(matrix[:150], LAYOUT, mode=mode)
    encoded = encoding.encode(matrix)
    assert encoded.shape == (300, encoding.channels)
    assert encoded.dtype == np.float32
    assert encoded.min() == 0
    assert encoded.max() == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", [1e4, 1e30, float("inf")])
def test_values_never_seen_are_clipped(mode: Mode, value: float) -> None:
    encoding = fitted(mode)
    np.testing.assert_array_equal(numbers(encoding, [value]), 1)
    np.testing.assert_array_equal(numbers(encoding, [-value]), 0)


@pytest.mark.parametrize("mode", MODES)
def test_missing_has_a_mark_and_no_value(mode: Mode) -> None:
    encoding = fitted(mode)
    missing, zero = encoding.encode(column([np.nan, 0.0]))
    assert missing[1] == 1
    assert zero[1] == 0
    np.testing.assert_array_equal(numbers(encoding, [np.nan]), 0)


def test_flags_stay_0_and_1() -> None:
    matrix = matrix_of(random_log(0, 100))
    encoding = Encoding.fit(matrix, LAYOUT)
    flags = ~encoding.is_number
    np.testing.assert_array_equal(encoding.encode(matrix)[:, : flags.sum()], matrix[:, flags])


def test_piecewise_channels_fill_one_after_the_other() -> None:
    encoding = fitted()
    rising = numbers(encoding, list(np.linspace(-1, 100, 400)))
    assert (np.diff(rising, axis=0) >= 0).all()
    # A bin begins to fill when the one before it is full.
    assert ((rising[:, 1:] == 0) | (rising[:, :-1] > 1 - 1e-6)).all()


def test_a_value_half_way_through_a_bin_fills_half_of_it() -> None:
    encoding = fitted()
    low, high = encoding.edges[0, 1:3]
    np.testing.assert_allclose(numbers(encoding, [float(low + high) / 2])[0], [1, 0.5, 0, 0], atol=1e-5)


def test_quantile_is_the_mean_of_piecewise() -> None:
    values = list(np.linspace(-1, 60, 50))
    piecewise = numbers(fitted("piecewise"), values)
    np.testing.assert_allclose(numbers(fitted("quantile"), values)[:, 0], piecewise.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_channels_know_their_feature(mode: Mode) -> None:
    encoding = fitted(mode)
    of_channel = encoding.feature_of_channel()
    assert len(of_channel) == encoding.channels
    before = encoding.encode(column([0.0, 0.0]))
    for feature in range(3):
        changed = column([0.0, 0.0])
        changed[:, feature] = [1.0, np.nan if feature != 1 else 1.0]
        moved = (encoding.encode(changed) != before).any(axis=0)
        assert set(of_channel[moved]) == {feature}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("used", [[True, False, True], [False, True, True], [True, True, False]])
def test_a_feature_that_is_not_used_has_no_channel(mode: Mode, used: list[bool]) -> None:
    encoding = fitted(mode)
    narrow = replace(encoding, used=np.array(used))
    assert set(narrow.feature_of_channel()) == set(np.flatnonzero(used))
    matrix = column([0.5, 3.0, np.nan])
    kept = np.isin(encoding.feature_of_channel(), np.flatnonzero(used))
    np.testing.assert_array_equal(narrow.encode(matrix), encoding.encode(matrix)[:, kept])


@pytest.mark.parametrize(
    "values", [[np.nan] * 20, [5.0] * 20, [0.0] * 990 + [1.0] * 10, [1.0, 2.0], [1e9, 1e9 + 1, 3e9]]
)
def test_poor_data_still_gives_rising_edges(values: list[float]) -> None:
    encoding = Encoding.fit(column(values), SMALL, bins=8)
    assert (np.diff(encoding.edges, axis=1) >= 0).all()
    encoded = encoding.encode(column([*values, -1.0, 1e12]))
    assert np.isfinite(encoded).all()
    assert encoded.min() >= 0
    assert encoded.max() <= 1


def test_rare_values_are_still_told_apart() -> None:
    encoding = Encoding.fit(column([0.0] * 990 + [1.0] * 10), SMALL, bins=4)
    low, high = numbers(encoding, [0.0, 1.0])
    assert high.sum() - low.sum() > 1
