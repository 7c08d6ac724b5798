"""The compiled verdicts are what the plain functions say of logits, trees and a calibration."""

from __future__ import annotations

import numpy as np
import pytest

from zeekml.scoring.calibration import HIGHEST, LOWEST, Calibration, class_shares, log_odds
from zeekml.scoring.kernels.verdicts import verdicts
from zeekml.scoring.scores import Scores
from zeekml.scoring.trees import pooled

PLAIN = Calibration((-1.0, 1.0), (-1.0, 1.0))
BENT = Calibration((-4.0, -1.0, 0.5, 6.0), (-9.0, -2.0, 0.0, 1.0))


def said(logits: np.ndarray, trees: np.ndarray | None = None, share: float = 0.0) -> Scores:
    return verdicts(logits, trees, share, PLAIN, np.zeros((len(logits), 3), dtype=np.float32))


@pytest.mark.parametrize("calibration", [PLAIN, BENT])
@pytest.mark.parametrize("with_trees", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize("spread", [0.1, 5, 300])
def test_verdicts_are_those_of_the_plain_functions(
    classes: int, spread: float, with_trees: bool, calibration: Calibration
) -> None:
    rng = np.random.default_rng(classes)
    logits = rng.normal(0, spread, (500, classes)).astype(np.float32)
    trees = rng.normal(0, spread, 500) if with_trees else None
    matrix = np.zeros((500, 3), dtype=np.float32)
    found = verdicts(logits, trees, 0.6, calibration, matrix)
    odds, (best, share) = log_odds(logits), class_shares(logits)
    score = calibration.score(odds if trees is None else pooled(odds, trees, 0.6))
    assert found.network_odds is not None
    np.testing.assert_allclose(found.network_odds, odds, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found.class_index, best)
    np.testing.assert_allclose(found.score, score.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(found.class_score, (score * share).astype(np.float32), rtol=1e-6)
    assert {found.score.dtype, found.class_score.dtype} == {np.dtype(np.float32)}
    assert found.features is matrix


def test_points_themselves_and_what_lies_beyond_them() -> None:
    odds = np.array([*BENT.given, -1e9, 1e9, 0.0])
    logits = np.stack([np.zeros(len(odds)), odds], axis=1).astype(np.float32)
    found = verdicts(logits, None, 0.0, BENT, np.zeros((len(odds), 1), dtype=np.float32))
    np.testing.assert_allclose(found.score, BENT.score(odds), rtol=1e-6)
    assert found.score[4] == np.float32(LOWEST)
    assert found.score[5] == np.float32(HIGHEST)


def test_of_classes_as_probable_the_first_is_named() -> None:
    found = said(np.zeros((1, 5), dtype=np.float32))
    assert found.class_index[0] == 1
    assert found.score[0] == pytest.approx(0.8)
    assert found.class_score[0] == pytest.approx(0.2)
    assert found.network_odds is not None
    assert found.network_odds[0] == pytest.approx(np.log(4))


def test_no_rows_have_no_verdicts() -> None:
    assert len(said(np.empty((0, 9), dtype=np.float32))) == 0
