"""From logits to calibrated scores and class shares."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zeekml.scoring.calibration import Calibration, class_shares, log_odds

LOGITS = np.random.default_rng(0).normal(0, 4, (50, 4)).astype(np.float32)
PROBABILITIES = torch.softmax(torch.from_numpy(LOGITS).double(), dim=1).numpy()


def test_log_odds_are_those_of_not_benign() -> None:
    expected = np.log(1 - PROBABILITIES[:, 0]) - np.log(PROBABILITIES[:, 0])
    np.testing.assert_allclose(log_odds(LOGITS), expected, atol=1e-5)


AS_IS = Calibration((-1.0, 1.0), (-1.0, 1.0))
BENT = Calibration((-4.0, 0.0, 1.0), (-8.0, -2.0, 3.0))


def test_the_line_that_changes_nothing_gives_one_minus_benign() -> None:
    np.testing.assert_allclose(AS_IS.score(log_odds(LOGITS)), 1 - PROBABILITIES[:, 0], atol=2e-6)


def test_the_line_goes_through_its_points_and_on_beyond_them() -> None:
    odds = np.array([-6.0, -4.0, -2.0, 0.0, 0.5, 1.0, 2.0])
    meant = np.array([-11.0, -8.0, -5.0, -2.0, 0.5, 3.0, 8.0])
    np.testing.assert_allclose(BENT.score(odds), 1 / (1 + np.exp(-meant)))


def test_scores_keep_the_order_of_log_odds() -> None:
    odds = np.linspace(-6, 3, 100)
    assert (np.diff(BENT.score(odds)) > 0).all()


@pytest.mark.parametrize("odds", [-1e9, -800.0, 800.0, 1e9, np.inf, -np.inf])
def test_scores_are_never_0_or_1(odds: float) -> None:
    score = BENT.score(np.array([odds]))[0]
    assert 0 < score < 1
    assert 0 < np.float32(score) < 1


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[300.0, -300.0, 200.0], [-300.0, 300.0, 300.0]], dtype=np.float32)
    np.testing.assert_allclose(log_odds(logits), [-100, 600 + np.log(2)])
    np.testing.assert_allclose(class_shares(logits)[1], [1, 0.5])


def test_the_class_is_the_most_probable_but_benign() -> None:
    index, share = class_shares(LOGITS)
    np.testing.assert_array_equal(index, PROBABILITIES[:, 1:].argmax(axis=1) + 1)
    np.testing.assert_allclose(
        share, PROBABILITIES[:, 1:].max(axis=1) / PROBABILITIES[:, 1:].sum(axis=1), atol=1e-6
    )


def test_with_one_other_class_its_share_is_all() -> None:
    index, share = class_shares(LOGITS[:, :2])
    assert (index == 1).all()
    assert (share == 1).all()
