"""What logits say, row by row: the log odds of not Benign, and the most probable other class with its share."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import compiled

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


def verdicts(logits: Floats) -> tuple[Doubles, Ints, Doubles]:
    """``log_odds`` (N,) and both of ``class_shares`` (N,) of ``zeekml.scoring.calibration`` for logits (N, K)."""
    odds, best, share = np.empty(len(logits)), np.empty(len(logits), np.int64), np.empty(len(logits))
    judge(np.ascontiguousarray(logits), odds, best, share)
    return odds, best, share


@compiled("void(f4[:, ::1], f8[::1], i8[::1], f8[::1])")
def judge(logits: Floats, odds: Doubles, best: Ints, share: Doubles) -> None:
    """As ``verdicts``."""
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
        best[i] = highest
        share[i] = 1 / (1 + rest)
