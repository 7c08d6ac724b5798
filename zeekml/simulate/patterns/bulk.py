"""Large transfers: backups and updates, and their hostile likenesses, theft and malware downloads."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.arrivals import DAY, HOUR, Span, in_bursts, ticking
from zeekml.simulate.network import Network
from zeekml.simulate.patterns.pattern import lookups, same
from zeekml.simulate.shapes import Who, sizes, tcp_session
from zeekml.simulate.table import COMMAND, DOWNLOAD, I64, MICROSECONDS, Connections

BACKUPS_FROM = 22 * HOUR  # seconds of the day, UTC


def backups(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Every night within an hour from 22:00 UTC: one upload a host to the network's own server over rsync."""
    midnight = span.start - span.start % int(DAY * MICROSECONDS)
    who, ts = in_bursts(
        rng, 1, span, midnight, every=DAY, after=BACKUPS_FROM, lasting=HOUR, per_second=len(hosts) / HOUR
    )
    source = hosts[rng.integers(0, len(hosts), len(who))]
    upload = Who(ts, source, same(network.backup_server, len(ts)), same(873, len(ts)))
    size = sizes(rng, len(ts), 200e6, 1.0)
    return [
        tcp_session(rng, upload, None, (size, size // 5000 + 200), size / rng.uniform(4e6, 4e7, len(ts)) + 1)
    ]


def updates(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Every three hours a host asks one of few servers for updates; one time in four there are some."""
    who, ts = ticking(len(hosts), span, 3 * HOUR, phase_of=4)
    looked_up = lookups(rng, network, hosts[who], ts + rng.integers(0, 60 * MICROSECONDS, len(ts)))
    server = network.update_servers[hosts[who] % len(network.update_servers)]
    plain = hosts[who] % 2 == 0
    found = rng.random(len(ts)) < 0.25
    size = np.where(found, sizes(rng, len(ts), 8e6, 1.2), sizes(rng, len(ts), 6000, 0.3))
    tables = [looked_up]
    for service, port, rows in (("http", 80, plain), ("ssl", 443, ~plain)):
        fetch = Who(looked_up.ends[rows] + 1500, hosts[who[rows]], server[rows], same(port, int(rows.sum())))
        seconds = size[rows] / rng.uniform(1e6, 1e7, len(fetch)) + 0.3
        tables.append(
            tcp_session(rng, fetch, service, (sizes(rng, len(fetch), 700, 0.3), size[rows]), seconds)
        )
    return tables


def exfiltration(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """An intruder sends files out over TLS: a few large uploads to one outside server, twice a day."""
    who, ts = in_bursts(
        rng, len(hosts), span, network.start, every=DAY / 2, after=1800, lasting=600, per_second=1 / 60
    )
    upload = Who(ts, hosts[who], network.command_server(hosts[who], 5), same(443, len(ts)), COMMAND)
    size = sizes(rng, len(ts), 30e6, 0.8)
    seconds = size / rng.uniform(3e5, 2e6, len(ts)) + 1
    return [tcp_session(rng, upload, "ssl", (size, size // 4000 + 3000), seconds)]


def downloads(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """An infected host fetches a program over plain HTTP, by address and without a lookup."""
    who, ts = in_bursts(
        rng, len(hosts), span, network.start, every=4 * HOUR, after=20, lasting=120, per_second=1 / 40
    )
    fetch = Who(ts, hosts[who], network.command_server(hosts[who], 2), same(80, len(ts)), DOWNLOAD)
    seconds = 0.5 + rng.exponential(3.0, len(ts))
    size = sizes(rng, len(ts), 90_000, 0.6)
    return [tcp_session(rng, fetch, "http", (rng.integers(83, 151, len(ts)), size), seconds)]
