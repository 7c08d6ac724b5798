"""From logits to a calibrated probability of not Benign.

Training weighs classes and captures evenly, which real traffic does not, and log odds mean less where a network is
unsure. So they are mapped to what was observed on captures that the network had not seen, by a rising line through a
few points: with two it is temperature scaling with an offset (Platt 1999; Guo et al. 2017, arXiv 1706.04599), with more
a smoothed isotonic regression (Zadrozny and Elkan 2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Scores stay this far from 0 and 1, so that six decimals and log odds both make sense of them.
LOWEST = 1e-6
HIGHEST = 1 - LOWEST


@dataclass(frozen=True, slots=True)
class Calibration:
    """``score = sigmoid(line(log_odds))``: the line rises through the points (``given``, ``meant``).

    Both are as long, at least two points, and rise strictly; beyond the ends the first and last slopes go on.
    """

    given: tuple[float, ...]
    meant: tuple[float, ...]

    def score(self, log_odds: Floats) -> Floats:
        """Calibrated probability of not Benign (N,) from log odds (N,)."""
        given, meant = np.array(self.given), np.array(self.meant)
        slope = np.diff(meant) / np.diff(given)
        at = np.clip(np.searchsorted(given, log_odds) - 1, 0, len(slope) - 1)
        line = meant[at] + slope[at] * (log_odds - given[at])
        score: Floats = np.clip(1 / (1 + np.exp(-np.clip(line, -30, 30))), LOWEST, HIGHEST)
        return score


def log_odds(logits: NDArray[np.float32]) -> Floats:
    """Log odds of not Benign (N,) from logits (N, K): logsumexp of the other classes less Benign's."""
    others = logits[:, 1:].astype(np.float64)
    peak = others.max(axis=1)
    joined: Floats = peak + np.log(np.exp(others - peak[:, None]).sum(axis=1)) - logits[:, 0]
    return joined


def class_shares(logits: NDArray[np.float32]) -> tuple[NDArray[np.int64], Floats]:
    """The most probable class other than Benign (N,), and its share (N,) of the probability of not Benign."""
    others = logits[:, 1:].astype(np.float64)
    best = others.argmax(axis=1)
    share: Floats = 1 / np.exp(others - others.max(axis=1, keepdims=True)).sum(axis=1)
    return best + 1, share
