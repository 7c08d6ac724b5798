"""What drift comes to, for people and for metrics. Needs nothing that loads slowly."""

from __future__ import annotations

from dataclasses import dataclass

from zeekml.drift.stability import MOVED_MUCH


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How far connections are from training.

    ``looked_at``: how many were, faded ones in part. ``near``: the share of scores near the connection threshold, and
    ``near_expected`` the same of held-out training connections; None where it is not known. ``index``: the population
    stability index by feature, the largest first; empty where the bundle does not say what it was trained on.
    """

    looked_at: float
    near: float
    near_expected: float | None
    index: dict[str, float]

    @property
    def moved_much(self) -> list[str]:
        """The features that moved much, the one that moved most first."""
        return [name for name, value in self.index.items() if value >= MOVED_MUCH]

    def words(self) -> str:
        """A line for people."""
        if self.index:
            most = ", ".join(f"{name} {value:.2f}" for name, value in list(self.index.items())[:3])
            text = f"{len(self.moved_much)} of {len(self.index)} features moved much since training; most: {most}"
        else:
            text = "features: not available, the model does not say what it was trained on"
        expected = "" if self.near_expected is None else f", {self.near_expected:.2%} in training"
        return f"{text}; scores near the threshold: {self.near:.2%}{expected}"
