"""What each group of features adds to the sum over encoded features that follows the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeekml.features import Encoding

Floats = NDArray[np.float32]


class NetworkParts:
    """A sum over the channels (C,) of an encoding, by ``count`` groups (F,) of features."""

    def __init__(
        self, encoding: Encoding, groups: NDArray[np.int64], count: int, coefficients: Floats, typical: Floats
    ) -> None:
        """``coefficients`` (C,) of the sum; ``typical`` (C,): what each channel usually is, which adds nothing."""
        self._flags = np.flatnonzero(~encoding.is_number & encoding.used)
        self._numbers = np.flatnonzero(encoding.is_number & encoding.used)
        self._flag_groups, self._number_groups = groups[self._flags], groups[self._numbers]
        self._flag_weights, self._missing, rest = np.split(
            coefficients.astype(np.float32), np.cumsum([len(self._flags), len(self._numbers)])
        )
        if encoding.mode == "quantile":  # the mean of the bins is one channel
            rest = np.repeat(rest / np.float32(encoding.bins), encoding.bins)
        self._weights = rest.reshape(len(self._numbers), encoding.bins)
        edges = encoding.edges[encoding.used[encoding.is_number]]
        self._low = np.ascontiguousarray(edges[:, :-1])
        self._per_width = (1 / np.maximum(np.diff(edges, axis=1), 1e-6)).astype(np.float32)
        self._usual = np.zeros(count)
        np.add.at(self._usual, groups[encoding.feature_of_channel()], typical * coefficients)

    def __call__(self, matrix: Floats) -> NDArray[np.float64]:
        """Parts (N, count) of feature matrices (N, F)."""
        from zeekml.scoring.kernels.reasons import network_parts  # noqa: PLC0415 - is compiled or loaded

        out = np.empty((len(matrix), len(self._usual)))
        network_parts(np.ascontiguousarray(matrix), self._flags, self._flag_weights, self._flag_groups, self._numbers,
                      self._number_groups, self._low, self._per_width, self._weights, self._missing, self._usual,
                      out)  # fmt: skip
        return out
