"""From what network and trees say to scores, row by row: pooled log odds, calibration, and the most probable class."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.scoring.calibration import HIGHEST, LOWEST, Calibration
from zeekml.scoring.scores import Scores

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Lines beyond it are clipped, as ``Calibration.score`` does: exp of it is finite.
_STEEPEST: Final = 30.0


def verdicts(
    logits: Floats, trees: Doubles | None, share: float, calibration: Calibration, matrix: Floats
) -> Scores:
    """What logits (N, K), the trees' log odds (N,), of weight ``share``, and the calibration come to.

    ``network_odds`` is ``log_odds``, ``class_index`` and ``class_score`` come of ``class_shares`` and ``score`` of
    ``Calibration.score``, all of ``zeekml.scoring.calibration``; ``matrix`` (N, F) is kept beside them.
    """
    count = len(logits)
    odds, best = np.empty(count), np.empty(count, np.int64)
    score, best_score = np.empty(count, np.float32), np.empty(count, np.float32)
    given, meant = np.array(calibration.given), np.array(calibration.meant)
    beside = np.empty(0) if trees is None else trees
    slope = np.diff(meant) / np.diff(given)
    judge(np.ascontiguousarray(logits), beside, share, given, meant, slope, odds, score, best, best_score)
    return Scores(score, best, best_score, matrix, odds)


@compiled("void(f4[:, ::1], f8[::1], f8, f8[::1], f8[::1], f8[::1], f8[::1], f4[::1], i8[::1], f4[::1])")
def judge(
    logits: Floats,
    trees: Doubles,
    weight: float,
    given: Doubles,
    meant: Doubles,
    slope: Doubles,
    odds: Doubles,
    score: Floats,
    best: Ints,
    best_score: Floats,
) -> None:
    """As ``verdicts``; ``trees`` is empty where there are none, ``slope`` (P - 1,) that between points (P,)."""
    for i in range(len(logits)):
        highest = 1
        for k in range(2, logits.shape[1]):
            if logits[i, k] > logits[i, highest]:
                highest = k
        peak = np.float64(logits[i, highest])
        rest = 0.0
        for k in range(1, logits.shape[1]):
            if k != highest:
                rest += exp(np.float64(logits[i, k]) - peak)
        odds[i] = peak + log(1 + rest) - np.float64(logits[i, 0])
        both = odds[i]
        if len(trees) > 0:
            both = (1 - weight) * odds[i] + weight * trees[i]
        low, high = 0, len(given)
        while low < high:
            middle = (low + high) // 2
            if given[middle] < both:
                low = middle + 1
            else:
                high = middle
        at = min(max(low - 1, 0), len(slope) - 1)
        line = meant[at] + slope[at] * (both - given[at])
        line = min(max(line, -_STEEPEST), _STEEPEST)
        calibrated = min(max(1 / (1 + exp(-line)), LOWEST), HIGHEST)
        score[i] = np.float32(calibrated)
        best[i] = highest
        best_score[i] = np.float32(calibrated / (1 + rest))
