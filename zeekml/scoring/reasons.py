"""Why a connection scores as it does: the facts that speak most against it, in words and numbers.

A fact's part in the score is what the model's log odds fall by when its features are taken back to what is typical of
a benign connection, and all others stay (occlusion: Zeiler and Fergus 2014). Trees are asked outright. Of the network,
which would have to go through the host's past anew, a sum over the encoded features is asked that was fitted to its
log odds in training; how closely it follows the network stands in the bundle (``reasons.fidelity``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.features import LAYOUT, Encoding, Feature
from zeekml.scoring.bundle import Bundle
from zeekml.scoring.facts import FACTS, Values, fact_of_feature, features_of_facts, number
from zeekml.scoring.occlusion import Occlusion
from zeekml.scoring.trees import pooled

Floats = NDArray[np.float32]
Parts = NDArray[np.float64]

#: Facts named for one connection.
NAMED = 3
#: The least part, in nats, of a fact that is named beside the strongest.
_LEAST = 0.1
#: Rows that are worked out at once, and words that are remembered: both bound memory.
_AT_ONCE = 512
_MOST_KNOWN = 8192


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact of one connection: ``part`` in the log odds against a typical benign connection, the names of its
    features, and ``words`` such as ``97% of its last connections failed`` (empty: nothing to look at)."""

    fact: str
    features: tuple[str, ...]
    part: float
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One feature of one connection: its value (None: missing) in the layout's unit, and in words for a person."""

    feature: str
    value: float | None
    words: str


class Reasons:
    """Names the facts that moved a score upwards."""

    def __init__(self, bundle: Bundle) -> None:
        self._encoding = bundle.encoding
        self._known: dict[tuple[int, bytes], str] = {}
        # One column a fact: the channels' parts are added up by one matrix product.
        groups = np.where(bundle.encoding.used, fact_of_feature(), -1)
        channels = groups[bundle.encoding.feature_of_channel()]
        self._weights = np.zeros((len(channels), len(FACTS)), dtype=np.float32)
        self._weights[np.arange(len(channels)), channels] = bundle.reason_coefficients
        self._usual = bundle.reason_typical @ self._weights
        self._occlusion: Occlusion | None = None
        self._share = 0.0
        if bundle.trees is not None and bundle.manifest.trees is not None:
            self._share = bundle.manifest.trees.share
            typical = typical_features(bundle.encoding, bundle.reason_typical)
            self._occlusion = Occlusion(bundle.trees, groups, len(FACTS), typical)

    def parts(self, matrix: Floats, network_odds: Parts) -> Parts:
        """Each fact's part (N, facts) in the log odds, of features (N, F) and the network's own log odds (N,)."""
        network = network_odds[:, None] - (self._encoding.encode(matrix) @ self._weights - self._usual)
        if self._occlusion is None:
            return network_odds[:, None] - network
        taken_back, as_it_is = self._occlusion.log_odds(matrix)
        without = pooled(network, taken_back, self._share)
        whole: Parts = pooled(network_odds, as_it_is, self._share)
        return whole[:, None] - without

    def of_row(self, row: Floats, network_odds: float) -> list[Reason]:
        """What every fact of one connection (F,) says, in the order of ``FACTS``."""
        parts = self.parts(row[None], np.array([network_odds]))[0].tolist()
        values = Values(row)
        return [
            Reason(fact.name, tuple(LAYOUT.names[at] for at in fact.features), part, fact.words(values))
            for fact, part in zip(FACTS, parts, strict=True)
        ]

    def named(self, matrix: Floats, network_odds: Parts) -> list[list[int]]:
        """The facts (indices into ``FACTS``) that are named for each row (N, F), the strongest first.

        One at least, where any has something that a person could look at.
        """
        return [[fact for fact, _ in each] for each in self._found(matrix, network_odds)]

    def texts(self, matrix: Floats, network_odds: Parts) -> list[str]:
        """One text a row (N, F): the words of its strongest facts, such as ``no answer (S0); to a telnet port``."""
        return ["; ".join(words for _, words in each) for each in self._found(matrix, network_odds)]

    def _found(self, matrix: Floats, network_odds: Parts) -> list[list[tuple[int, str]]]:
        found: list[list[tuple[int, str]]] = []
        for at in range(0, len(matrix), _AT_ONCE):
            rows = matrix[at : at + _AT_ONCE]
            parts = self.parts(rows, network_odds[at : at + _AT_ONCE])
            order = np.argsort(-parts, axis=1, kind="stable").tolist()
            found += map(self._strongest, rows, parts.tolist(), order)
        return found

    def _strongest(self, row: Floats, part: list[float], order: list[int]) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for fact in order:
            if len(found) == NAMED or (found and part[fact] < _LEAST):
                break
            if words := self._words(fact, row):
                found.append((fact, words))
        return found

    def _words(self, fact: int, row: Floats) -> str:
        """The words of a fact, remembered: of a scan most connections say the same."""
        key = fact, row[features_of_facts()[fact]].tobytes()
        if (words := self._known.get(key)) is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            words = self._known[key] = FACTS[fact].words(Values(row))
        return words


def typical_features(encoding: Encoding, typical: Floats) -> Floats:
    """Features (F,) that stand for a benign connection, from the mean encoding (C,) of benign ones.

    A flag is as most are; a number is missing where it mostly is, else it lies at the mean rank among the bins.
    """
    sums = np.zeros(len(LAYOUT.features))
    np.add.at(sums, encoding.feature_of_channel(), typical)
    found = np.full(len(LAYOUT.features), np.nan, dtype=np.float32)
    flags = ~encoding.is_number & encoding.used
    found[flags] = sums[flags] > 0.5
    numbers = np.flatnonzero(encoding.is_number & encoding.used)
    first = int(flags.sum())
    missing = typical[first : first + len(numbers)]
    steps = 1 if encoding.mode == "quantile" else encoding.bins
    for place, (feature, absent) in enumerate(zip(numbers, missing.tolist(), strict=True)):
        if absent <= 0.5:
            rank = (sums[feature] - absent) / (1 - absent) / steps  # of those that are there
            edges = encoding.edges[encoding.used[encoding.is_number]][place]
            found[feature] = np.interp(rank * encoding.bins, np.arange(encoding.bins + 1), edges)
    return found


def seen(row: Floats) -> list[Seen]:
    """Every feature of one connection (F,), in the layout's order."""
    return [
        Seen(feature.name, None if np.isnan(value) else value, in_words(feature, value))
        for feature, value in zip(LAYOUT.features, row.tolist(), strict=True)
    ]


def in_words(feature: Feature, value: float) -> str:
    """What a feature's value (NaN: missing) means, for a person."""
    if feature.kind == "flag":
        return f"{feature.words}: {'yes' if value else 'no'}"
    if np.isnan(value):
        return f"{feature.words}: not known"
    transform = feature.transform
    if transform.startswith("share") or feature.name == "payload_share":
        return f"{feature.words}: {value:.0%}"
    if feature.unit == "ms":
        return f"{feature.words}: {number(float(np.expm1(value)) / 1000)} s"
    unit = "" if feature.unit == "1" else f" {feature.unit}"
    return f"{feature.words}: {number(_plain(transform, value))}{unit}"


def _plain(transform: str, value: float) -> float:
    """The number that a feature's transform was applied to."""
    if transform.startswith("log1p") and not transform.startswith("log1p(a)"):
        return float(np.expm1(value))
    if transform.startswith("mean log2(1 + x)"):
        return float(2**value - 1)
    return float(2**value) if transform.startswith("log2(x)") else value
