"""Calibration, its error, and the sum that stands for the network in reasons."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Encoding
from zeekml.scoring.calibration import Calibration, log_odds
from zeekml.training.samples import Sequences

Floats = NDArray[np.float64]

_LEAST_SLOPE = 1e-3
_APART = 1e-9


def fit_calibration(odds: Floats, bad: NDArray[np.bool_], points: int = 32) -> Calibration:
    """A rising line through at most ``points`` points that maps log odds (N,) to the share of what was malicious (N,).

    The rows are cut by rank into bins of like number, a further one at each end for the tails that thresholds lie in;
    neighbours whose shares do not rise are pooled (pool adjacent violators: Ayer et al. 1955), a share of n rows is
    smoothed by half a row either way, and no stretch is flat, so that the rank of scores stays.
    """
    order = np.argsort(odds, kind="stable")
    ranks = np.unique(np.r_[0, np.linspace(0.005, 0.995, points - 1), 1] * len(odds) // 1).astype(np.int64)
    blocks: list[tuple[float, float, float]] = []  # rows, malicious ones, sum of log odds
    for start, stop in pairwise(ranks):
        mine = order[start:stop]
        blocks.append((float(len(mine)), float(bad[mine].sum()), float(odds[mine].sum())))
        while len(blocks) > 1 and _share(blocks[-1]) <= _share(blocks[-2]):
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    given = np.array([block[2] / block[0] for block in blocks])
    meant = np.array([np.log(_share(block) / (1 - _share(block))) for block in blocks])
    if len(given) < 2 or np.diff(given).min() < _APART:  # all alike, or the wrong way round
        centre, level = float(odds.mean()), float(meant.mean())
        return Calibration((centre - 1, centre + 1), (level - _LEAST_SLOPE, level + _LEAST_SLOPE))
    steepest = np.maximum(np.diff(meant), _LEAST_SLOPE * np.diff(given))
    meant = meant[0] + np.r_[0, np.cumsum(steepest)]
    return Calibration(tuple(given.tolist()), tuple(meant.tolist()))


def _share(block: tuple[float, float, float]) -> float:
    return (block[1] + 0.5) / (block[0] + 1)


def expected_calibration_error(score: Floats, bad: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean distance of score and share of malicious connections over bins of equal width (Naeini et al. 2015)."""
    index = np.minimum((score * bins).astype(np.int64), bins - 1)
    size = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, score, bins) - np.bincount(index, bad, bins))
    return float(gap[size > 0].sum() / len(score))


def fit_reasons(
    encoding: Encoding, sequences: Sequences, logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Ridge regression of the network's log odds, from its logits (N, K), on the encoded features of sequences.

    Returns coefficients (C,), the mean encoding (C,) of benign rows, and the share of the variance that is explained.
    """
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - an extra

    encoded = encoding.encode(sequences.features)
    odds = np.clip(log_odds(logits), -12, 12)
    model = Ridge(alpha=10.0).fit(encoded, odds)
    typical = encoded[sequences.labels == 0].mean(axis=0, dtype=np.float64).astype(np.float32)
    return model.coef_.astype(np.float32), typical, float(model.score(encoded, odds))
