"""The feature layout: what each column of the feature matrix is, under a name and a version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix.

    ``kind`` is ``flag`` (0 or 1, never missing) or ``number`` (NaN where it is missing); ``sources`` are the log
    columns it comes from; ``transform`` and ``unit`` say what the value is; ``words`` names it to an analyst.
    """

    name: str
    kind: Literal["flag", "number"]
    sources: tuple[str, ...]
    transform: str
    unit: str
    words: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A named, versioned list of features; the order is the order of the matrix's columns."""

    name: str
    version: int
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that defines the layout."""
        lines = [f"{self.name} {self.version}"]
        lines += [f"{f.name}|{f.kind}|{','.join(f.sources)}|{f.transform}|{f.unit}" for f in self.features]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def differences(self, names: tuple[str, ...]) -> list[str]:
        """What another list of feature names has too many or too few, or where the order first differs."""
        found = [f"unknown feature {name!r}" for name in names if name not in self.names]
        found += [f"missing feature {name!r}" for name in self.names if name not in names]
        if not found and names != self.names:
            at = next(i for i, (a, b) in enumerate(zip(names, self.names, strict=True)) if a != b)
            found.append(f"feature {at} is {names[at]!r}, expected {self.names[at]!r}")
        return found


def flag(name: str, sources: str, words: str) -> Feature:
    """A feature that is 0 or 1."""
    return Feature(name, "flag", tuple(sources.split()), "one-hot", "0 or 1", words)


def number(name: str, sources: str, transform: str, unit: str, words: str) -> Feature:
    """A feature that is a number, or missing."""
    return Feature(name, "number", tuple(sources.split()), transform, unit, words)
