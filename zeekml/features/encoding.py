"""What a network sees of the features: flags as they are, numbers by where they lie among the training data's.

A number is cut at quantiles of the training data. ``piecewise`` gives one channel a bin, filling from 0 to 1 as the
value passes through it (piecewise-linear encoding: Gorishniy, Rubachev, Babenko 2022, arXiv 2203.05556);
``quantile`` gives the mean of these, the value's rank. Both end at 0 and 1, so a value never seen in training
cannot run away; both add a channel that says that the number is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zeekml.features.layout import Layout

Floats = NDArray[np.float32]
Mode = Literal["piecewise", "quantile"]


@dataclass(frozen=True)
class Encoding:
    """A fitted encoding.

    ``edges`` (numbers, bins + 1) float32 ascend along the bins; ``used`` (F,) marks the features that are let through
    (the channels of the others do not exist).
    """

    mode: Mode
    is_number: NDArray[np.bool_]
    used: NDArray[np.bool_]
    edges: Floats

    @classmethod
    def fit(cls, matrix: Floats, layout: Layout, *, mode: Mode = "piecewise", bins: int = 8) -> Encoding:
        """Cut each number of a feature matrix (N, F) at the quantiles of its known values."""
        is_number = np.array([feature.kind == "number" for feature in layout.features])
        shares = np.linspace(0.005, 0.995, bins + 1)
        edges = [_edges(column[~np.isnan(column)], shares) for column in matrix[:, is_number].T]
        return cls(
            mode, is_number, np.ones_like(is_number), np.array(edges, dtype=np.float32).reshape(-1, bins + 1)
        )

    @property
    def bins(self) -> int:
        """Bins of each number."""
        return int(self.edges.shape[1]) - 1

    @property
    def channels(self) -> int:
        """Width C of the encoded rows."""
        return len(self.feature_of_channel())

    def feature_of_channel(self) -> NDArray[np.int64]:
        """(C,) the index of the feature that each channel comes from."""
        flags, numbers = (
            np.flatnonzero(~self.is_number & self.used),
            np.flatnonzero(self.is_number & self.used),
        )
        return np.concatenate(
            [flags, numbers, np.repeat(numbers, self.bins if self.mode == "piecewise" else 1)]
        )

    def encode(self, matrix: Floats) -> Floats:
        """Encode a feature matrix (N, F): (N, C) float32 in 0..1; flags, then missing marks, then numbers."""
        # take() keeps rows contiguous, which a mask would not: what follows is several times faster so.
        flags = matrix.take(np.flatnonzero(~self.is_number & self.used), axis=1)
        numbers = matrix.take(np.flatnonzero(self.is_number & self.used), axis=1)
        edges = self.edges[self.used[self.is_number]]
        low, width = edges[:, :-1].ravel(), np.maximum(np.diff(edges, axis=1), np.float32(1e-6)).ravel()
        missing = np.isnan(numbers)
        # Missing counts as below all that was seen: its bins stay empty.
        numbers[missing] = -np.inf
        bins = np.repeat(numbers, self.bins, axis=1)
        bins -= low
        bins *= 1 / width
        np.clip(bins, 0, 1, out=bins)
        if self.mode == "quantile":
            bins = bins.reshape(len(matrix), -1, self.bins).mean(axis=2)
        return np.concatenate([flags, missing, bins], axis=1, dtype=np.float32)


def _edges(known: Floats, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(known):
        return np.linspace(0, 1, len(shares))
    distinct = np.unique(known)
    # Few distinct values would give empty bins: spread the edges over what there is.
    edges = np.quantile(distinct if len(distinct) <= 4 * len(shares) else known, shares)
    for _ in range(3):
        flat = np.flatnonzero(np.diff(edges) <= 0)
        if not len(flat):
            break
        edges = np.quantile(distinct, shares)
    return np.maximum.accumulate(edges + np.arange(len(edges)) * 1e-6)
