"""A figure that several seeds gave: its mean and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the seeds, in the order of the seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation; None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None

    def percent(self) -> str:
        """Mean and deviation in percent."""
        return self._text(100, 2)

    def plain(self, digits: int = 3) -> str:
        """Mean and deviation as they are."""
        return self._text(1, digits)

    def _text(self, factor: float, digits: int) -> str:
        deviation = self.deviation
        spread = "" if deviation is None else f" ± {factor * deviation:.{digits}f}"
        return f"{factor * self.mean:.{digits}f}{spread}"
