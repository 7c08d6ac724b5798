"""What a bundle keeps of its training connections, so that drift can be told later."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zeekml.drift.bins import Bins
from zeekml.drift.reference import Reference, near
from zeekml.features import Encoding
from zeekml.training.recipe import FitPart
from zeekml.training.samples import Sequences, row_weights

Mask = NDArray[np.bool_]


def training_reference(
    encoding: Encoding, sequences: Sequences, fit: FitPart, near_threshold: Mapping[str, float]
) -> Reference:
    """The benign and the malicious rows of one epoch by bin, each with its weight in the loss.

    So no large capture stands for all. ``near_threshold``: see ``near_shares``.
    """
    bins, weights = Bins.of(encoding), row_weights(sequences, fit)
    counted, benign, bad = sequences.labels >= 0, sequences.labels == 0, sequences.labels > 0
    # Logs without one of the kinds, as a site's own may be, are all that can be expected.
    shares = [
        _shares(bins.count(sequences.features, weights * rows))
        for rows in (benign if benign.any() else counted, bad if bad.any() else counted)
    ]
    held_out = np.array([near_threshold["benign"], near_threshold["malicious"]], dtype=np.float32)
    return Reference(bins, np.array(shares, dtype=np.float32), held_out)


def near_shares(score: NDArray[np.floating], bad: Mask, threshold: float) -> dict[str, float]:
    """The share of held-out scores (N,) near a threshold: of ``benign`` and of ``malicious`` (``bad``, (N,)) ones."""
    close = near(score, threshold)
    return {"benign": _mean(close[~bad]), "malicious": _mean(close[bad])}


def _mean(mask: Mask) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares
