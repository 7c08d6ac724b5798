"""Why a connection scores as it does: the features that speak most against it, in words and numbers.

The network's log odds are approximated by a sum over the encoded features, fitted when the model was trained; how
closely it follows the network stands in the bundle (``reasons.fidelity``). A feature's share of the sum, less what it
has for a typical benign connection, is its part in the score. That costs one small matrix product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zeekml.features import LAYOUT, Feature
from zeekml.scoring.bundle import Bundle

Floats = NDArray[np.float32]

#: Features named for one connection.
NAMED = 3


class Reasons:
    """Names the features that moved a score upwards."""

    def __init__(self, bundle: Bundle) -> None:
        self._encoding = bundle.encoding
        self._coefficients = bundle.reason_coefficients
        self._typical = bundle.reason_typical
        channels = bundle.encoding.feature_of_channel()
        self._order = np.argsort(channels, kind="stable")
        self._features, self._starts = np.unique(channels[self._order], return_index=True)
        self._formats = [_format(feature) for feature in LAYOUT.features]

    def contributions(self, matrix: Floats) -> Floats:
        """Each feature's part in the log odds, against a typical benign connection: (N, F)."""
        moved = (self._encoding.encode(matrix) - self._typical) * self._coefficients
        out = np.zeros(matrix.shape, dtype=np.float32)
        out[:, self._features] = np.add.reduceat(moved[:, self._order], self._starts, axis=1)
        return out

    def texts(self, matrix: Floats) -> list[str]:
        """One text a row (N, F): the strongest features such as ``host_failed=97%, host_same_port=100%``."""
        if not len(matrix):
            return []
        distinct, inverse = np.unique(matrix, axis=0, return_inverse=True, equal_nan=True)
        parts = self.contributions(distinct)
        # What a connection is not, or does not have, is no reason that a person can look at.
        parts[(distinct == 0) | np.isnan(distinct)] = 0
        best = np.argsort(-parts, axis=1, kind="stable")[:, :NAMED]
        texts = [
            ", ".join(self._formats[i](row[i]) for i in named if part[i] > 0)
            for row, part, named in zip(distinct, parts, best, strict=True)
        ]
        return [texts[i] for i in inverse]


def _format(feature: Feature) -> Callable[[float], str]:
    """How a feature and its value are written, in the unit a person reads."""
    name, transform = feature.name, feature.transform
    if feature.kind == "flag":
        return lambda _: name
    if transform.startswith("share") or name == "payload_share":
        return lambda value: f"{name}={value:.0%}"
    if feature.unit == "ms":
        return lambda value: f"{name}={_short(np.expm1(value) / 1000)}s"
    back = next((inverse for start, inverse in _INVERSES.items() if transform.startswith(start)), None)
    return lambda value: f"{name}={_short(back(value) if back else value)}"


def _short(value: float) -> str:
    """Three digits, or more before the point: never an exponent such as 1.23e+03."""
    return f"{value:.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


_INVERSES: dict[str, Callable[[float], float]] = {
    "log1p(a)": lambda value: value,
    "log1p": np.expm1,
    "mean log2(1 + x)": lambda value: 2**value - 1,
    "log2(x)": lambda value: 2**value,
}
