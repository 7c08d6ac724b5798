"""A Mirai-like bot: a command channel that stays, telnet scans in bursts, floods on order.

After Antonakakis et al., "Understanding the Mirai Botnet" (USENIX Security 2017): raw SYNs of 40 bytes to
random addresses, port 23 nine times and 2323 one time in ten.
"""

from __future__ import annotations

import numpy as np

from zeekml.simulate.addresses import public_addresses, public_by_index
from zeekml.simulate.arrivals import HOUR, Span, in_bursts, ticking
from zeekml.simulate.network import Network
from zeekml.simulate.patterns.pattern import same
from zeekml.simulate.shapes import (
    Ending,
    Who,
    tcp_half_open,
    tcp_refused,
    tcp_session,
    tcp_unanswered,
    udp_unanswered,
)
from zeekml.simulate.table import COMMAND, DDOS, I64, MICROSECONDS, SCAN, Connections

RAW_SYN = 40
COMMAND_PORT = 6667
COMMAND_EVERY = 900.0
CHANNEL: tuple[Ending, ...] = (("S3", "ShAdDaf", 60), ("S1", "ShAdDa", 30), ("SF", "ShAdDaFf", 10))


def command_channel(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """An IRC connection every 15 min that stays for most of it; while its server is away, SYNs in threes."""
    who, ts = ticking(len(hosts), span, COMMAND_EVERY, phase_of=7)
    server = network.command_server(hosts[who], 3)
    away = rng.random(len(ts)) < 0.3
    call = Who(ts[~away], hosts[who[~away]], server[~away], same(COMMAND_PORT, int((~away).sum())), COMMAND)
    retries = np.repeat(np.flatnonzero(away), 8)
    retry_ts = ts[retries] + np.tile(np.arange(8, dtype=np.int64), int(away.sum())) * 30 * MICROSECONDS
    retry = Who(retry_ts, hosts[who[retries]], server[retries], same(COMMAND_PORT, len(retries)), COMMAND)
    seconds = rng.uniform(0.4, 0.98, len(call)) * COMMAND_EVERY
    beats = (seconds / 60).astype(np.int64) + 1
    return [
        tcp_session(rng, call, "irc", (75 + beats * 26, 243 + beats * 24), seconds, endings=CHANNEL),
        tcp_unanswered(rng, retry, same(3, len(retry))),
    ]


def telnet_scan(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Ten minutes in two hours, two tries a second: most unanswered, few refused, fewer still answered."""
    who, ts = in_bursts(
        rng, len(hosts), span, network.start, every=2 * HOUR, after=60, lasting=600, per_second=2.0
    )
    target = public_addresses(rng, len(ts))
    port = np.where(rng.random(len(ts)) < 0.1, 2323, 23)
    fate = rng.choice(3, len(ts), p=(0.94, 0.045, 0.015))
    silent, refused, opened = (
        Who(ts[rows], hosts[who[rows]], target[rows], port[rows], SCAN)
        for rows in (np.flatnonzero(fate == code) for code in range(3))
    )
    return [
        tcp_unanswered(rng, silent, same(1, len(silent)), RAW_SYN),
        tcp_refused(rng, refused, RAW_SYN),
        tcp_half_open(rng, opened, RAW_SYN),
    ]


def flood(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Sixty packets a second at one victim for 20 s in three hours: SYNs to port 80, the next time UDP."""
    period = 3 * HOUR
    who, ts = in_bursts(
        rng, len(hosts), span, network.start, every=period, after=1200, lasting=20, per_second=60.0
    )
    order = (ts - network.start) // int(period * MICROSECONDS)
    victim = public_by_index(order * 1_000_003 + 77)
    syn = (order + who) % 2 == 0
    half, rest = np.flatnonzero(syn), np.flatnonzero(~syn)
    syns = Who(ts[half], hosts[who[half]], victim[half], same(80, len(half)), DDOS)
    datagrams = Who(ts[rest], hosts[who[rest]], victim[rest], rng.integers(1, 65535, len(rest)), DDOS)
    return [
        tcp_unanswered(rng, syns, same(1, len(syns)), RAW_SYN),
        udp_unanswered(rng, datagrams, None, same(512, len(datagrams)), same(1, len(datagrams))),
    ]
