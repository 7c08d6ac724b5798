"""What a pattern is: a named kind of behaviour that makes connections for some hosts in one span of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zeekml.simulate.arrivals import Span
from zeekml.simulate.network import Network
from zeekml.simulate.shapes import Who, udp_exchange
from zeekml.simulate.table import I64, Connections

Generate = Callable[[Network, I64, Span, np.random.Generator], list[Connections]]
"""From the network, the hosts that do it (addresses), a span and a source of chance: tables in any order.

No connection starts before the span; those that follow from an event inside may start after its end.
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of the registry; ``pool`` names the hosts of the network that behave so."""

    name: str
    text: str
    pool: str
    generate: Generate


def same(value: int, count: int) -> I64:
    """``count`` times the same number."""
    return np.full(count, value, dtype=np.int64)


def lookups(rng: np.random.Generator, network: Network, hosts: I64, ts: I64) -> Connections:
    """A DNS question each to the network's resolver, answered."""
    who = Who(ts, hosts, same(network.resolver, len(ts)), same(53, len(ts)))
    question = rng.integers(28, 60, len(ts))
    answer = question + rng.integers(16, 200, len(ts))
    return udp_exchange(rng, who, "dns", (question, answer), same(1, len(ts)))
