"""From what network and trees say to scores, row by row: pooled log odds, calibration, and the most probable class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled
from zeekml.number_kernels import exponential, logarithm
from zeekml.scoring.calibration import HIGHEST, LOWEST, Calibration
from zeekml.scoring.scores import Scores

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Lines beyond it are clipped, as ``Calibration.score`` does: exp of it is finite.
_STEEPEST: Final = 30.0
#: Rows that are judged together.
_ROWS: Final = 64


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
def judge(  # noqa: PLR0912 - one pass over the rows
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
    classes = logits.shape[1]
    # By class, so that each step is one over many rows, of which a processor takes several at once. Behind the last row
    # stand any numbers.
    said = np.zeros((classes, _ROWS))
    highest, peak, total = np.zeros(_ROWS, np.int64), np.zeros(_ROWS), np.zeros(_ROWS)
    both, line = np.zeros(_ROWS), np.zeros(_ROWS)
    for at in range(0, len(logits), _ROWS):
        rows = min(_ROWS, len(logits) - at)
        for i in range(rows):
            for k in range(classes):
                said[k, i] = logits[at + i, k]
        for i in range(_ROWS):
            peak[i], highest[i], total[i] = said[1, i], 1, 0.0
        for k in range(2, classes):
            for i in range(_ROWS):
                is_higher = said[k, i] > peak[i]
                highest[i] = k if is_higher else highest[i]
                peak[i] = said[k, i] if is_higher else peak[i]
        for k in range(1, classes):
            for i in range(_ROWS):
                total[i] += exponential(said[k, i] - peak[i])
        for i in range(_ROWS):
            both[i] = peak[i] + logarithm(total[i]) - said[0, i]
        for i in range(rows):
            odds[at + i], best[at + i] = both[i], highest[i]
        if len(trees) > 0:
            for i in range(rows):
                both[i] = (1 - weight) * both[i] + weight * trees[at + i]
        for i in range(_ROWS):
            line[i] = meant[0] + slope[0] * (both[i] - given[0])
        for p in range(1, len(slope)):
            for i in range(_ROWS):
                line[i] = meant[p] + slope[p] * (both[i] - given[p]) if given[p] < both[i] else line[i]
        for i in range(_ROWS):
            steep = min(max(line[i], -_STEEPEST), _STEEPEST)
            both[i] = min(max(1 / (1 + exponential(-steep)), LOWEST), HIGHEST)
            total[i] = both[i] / total[i]
        for i in range(rows):
            score[at + i], best_score[at + i] = np.float32(both[i]), np.float32(total[i])
