"""From logits to a calibrated probability of not Benign.

Temperature scaling with an offset (Platt 1999; Guo et al. 2017, arXiv 1706.04599): training weighs classes and
captures evenly, which real traffic does not, so the log odds are scaled and shifted to match what was observed on
captures that the network had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Scores stay this far from 0 and 1, so that six decimals and log odds both make sense of them.
_EDGE = 1e-6
#: No score is higher.
HIGHEST = 1 - _EDGE


@dataclass(frozen=True, slots=True)
class Calibration:
    """``score = sigmoid(scale * log_odds + offset)``."""

    scale: float
    offset: float

    def score(self, log_odds: Floats) -> Floats:
        """Calibrated probability of not Benign (N,) from log odds (N,)."""
        return np.clip(
            1 / (1 + np.exp(-np.clip(self.scale * log_odds + self.offset, -30, 30))), _EDGE, 1 - _EDGE
        )


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
