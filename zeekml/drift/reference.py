"""What a model was trained on, as far as drift is told by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.drift.bins import Bins

Floats = NDArray[np.float32]

NEAR = 2.0
"""A score is near a threshold when its odds are between those of the threshold divided by this, and times this."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The training connections by bin, benign and malicious ones apart.

    ``shares`` (2, F, K) float32: of benign and of malicious connections the share in each bin of each feature.
    ``near`` (2,) float32: of both, held out, the share whose score was near the connection threshold.
    """

    bins: Bins
    shares: Floats
    near: Floats

    def expected(self, malicious: float) -> NDArray[np.float64]:
        """The shares (F, K) where this share of the connections is malicious."""
        benign, bad = self.shares.astype(np.float64)
        mixed: NDArray[np.float64] = (1 - malicious) * benign + malicious * bad
        return mixed

    def expected_near(self, malicious: float) -> float:
        """The share of scores near the threshold where this share of the connections is malicious."""
        benign, bad = self.near.tolist()
        return float((1 - malicious) * benign + malicious * bad)


def near(score: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Which scores (N,) are near a threshold: a little more or less would turn the verdict."""
    low = threshold / (threshold + NEAR * (1 - threshold))
    high = NEAR * threshold / (NEAR * threshold + 1 - threshold)
    return (score >= low) & (score <= high)
