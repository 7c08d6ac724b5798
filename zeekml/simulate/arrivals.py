"""When things happen: random arrivals, ticks of a clock, and bursts that come back.

Every function gives start times inside one span only, and depends on nothing before it, so that a
scenario can be made span by span in bounded memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeekml.simulate.table import F64, I64, MICROSECONDS

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in microseconds: ``start`` belongs to it, ``end`` does not."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return (self.end - self.start) / MICROSECONDS


Events = tuple[I64, I64]
"""Which host (index, shape (N,)) and when (microseconds, shape (N,))."""


def at_random(rng: np.random.Generator, hosts: int, span: Span, per_hour: float) -> Events:
    """Arrivals of a Poisson process for every host, ``per_hour`` each."""
    counts = rng.poisson(per_hour * span.seconds / HOUR, hosts)
    who = np.repeat(np.arange(hosts, dtype=np.int64), counts)
    return who, rng.integers(span.start, span.end, len(who))


def ticking(hosts: int, span: Span, every: float, phase_of: int = 0) -> Events:
    """Every host's clock: a tick in ``every`` seconds, each host at its own phase, set by ``phase_of``."""
    period = int(every * MICROSECONDS)
    index = np.arange(hosts, dtype=np.int64)
    mixed = ((index + 1) * 2_654_435_761 + phase_of * 40_503) % (1 << 32)
    phases = (mixed / (1 << 32) * period).astype(np.int64)
    first = -((phases - span.start) // period)
    counts = np.maximum(-((phases - span.end) // period) - first, 0)
    who = np.repeat(index, counts)
    tick = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts) + first[who]
    return who, phases[who] + tick * period


def in_bursts(
    rng: np.random.Generator,
    hosts: int,
    span: Span,
    origin: int,
    *,
    every: float,
    after: float,
    lasting: float,
    per_second: float,
) -> Events:
    """Poisson arrivals in bursts: the first ``after`` seconds past ``origin``, then again in every period.

    Each host is later than the one before by 7 minutes. ``every``, ``after``, ``lasting`` in seconds.
    """
    period = int(every * MICROSECONDS)
    begins = (
        origin + int(after * MICROSECONDS) + np.arange(hosts, dtype=np.int64) * 420 * MICROSECONDS % period
    )
    cycle = np.maximum((span.start - begins) // period, 0)
    whos, times = [], []
    for ahead in (0, 1):
        opens = begins + (cycle + ahead) * period
        low = np.maximum(opens, span.start)
        high = np.minimum(opens + int(lasting * MICROSECONDS), span.end)
        counts = rng.poisson(np.maximum(high - low, 0) / MICROSECONDS * per_second)
        who = np.repeat(np.arange(hosts, dtype=np.int64), counts)
        whos.append(who)
        times.append(low[who] + (rng.random(len(who)) * (high - low)[who]).astype(np.int64))
    return np.concatenate(whos), np.concatenate(times)


def group_sums(counts: I64, steps: F64) -> F64:
    """Running sums of ``steps`` that start over with every group; ``counts`` are the sizes of the groups."""
    total = np.cumsum(steps)
    before = np.concatenate(([0.0], total))[np.cumsum(counts) - counts]
    sums: F64 = total - np.repeat(before, counts)
    return sums


def daily_activity(start: int) -> float:
    """How busy people are at that time of day (UTC), 0.25 at night to 1 in the early afternoon."""
    hour = start / MICROSECONDS % DAY / HOUR
    return float(0.625 + 0.375 * np.cos((hour - 14.0) / 24.0 * 2 * np.pi))


def microseconds(seconds: F64) -> I64:
    """Whole microseconds, cut."""
    return (seconds * MICROSECONDS).astype(np.int64)
