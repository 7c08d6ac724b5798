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
        # One column a feature: the channels' parts are added up by one matrix product.
        channels = bundle.encoding.feature_of_channel()
        self._weights = np.zeros((len(channels), len(LAYOUT.features)), dtype=np.float32)
        self._weights[np.arange(len(channels)), channels] = bundle.reason_coefficients
        self._usual = bundle.reason_typical @ self._weights
        self._formats = [_format(feature) for feature in LAYOUT.features]

    def contributions(self, matrix: Floats) -> Floats:
        """Each feature's part in the log odds, against a typical benign connection: (N, F)."""
        parts: Floats = self._encoding.encode(matrix) @ self._weights - self._usual
        return parts

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
        parts = self.contributions(matrix)
        # What a connection is not, or does not have, is no reason that a person can look at.
        parts[(matrix == 0) | np.isnan(matrix)] = 0
        rows = np.arange(len(matrix))
        words = []
        for _ in range(NAMED):
            best = parts.argmax(axis=1)
            named = self._words(best, matrix[rows, best])
            named[parts[rows, best] <= 0] = None
            words.append(named)
            parts[rows, best] = 0
        return [", ".join(filter(None, named)) for named in zip(*words, strict=True)]

    def _words(self, features: NDArray[np.int64], values: Floats) -> NDArray[np.object_]:
        """Feature (N,) and value (N,) as text (N,), each distinct pair written once."""
        words = np.empty(len(features), dtype=object)
        for feature in np.unique(features):
            mine = features == feature
            distinct, inverse = np.unique(values[mine], return_inverse=True)
            write = self._formats[feature]
            words[mine] = np.array([write(value) for value in distinct.tolist()], dtype=object)[inverse]
        return words


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
