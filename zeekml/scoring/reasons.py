"""Why a connection scores as it does: the features that speak most against it, in words and numbers.

The network's log odds are approximated by a sum over the encoded features, fitted when the model was trained; how
closely it follows the network stands in the bundle (``reasons.fidelity``). A feature's share of the sum, less what it
has for a typical benign connection, is its part in the score. That costs one small matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.features import LAYOUT, Feature
from zeekml.scoring.bundle import Bundle

Floats = NDArray[np.float32]

#: Features named for one connection.
NAMED = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature of one connection: ``part`` in the log odds, against a typical benign connection, and its value
    (None: missing) in the layout's unit and ``words``, such as ``share of failed connections: 97%``."""

    feature: str
    value: float | None
    part: float
    words: str


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

    def of_row(self, row: Floats) -> list[Reason]:
        """What every feature of one connection (F,) says, in the layout's order."""
        parts = self.contributions(row[None])[0].tolist()
        return [
            Reason(feature.name, None if np.isnan(value) else value, part, in_words(feature, value))
            for feature, value, part in zip(LAYOUT.features, row.tolist(), parts, strict=True)
        ]

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


def in_words(feature: Feature, value: float) -> str:
    """What a feature's value (NaN: missing) means, for a person."""
    if feature.kind == "flag":
        return f"{feature.words}: {'yes' if value else 'no'}"
    if np.isnan(value):
        return f"{feature.words}: not known"
    unit = "" if feature.unit in ("1", "ms") else f" {feature.unit}"
    return f"{feature.words}: {_written(feature)(value)}{unit}"


def _format(feature: Feature) -> Callable[[float], str]:
    """How a feature and its value are written among the reasons."""
    name = feature.name
    if feature.kind == "flag":
        return lambda _: name
    written = _written(feature)
    return lambda value: f"{name}={written(value)}"


def _written(feature: Feature) -> Callable[[float], str]:
    """How a number is written, in the unit a person reads."""
    transform = feature.transform
    if transform.startswith("share") or feature.name == "payload_share":
        return lambda value: f"{value:.0%}"
    if feature.unit == "ms":
        return lambda value: f"{_short(np.expm1(value) / 1000)}s"
    back = next((inverse for start, inverse in _INVERSES.items() if transform.startswith(start)), None)
    return lambda value: _short(back(value) if back else value)


def _short(value: float) -> str:
    """Three digits, or more before the point: never an exponent such as 1.23e+03."""
    return f"{value:.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


_INVERSES: dict[str, Callable[[float], float]] = {
    "log1p(a)": lambda value: value,
    "log1p": np.expm1,
    "mean log2(1 + x)": lambda value: 2**value - 1,
    "log2(x)": lambda value: 2**value,
}
