"""The compiled verdicts are what the plain functions say of logits."""

from __future__ import annotations

import numpy as np
import pytest

from zeekml.scoring.calibration import class_shares, log_odds
from zeekml.scoring.kernels.verdicts import verdicts


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize("spread", [0.1, 5, 300])
def test_verdicts_are_those_of_the_plain_functions(classes: int, spread: float) -> None:
    logits = np.random.default_rng(classes).normal(0, spread, (500, classes)).astype(np.float32)
    odds, best, share = verdicts(logits)
    np.testing.assert_allclose(odds, log_odds(logits), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(best, class_shares(logits)[0])
    np.testing.assert_allclose(share, class_shares(logits)[1], rtol=1e-12)


def test_of_classes_as_probable_the_first_is_named() -> None:
    odds, best, share = verdicts(np.zeros((1, 5), dtype=np.float32))
    assert (best[0], share[0]) == (1, 0.25)
    assert odds[0] == pytest.approx(np.log(4))


def test_no_rows_have_no_verdicts() -> None:
    assert [len(part) for part in verdicts(np.empty((0, 9), dtype=np.float32))] == [0, 0, 0]
