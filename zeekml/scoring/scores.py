"""What the model says of a batch of connections. Needs numpy only, so that alerts and sinks load fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The verdicts on N connections, in the order of the batch frame.

    ``score`` (N,) float32: calibrated probability of not Benign, 0 to 1. ``class_index`` (N,) int64: the most
    probable class other than Benign, an index (1 or more) into the bundle's ``classes``. ``class_score`` (N,)
    float32: ``score`` times that class's share of the non-Benign probability. Kept where reasons are wanted, else
    None: ``features`` (N, F) float32, the feature matrix, ``network_odds`` (N,) float64, the network's own log odds.
    """

    score: npt.NDArray[np.float32]
    class_index: npt.NDArray[np.int64]
    class_score: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32] | None = None
    network_odds: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.score)
