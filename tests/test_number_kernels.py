"""Exponentials and logarithms in line are those of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

import zeekml.compiled.build  # noqa: F401 - tells numba of our own kinds of functions
from zeekml.compiled.instructions import bits_of, of_bits
from zeekml.number_kernels import exponential, log1p, logarithm

Doubles = NDArray[np.float64]

RNG = np.random.default_rng(0)
compiled = njit(error_model="numpy", fastmath={"contract"})
ANY = np.concatenate(
    [RNG.normal(size=5000), RNG.uniform(-700, 700, 5000), 10 ** RNG.uniform(-300, 300, 5000), [0.0]]
)


@compiled
def exponentials(x: Doubles, out: Doubles) -> None:
    for i in range(len(x)):
        out[i] = exponential(x[i])


@compiled
def logarithms(x: Doubles, out: Doubles) -> None:
    for i in range(len(x)):
        out[i] = logarithm(x[i])


@compiled
def logarithms_of_one_more(x: Doubles, out: Doubles) -> None:
    for i in range(len(x)):
        out[i] = log1p(x[i])


def test_exponentials_are_numpys() -> None:
    out = np.empty(len(ANY))
    exponentials(ANY, out)
    np.testing.assert_allclose(out, np.exp(np.clip(ANY, -700, 700)), rtol=1e-15)


def test_logarithms_are_numpys() -> None:
    x = np.abs(ANY[:-1])
    out = np.empty(len(x))
    logarithms(x, out)
    np.testing.assert_allclose(out, np.log(x), rtol=1e-15, atol=1e-15)


@pytest.mark.filterwarnings("ignore:(invalid|divide by zero):RuntimeWarning")
def test_logarithms_of_one_more_are_numpys_whatever_the_number() -> None:
    x = np.concatenate([np.abs(ANY), [-0.5, -1.0, -2.0, np.inf, -np.inf, np.nan, 1e305, 5e-324]])
    out = np.empty(len(x))
    logarithms_of_one_more(x, out)
    np.testing.assert_allclose(out, np.log1p(x), rtol=1e-15)


@compiled
def there_and_back(number: float) -> tuple[int, float]:
    return bits_of(number), of_bits(bits_of(number))


@pytest.mark.parametrize("number", [0.0, -1.5, 1e300])
def test_bits_are_those_of_the_number(number: float) -> None:
    assert there_and_back(number) == (int(np.float64(number).view(np.int64)), number)
