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
    found = fit_calibration((TRUE_ODDS - offset) / scale, BAD).score((TRUE_ODDS - offset) / scale)
    assert np.abs(found - 1 / (1 + np.exp(-TRUE_ODDS))).mean() < 0.01


def test_what_no_scale_and_offset_could_mend_is_mended() -> None:
    bent = np.where(TRUE_ODDS > 0, TRUE_ODDS * 5, TRUE_ODDS / 2)
    found = fit_calibration(bent, BAD)
    assert 2 < len(found.given) == len(found.meant)
    assert expected_calibration_error(found.score(bent), BAD) < 0.01
    assert (np.diff(found.score(np.sort(bent))) >= 0).all()


def test_all_log_odds_alike_give_the_share_there_is() -> None:
    found = fit_calibration(np.zeros(len(BAD)), BAD).score(np.zeros(1))
    assert found[0] == pytest.approx(BAD.mean(), abs=0.01)


def test_calibrated_scores_have_a_small_error_and_others_have_not() -> None:
    odds = TRUE_ODDS * 3 + 2
    raw = 1 / (1 + np.exp(-odds))
    calibrated = fit_calibration(odds, BAD).score(odds)
    assert expected_calibration_error(calibrated, BAD) < 0.01
    assert expected_calibration_error(raw, BAD) > 0.05


def test_a_network_that_ranks_the_wrong_way_round_gets_a_line_that_rises_all_the_same() -> None:
    found = fit_calibration(-TRUE_ODDS, BAD)
    assert (np.diff(found.meant) > 0).all()
    assert (np.diff(found.given) > 0).all()


def test_what_does_not_rise_is_level_along_its_rows_and_not_only_at_their_middle() -> None:
    """Between -2 and 2 odds say nothing: half of what lies there is malicious, be it at one end or the other."""
    share = np.where(TRUE_ODDS < -2, 0.05, np.where(TRUE_ODDS > 2, 0.95, 0.5))
    bad = np.random.default_rng(1).random(len(share)) < share
    found = fit_calibration(TRUE_ODDS, bad, points=32)  # bins narrow beside what they are to tell
    within = np.linspace(-1.6, 1.0, 50)
    assert np.abs(found.score(within) - 0.5).max() < 0.03
    assert expected_calibration_error(found.score(TRUE_ODDS), bad) < 0.01


def test_the_error_by_hand() -> None:
    score = np.array([0.05, 0.05, 0.95, 1.0])
    bad = np.array([False, True, True, True])
    assert expected_calibration_error(score, bad, bins=10) == pytest.approx(
        (2 * abs(0.05 - 0.5) + 2 * abs(0.975 - 1)) / 4
    )
