"""A whole scenario: which network, which patterns, how many connections, in the order a sensor logs them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zeekml.errors import ConfigError
from zeekml.simulate.arrivals import Span
from zeekml.simulate.network import Network
from zeekml.simulate.patterns import PATTERNS
from zeekml.simulate.patterns.pattern import Pattern
from zeekml.simulate.table import MICROSECONDS, Connections, concat

STEP = 1800 * MICROSECONDS  # simulated time made at once; memory grows with the hosts times this
MOST_QUIET_STEPS = 48 * 7  # a week without one connection: the scenario makes none


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to make. The same scenario makes the same connections, byte for byte.

    ``connections``: how many, exactly; the simulated time is as long as they need.
    ``seed``: 0 or more. ``hosts``: local hosts, 12 to 40,000; None picks 20 to 500 by ``connections``.
    ``start``: first moment, epoch seconds, before 2100. ``patterns``: names from ``PATTERNS``; None is all.
    ConfigError for any other value.
    """

    connections: int = 100_000
    seed: int = 0
    hosts: int | None = None
    start: float = 1_699_997_400.0  # 2023-11-14 21:30 UTC, half an hour before the backups
    patterns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise ConfigError(f"connections is {self.connections}: expected 1 or more")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}: expected 0 or more")
        if self.hosts is not None and not 12 <= self.hosts <= 40_000:
            raise ConfigError(f"hosts is {self.hosts}: expected 12 to 40000 local hosts")
        if not (math.isfinite(self.start) and 0 <= self.start < 4_102_444_800):
            raise ConfigError(f"start is {self.start}: expected epoch seconds, 0 to 4102444799")
        unknown = [name for name in self.patterns or () if name not in PATTERNS]
        if unknown or self.patterns == ():
            raise ConfigError(
                f"patterns: no pattern named {', '.join(unknown) or '(none given)'}; "
                f"expected some of {', '.join(PATTERNS)}"
            )

    @property
    def network_hosts(self) -> int:
        """The number of local hosts, given or picked: one for every 500 connections, 20 to 500."""
        return self.hosts if self.hosts is not None else min(max(self.connections // 500, 20), 500)

    @property
    def chosen(self) -> tuple[Pattern, ...]:
        """The patterns that take part, in the order of the registry."""
        return tuple(
            pattern for name, pattern in PATTERNS.items() if self.patterns is None or name in self.patterns
        )


def simulate(scenario: Scenario) -> Iterator[Connections]:
    """The scenario's connections in log order (by when they end, as Zeek writes them), in batches.

    Memory is bounded by one step of simulated time, not by ``scenario.connections``. ConfigError when the
    chosen patterns make nothing at all.
    """
    start = int(scenario.start * MICROSECONDS)
    network = Network.build(scenario.seed, scenario.network_hosts, start)
    numbers = np.random.default_rng([scenario.seed, 1])
    left, step, quiet = scenario.connections, 0, 0
    pending: list[Connections] = []
    while left:
        span = Span(start + step * STEP, start + (step + 1) * STEP)
        made = concat(pending + _one_step(scenario, network, span, step))
        ended = made.ends < span.end
        batch = made.take(ended)
        order = np.lexsort((batch.orig_p, batch.ts, batch.ends))[:left]
        pending, step = [made.take(~ended)], step + 1
        quiet = 0 if len(order) else quiet + 1
        if quiet > MOST_QUIET_STEPS:
            raise ConfigError(f"patterns {scenario.patterns}: they make no connection in a week; add another")
        if len(order):
            left -= len(order)
            yield batch.take(order).numbered(numbers)


def _one_step(scenario: Scenario, network: Network, span: Span, step: int) -> list[Connections]:
    """What every pattern starts within one step; each draws from a source of its own."""
    tables: list[Connections] = []
    for pattern in scenario.chosen:
        place = list(PATTERNS).index(pattern.name)
        rng = np.random.default_rng([scenario.seed, 2, place, step])
        tables += pattern.generate(network, network.pools[pattern.pool], span, rng)
    return tables
