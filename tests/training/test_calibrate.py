"""Calibration and its error."""

from __future__ import annotations

import numpy as np
import pytest

from zeekml.training.calibrate import expected_calibration_error, fit_calibration

RNG = np.random.default_rng(0)
TRUE_ODDS = RNG.normal(-2, 2, 40_000)
BAD = RNG.random(len(TRUE_ODDS)) < 1 / (1 + np.exp(-TRUE_ODDS))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, 1.0), (2.0, -3.0)])
def test_the_scale_and_offset_that_were_hidden_are_found(scale: float, offset: float) -> None:
    found = fit_calibration((TRUE_ODDS - offset) / scale, BAD)
    assert found.scale == pytest.approx(scale, rel=0.05)
    assert found.offset == pytest.approx(offset, abs=0.1)


def test_calibrated_scores_have_a_small_error_and_others_have_not() -> None:
    odds = TRUE_ODDS * 3 + 2
    raw = 1 / (1 + np.exp(-odds))
    calibrated = fit_calibration(odds, BAD).score(odds)
    assert expected_calibration_error(calibrated, BAD) < 0.01
    assert expected_calibration_error(raw, BAD) > 0.05


def test_a_network_that_ranks_the_wrong_way_round_keeps_a_scale_above_zero() -> None:
    assert fit_calibration(-TRUE_ODDS, BAD).scale > 0


def test_the_error_by_hand() -> None:
    score = np.array([0.05, 0.05, 0.95, 1.0])
    bad = np.array([False, True, True, True])
    assert expected_calibration_error(score, bad, bins=10) == pytest.approx(
        (2 * abs(0.05 - 0.5) + 2 * abs(0.975 - 1)) / 4
    )
