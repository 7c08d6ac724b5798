"""A figure over several seeds, as it is told."""

from __future__ import annotations

import pytest

from zeekml.spread import Spread


def test_mean_and_sample_deviation() -> None:
    found = Spread((0.5, 0.6, 0.7))
    assert found.mean == pytest.approx(0.6)
    assert found.deviation == pytest.approx(0.1)
    assert found.percent() == "60.00 ± 10.00"
    assert found.plain() == "0.600 ± 0.100"


def test_one_seed_has_no_spread() -> None:
    assert Spread((0.25,)).deviation is None
    assert Spread((0.25,)).plain() == "0.250"
    assert Spread((0.25,)).percent() == "25.00"
