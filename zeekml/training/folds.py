"""Which captures are left out together: whole groups, infected and clean ones each dealt to folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeekml.training.captures import Capture


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of the captures: those that hold infected hosts and those of clean networks."""

    infected: tuple[Capture, ...]
    clean: tuple[Capture, ...]

    @property
    def groups(self) -> set[str]:
        """The groups in this fold."""
        return {capture.group for capture in self.infected + self.clean}


def deal(captures: Sequence[Capture], folds: int, seed: int) -> list[Fold]:
    """Shuffle the groups by the seed and deal them to folds in turn, infected and clean ones each by themselves."""
    rng = np.random.default_rng(seed)
    measured = [capture for capture in captures if capture.measured]
    infected = _dealt([c for c in measured if c.infected], folds, rng)
    clean = _dealt([c for c in measured if c.clean], folds, rng)
    return [Fold(tuple(a), tuple(b)) for a, b in zip(infected, clean, strict=True)]


def _dealt(captures: list[Capture], folds: int, rng: np.random.Generator) -> list[list[Capture]]:
    groups = sorted({capture.group for capture in captures})
    rng.shuffle(groups)
    return [[c for c in captures if c.group in groups[fold::folds]] for fold in range(folds)]
