"""A whole scenario: which network, which patterns, how many connections, in the order a sensor logs them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zeekml.errors import ConfigError
from zeekml.simulate.arrivals import Span
from zeekml.simulate.network import FEWEST, Network
from zeekml.simulate.patterns import PATTERNS
from zeekml.simulate.patterns.pattern import Pattern
from zeekml.simulate.share import Share
from zeekml.simulate.table import FIELDS, I64, MICROSECONDS, Connections, concat

STEP = 1800 * MICROSECONDS  # simulated time made at once; memory grows with the hosts times this
HOSTS_A_STEP = 40_000  # of more hosts a step is shorter, so that memory does not grow
MOST_HOSTS = 4_000_000
MOST_QUIET_STEPS = 48 * 7  # a week without one connection: the scenario makes none


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to make. The same scenario makes the same connections, byte for byte.

    ``connections``: how many, exactly; the simulated time is as long as they need.
    ``seed``: 0 or more. ``hosts``: local hosts, 1 to 4,000,000; None picks 20 to 500 by ``connections``. Fewer than 12
    are the addresses by which a sensor sees the network that None would pick. ``start``: first moment, epoch seconds,
    before 2100. ``patterns``: names from ``PATTERNS``; None is all. ``malicious``: the share (0 to 1) of connections
    with a label other than Benign; None leaves it as the patterns make it. ConfigError for any other value.
    """

    connections: int = 100_000
    seed: int = 0
    hosts: int | None = None
    start: float = 1_699_997_400.0  # 2023-11-14 21:30 UTC, half an hour before the backups
    patterns: tuple[str, ...] | None = None
    malicious: float | None = None

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise ConfigError(f"connections is {self.connections}: expected 1 or more")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}: expected 0 or more")
        if self.hosts is not None and not 1 <= self.hosts <= MOST_HOSTS:
            raise ConfigError(f"hosts is {self.hosts}: expected 1 to {MOST_HOSTS} local hosts")
        if self.malicious is not None and not 0 <= self.malicious <= 1:
            raise ConfigError(f"malicious is {self.malicious}: expected a share of the connections, 0 to 1")
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
        if self.hosts is not None and self.hosts >= FEWEST:
            return self.hosts
        return min(max(self.connections // 500, 20), 500)

    @property
    def chosen(self) -> tuple[Pattern, ...]:
        """The patterns that take part, in the order of the registry."""
        return tuple(
            pattern for name, pattern in PATTERNS.items() if self.patterns is None or name in self.patterns
        )


def simulate(scenario: Scenario) -> Iterator[Connections]:
    """The scenario's connections in log order (by when they end, as Zeek writes them), in batches.

    Memory is bounded by one step of simulated time, not by ``scenario.connections``. ConfigError when the
    chosen patterns make nothing at all, or nothing of what ``malicious`` leaves in.
    """
    start = int(scenario.start * MICROSECONDS)
    length = STEP // max(1, -(-scenario.network_hosts // HOSTS_A_STEP))
    network = Network.build(scenario.seed, scenario.network_hosts, start)
    numbers = np.random.default_rng([scenario.seed, 1])
    left, step, quiet = scenario.connections, 0, 0
    pending: list[Connections] = []
    share = None if scenario.malicious is None else Share(scenario.malicious)
    while left:
        span = Span(start + step * length, start + (step + 1) * length)
        started = concat(_one_step(scenario, network, span, step))
        if share is not None:
            started = share.of(started, np.random.default_rng([scenario.seed, 3, step]))
        made = concat([*pending, started])
        ended = made.ends < span.end
        batch = made.take(ended)
        order = np.lexsort((batch.orig_p, batch.ts, batch.ends))[:left]
        pending, step = [made.take(~ended)], step + 1
        quiet = 0 if len(order) else quiet + 1
        if quiet > MOST_QUIET_STEPS:
            left_in = "" if share is None else f" that malicious {scenario.malicious} leaves in"
            raise ConfigError(
                f"patterns {scenario.patterns}: they make no connection in a week{left_in}; add another"
            )
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
    if scenario.hosts is not None and scenario.hosts < FEWEST:
        return [behind(table, network.pools["all"][: scenario.hosts]) for table in tables]
    return tables


def behind(table: Connections, seen: I64) -> Connections:
    """The same connections as they leave by these addresses (H,), such as that of a router."""
    values = {name: getattr(table, name) for name in FIELDS}
    values["orig_h"] = seen[table.orig_h % len(seen)]
    return Connections(**values)
