"""Spread over seeds, and when a lead counts as one."""

from __future__ import annotations

import pytest

from zeekml.comparison.cells import Cell
from zeekml.comparison.flow import RES
from zeekml.comparison.settings import NETWORK_NAMES
from zeekml.comparison.store import Result
from zeekml.comparison.summary import lead


def results(figures: dict[str, list[float]]) -> dict[Cell, Result]:
    return {
        Cell("iot23", "distinct", "multi", network, seed, None): {"figures": {"macro_f1": value}}
        for network, values in figures.items()
        for seed, value in enumerate(values)
    }


def others(*values: float) -> dict[str, list[float]]:
    return {network: list(values) for network in NETWORK_NAMES}


def test_a_lead_is_beyond_the_spread_when_its_worst_seed_beats_the_best_of_all() -> None:
    far = lead(results(others(0.5, 0.6) | {RES: [0.71, 0.7], "GRU": [0.65, 0.62]}), "iot23", "distinct")
    assert far is not None
    assert far.beyond
    assert far.rival == "GRU"
    assert far.differences == pytest.approx((0.06, 0.08))
    near = lead(results(others(0.5, 0.6) | {RES: [0.7, 0.61], "GRU": [0.62, 0.5]}), "iot23", "distinct")
    assert near is not None
    assert not near.beyond


def test_there_is_no_lead_while_a_network_is_absent() -> None:
    some = others(0.5)
    del some["GRU"]
    assert lead(results(some), "iot23", "distinct") is None
    assert lead(results(others(0.5) | {RES: [0.6, 0.7]}), "iot23", "distinct") is None
