"""Implants that call home: one on a fixed beat, one with jitter."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.arrivals import HOUR, Span, ticking
from zeekml.simulate.network import Network
from zeekml.simulate.patterns.pattern import same
from zeekml.simulate.shapes import Ending, Who, tcp_refused, tcp_session
from zeekml.simulate.table import COMMAND, I64, MICROSECONDS, Connections

REGULAR_EVERY = 60.0
JITTERED_EVERY = 90.0
JITTER = 0.5  # share of the interval by which a call may be late

BEACON: tuple[Ending, ...] = (("SF", "ShADadFf", 85), ("SF", "ShADadfF", 15))


def regular_beacon(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """A plain HTTP call on port 443 every minute, to within 20 ms, sizes all but equal.

    For ten minutes in every three hours its server is down and refuses.
    """
    who, ts = ticking(len(hosts), span, REGULAR_EVERY, phase_of=5)
    ts = ts + rng.integers(0, 20_000, len(ts))
    server = network.command_server(hosts[who], 0)
    down = (ts - network.start) // MICROSECONDS % int(3 * HOUR) >= 3 * HOUR - 600
    up = Who(ts[~down], hosts[who[~down]], server[~down], same(443, int((~down).sum())), COMMAND)
    dead = Who(ts[down], hosts[who[down]], server[down], same(443, int(down.sum())), COMMAND)
    orig, resp = (
        205 + rng.integers(0, 9, len(up)),
        399 + (rng.random(len(up)) < 0.03) * rng.integers(50, 4000, len(up)),
    )
    return [
        tcp_session(rng, up, "http", (orig, resp), rng.uniform(0.08, 0.16, len(up)), endings=BEACON),
        tcp_refused(rng, dead),
    ]


def jittered_beacon(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """A TLS call every 90 s, up to half the interval late; one call in twenty fetches a task."""
    who, ts = ticking(len(hosts), span, JITTERED_EVERY, phase_of=6)
    ts = ts + rng.integers(0, int(JITTER * JITTERED_EVERY * MICROSECONDS), len(ts))
    call = Who(ts, hosts[who], network.command_server(hosts[who], 1), same(443, len(ts)), COMMAND)
    task = rng.random(len(ts)) < 0.05
    orig = 780 + rng.integers(0, 64, len(ts))
    resp = 2900 + rng.integers(0, 64, len(ts)) + np.where(task, rng.integers(5_000, 200_000, len(ts)), 0)
    return [tcp_session(rng, call, "ssl", (orig, resp), rng.uniform(0.2, 0.9, len(ts)), endings=BEACON)]
