"""The population stability index: how far shares in bins have moved.

``sum((found - expected) * ln(found / expected))`` over the bins of a feature: 0 where nothing moved. It is the
symmetric Kullback-Leibler divergence (Jeffreys 1946) in nats, long in use for score cards; the customary limits are
those of Siddiqi, Credit Risk Scorecards, 2006.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOVED: Final = 0.1
"""From here on a feature has moved somewhat."""
MOVED_MUCH: Final = 0.25
"""From here on it has moved much: what the model learnt may not hold."""

_LEAST: Final = 1e-4
"""An empty bin counts as this share: its logarithm has to be finite."""


def stability_index(found: Floats, expected: Floats) -> Floats:
    """The index (...,) of shares ``found`` (..., K) against ``expected`` (..., K), each summing to 1."""
    found, expected = np.maximum(found, _LEAST), np.maximum(expected, _LEAST)
    index: Floats = ((found - expected) * np.log(found / expected)).sum(axis=-1)
    return index


def in_words(index: float) -> str:
    """What an index means."""
    if index >= MOVED_MUCH:
        return "moved much"
    return "moved" if index >= MOVED else "as in training"
