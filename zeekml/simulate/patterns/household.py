"""What machines do by themselves: name lookups, clocks, chat keep-alives, pings."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.arrivals import Span, at_random, ticking
from zeekml.simulate.network import Network
from zeekml.simulate.patterns.pattern import lookups, same
from zeekml.simulate.shapes import STAYING, Who, icmp_echo, sizes, tcp_session, udp_exchange, udp_unanswered
from zeekml.simulate.table import I64, Connections

CHAT_PORTS = np.array([5222, 5223, 443, 8883])
CHAT_EVERY = 1500.0  # seconds from one chat connection to the next
PING_EVERY = 600.0


def dns(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Lookups by applications, 14 an hour; one in forty stays without an answer and is repeated."""
    who, ts = at_random(rng, len(hosts), span, 14.0)
    lost = rng.random(len(ts)) < 0.025
    asked = Who(
        ts[lost], hosts[who[lost]], same(network.resolver, int(lost.sum())), same(53, int(lost.sum()))
    )
    return [
        lookups(rng, network, hosts[who[~lost]], ts[~lost]),
        udp_unanswered(rng, asked, "dns", rng.integers(28, 60, len(asked)), rng.integers(1, 4, len(asked))),
    ]


def ntp(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """A question to the host's time server every 1024 s, 48 bytes each way."""
    who, ts = ticking(len(hosts), span, 1024.0, phase_of=1)
    servers = network.time_servers[hosts[who] % len(network.time_servers)]
    asked = Who(ts + rng.integers(0, 900_000, len(ts)), hosts[who], servers, same(123, len(ts)))
    size = same(48, len(ts))
    return [udp_exchange(rng, asked, "ntp", (size, size), same(1, len(ts)))]


def chat(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Long connections to a messaging server, opened anew every 25 min; small messages both ways."""
    who, ts = ticking(len(hosts), span, CHAT_EVERY, phase_of=2)
    index = hosts[who] % len(network.chat_servers)
    talk = Who(ts, hosts[who], network.chat_servers[index], CHAT_PORTS[index % len(CHAT_PORTS)])
    seconds = rng.uniform(0.3, 0.95, len(ts)) * CHAT_EVERY
    beats = (seconds / 28).astype(np.int64) + 1
    orig, resp = 900 + beats * rng.integers(36, 90, len(ts)), 3800 + beats * rng.integers(36, 140, len(ts))
    return [tcp_session(rng, talk, "ssl", (orig, resp), seconds, endings=STAYING)]


def monitoring(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """The monitor pings every other host every ten minutes, four requests; a few hosts are switched off."""
    others = network.pools["all"]
    others = others[~np.isin(others, hosts)]
    who, ts = ticking(len(others), span, PING_EVERY, phase_of=3)
    pinged = Who(ts, np.resize(hosts, len(ts)), others[who], same(0, len(ts)))
    return [icmp_echo(rng, pinged, same(4, len(ts)), answered=others[who] % 25 != 0)]


def administration(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Sessions with the network's own server over SSH, one an hour."""
    who, ts = at_random(rng, len(hosts), span, 1.0)
    talk = Who(ts, hosts[who], same(network.backup_server, len(ts)), same(22, len(ts)))
    payload = sizes(rng, len(ts), 6000, 1.2) + 1800, sizes(rng, len(ts), 9000, 1.4) + 2200
    return [tcp_session(rng, talk, "ssh", payload, rng.lognormal(np.log(60), 1.3, len(ts)))]
