"""Calibration, its error, and the sum that stands for the network in reasons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeekml.scoring.calibration import Calibration, log_odds
from zeekml.scoring.runner import Runner
from zeekml.training.fit import Fitted
from zeekml.training.samples import Sequences, as_block

Floats = NDArray[np.float64]


def fit_calibration(odds: Floats, bad: NDArray[np.bool_]) -> Calibration:
    """Scale and offset that make the log odds (N,) of not Benign most likely given what was malicious (N,)."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - an extra

    model = LogisticRegression(C=1e6).fit(odds[:, None], bad)
    return Calibration(max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0]))


def expected_calibration_error(score: Floats, bad: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean distance of score and share of malicious connections over bins of equal width (Naeini et al. 2015)."""
    index = np.minimum((score * bins).astype(np.int64), bins - 1)
    size = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, score, bins) - np.bincount(index, bad, bins))
    return float(gap[size > 0].sum() / len(score))


def fit_reasons(
    fitted: Fitted, sequences: Sequences
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Ridge regression of the network's log odds on the encoded features of sequences.

    Returns coefficients (C,), the mean encoding (C,) of benign rows, and the share of the variance that is explained.
    """
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - an extra

    encoded = fitted.encoding.encode(sequences.features)
    odds = np.clip(log_odds(Runner(fitted.network, fitted.encoding).logits(as_block(sequences))), -12, 12)
    model = Ridge(alpha=10.0).fit(encoded, odds)
    typical = encoded[sequences.labels == 0].mean(axis=0, dtype=np.float64).astype(np.float32)
    return model.coef_.astype(np.float32), typical, float(model.score(encoded, odds))
