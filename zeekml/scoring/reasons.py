"""Why a connection scores as it does: the facts that speak most against it, in words and numbers.

A fact's part in the score is what the model's log odds fall by when its features are taken back to what is typical of
a benign connection, and all others stay (occlusion: Zeiler and Fergus 2014). Trees are asked outright. Of the network,
which would have to go through the host's past anew, a sum over the encoded features is asked that was fitted to its
log odds in training; how closely it follows the network stands in the bundle (``reasons.fidelity``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.features import LAYOUT, Encoding, Feature
from zeekml.repeated import Repeated
from zeekml.scoring.bundle import Bundle
from zeekml.scoring.facts import FACTS, Columns, Values, fact_of_feature, number
from zeekml.scoring.network_parts import NetworkParts
from zeekml.scoring.occlusion import Occlusion
from zeekml.scoring.trees import pooled
from zeekml.scoring.wording import AT_ONCE, Codes, Wording

Floats = NDArray[np.float32]
Parts = NDArray[np.float64]

#: Facts named for one connection.
NAMED = 3
#: The least part, in nats, of a fact that is named beside the strongest.
_LEAST = 0.1
#: Bits of a code, so that three of them are a whole number.
_CODE_BITS = 20


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
        groups = np.where(bundle.encoding.used, fact_of_feature(), -1)
        self._network = NetworkParts(
            bundle.encoding, groups, len(FACTS), bundle.reason_coefficients, bundle.reason_typical
        )
        self._wording = Wording(NAMED, _LEAST)
        self._occlusion: Occlusion | None = None
        self._share = 0.0
        if bundle.trees is not None and bundle.manifest.trees is not None:
            self._share = bundle.manifest.trees.share
            typical = typical_features(bundle.encoding, bundle.reason_typical)
            self._occlusion = Occlusion(bundle.trees, groups, len(FACTS), typical)

    def parts(self, matrix: Floats, network_odds: Parts) -> Parts:
        """Each fact's part (N, facts) in the log odds, of features (N, F) and the network's own log odds (N,)."""
        network = self._network(matrix)
        if self._occlusion is None:
            return network
        taken_back, as_it_is = self._occlusion.log_odds(matrix)
        without = pooled(network_odds[:, None] - network, taken_back, self._share)
        whole: Parts = pooled(network_odds, as_it_is, self._share)
        return whole[:, None] - without

    def of_row(self, row: Floats, network_odds: float) -> list[Reason]:
        """What every fact of one connection (F,) says, in the order of ``FACTS``."""
        parts = self.parts(row[None], np.array([network_odds]))[0].tolist()
        values = Values(Columns(row[None]))
        return [
            Reason(fact.name, tuple(LAYOUT.names[at] for at in fact.features), part, fact.words(values))
            for fact, part in zip(FACTS, parts, strict=True)
        ]

    def named(self, matrix: Floats, network_odds: Parts) -> list[list[int]]:
        """The facts (indices into ``FACTS``) that are named for each row (N, F), the strongest first.

        One at least, where any has something that a person could look at.
        """
        found: list[list[int]] = []
        for codes in self._codes(matrix, network_odds):
            facts = self._wording.facts
            found += [[facts[code] for code in row if code >= 0] for row in codes.tolist()]
        return found

    def texts(self, matrix: Floats, network_odds: Parts) -> Repeated:
        """One text a row (N, F): the words of its strongest facts, such as ``no answer (S0); to a telnet port``."""
        texts: list[str] = []
        places = [np.empty(0, dtype=np.int64)]
        for codes in self._codes(matrix, network_odds):
            words = self._wording.words
            joined = codes.astype(np.int64) + 1 << _CODE_BITS * np.arange(NAMED)
            _, first, place = np.unique(joined.sum(axis=1), return_index=True, return_inverse=True)
            places.append(place + len(texts))
            texts += ["; ".join(words[code] for code in row if code >= 0) for row in codes[first].tolist()]
        return Repeated(texts, np.concatenate(places))

    def _codes(self, matrix: Floats, network_odds: Parts) -> Iterator[Codes]:
        """The codes of the facts that are named, of some rows after the other."""
        for at in range(0, len(matrix), AT_ONCE):
            rows = np.ascontiguousarray(matrix[at : at + AT_ONCE])
            yield self._wording.named(self.parts(rows, network_odds[at : at + AT_ONCE]), rows)


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
