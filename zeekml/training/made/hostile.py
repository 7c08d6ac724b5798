"""What made bots do. Every number is drawn anew for each host, over the range that such programs are known for.

No behaviour is fitted to a capture: ranges are wide on purpose, and what is left in common is the mechanism.
"""

from __future__ import annotations

import numpy as np

from zeekml.training.made.host import CLOSED, NOTHING_SAID, SERVER_FIRST, Floats, Ints, MadeHost, Masks

#: Ports that command servers listen at, beside random ones.
_COMMAND_PORTS = (80, 443, 8080, 8443, 4444, 6667, 1604, 2222, 9001, 53, 8888, 447, 449, 81, 5552)
_SCANNED = (21, 22, 23, 25, 80, 81, 110, 135, 139, 443, 445, 1433, 2222, 2323, 3306, 3389, 5555, 5900, 6379, 7547,
            8080, 8443, 37215, 52869, 60001)  # fmt: skip


def scan(host: MadeHost) -> None:
    """Many peers, one or few ports, inside or out: most silent, some refuse, few are open; then passwords are tried."""
    rng, count = host.rng, int(host.rng.integers(60, 400))
    every = host.between(0.005, 5)
    ts = host.clock(every, float(rng.uniform(0, 1.5)), count)
    inside = rng.random() < 0.35
    if rng.random() < 0.5:  # one address after the other
        start = host.inside(1)[0] if inside else host.outside(1)[0]
        peers = start + np.arange(count) * (1 if rng.random() < 0.8 else 256)
    else:
        peers = rng.choice(host.inside(250), count) if inside else host.outside(count)
    some = rng.choice(_SCANNED, 3) if rng.random() < 0.7 else rng.integers(1, 65536, 3)
    ports = rng.choice(some, count, p=(0.8, 0.15, 0.05)) if rng.random() < 0.4 else np.full(count, some[0])
    fate = rng.choice(3, count, p=rng.dirichlet((6, 1.5, 0.4)))
    syn = 40 if rng.random() < 0.5 else 0
    rows = [np.flatnonzero(fate == i) for i in range(3)]
    host.unanswered(
        "PortScan", ts[rows[0]], peers[rows[0]], ports[rows[0]], int(rng.choice((1, 1, 2, 3))), syn
    )
    host.refused("PortScan", ts[rows[1]], peers[rows[1]], ports[rows[1]], syn)
    opened = rows[2]
    many = len(opened)
    if rng.random() < 0.5:
        none = np.zeros(many)
        host.tcp("PortScan", ts[opened], peers[opened], ports[opened], None, none, none, none, NOTHING_SAID)
    else:  # talks to what is open
        host.tcp("PortScan", ts[opened], peers[opened], ports[opened], None, host.sizes(many, 120, 1),
                 host.sizes(many, 300, 1), rng.exponential(8, many), SERVER_FIRST)  # fmt: skip


def beacon(host: MadeHost) -> None:
    """Calls one server again and again: small and alike; now and then a task; for some time it may be down."""
    rng, count = host.rng, int(host.rng.integers(30, 250))
    every = host.between(1.5, 1800)
    ts = host.clock(every, float(rng.choice((0.01, 0.1, 0.3, 0.5, 2))), count)
    servers = host.outside(int(rng.choice((1, 1, 1, 2, 4))))
    peers = rng.choice(servers, count)
    port = int(rng.choice(_COMMAND_PORTS)) if rng.random() < 0.7 else int(rng.integers(1024, 65536))
    service = _service(host, port)
    down = _down(host, count)
    tls = service == "ssl"
    sent = host.sizes(
        count, host.between(300, 1500) if tls else host.between(30, 900), rng.choice((0.01, 0.05, 0.3))
    )
    received = host.sizes(
        count, host.between(250, 6000) if tls else host.between(10, 1500), rng.choice((0.0, 0.05, 0.3))
    )
    task = rng.random(count) < rng.choice((0, 0.02, 0.08))
    received = received + task * host.sizes(count, 50_000, 1.2)
    seconds = host.between(0.03, 3) * np.exp(0.3 * rng.normal(size=count))
    if rng.random() < 0.25:  # the server holds the connection
        seconds = every * rng.uniform(0.7, 1.0, count)
    if rng.random() < 0.3:
        host.lookup(ts[~down] - 0.2)
    few = rng.dirichlet(np.full(len(CLOSED), 0.3))
    host.tcp(
        "C&C",
        ts[~down],
        peers[~down],
        port,
        service,
        sent[~down],
        received[~down],
        seconds[~down],
        CLOSED,
        few,
    )
    _missing(host, ts[down], peers[down], port)


def _service(host: MadeHost, port: int) -> str | None:
    if port in (443, 447, 449, 8443):
        return str(host.rng.choice(("ssl", "ssl", "http"))) if host.rng.random() < 0.85 else None
    if port in (80, 8080, 81, 8888):
        return "http" if host.rng.random() < 0.85 else None
    if port == 6667:
        return "irc" if host.rng.random() < 0.7 else None
    return str(host.rng.choice(("http", "ssl"))) if host.rng.random() < 0.3 else None


def _down(host: MadeHost, count: int) -> Masks:
    """A stretch in which the server does not answer, in one bot of two."""
    rows = np.arange(count)
    if host.rng.random() < 0.5:
        return rows < 0
    start = host.rng.integers(0, count)
    return (rows >= start) & (rows < start + host.rng.integers(1, count))


def _missing(host: MadeHost, ts: Floats, peers: Ints, port: int) -> None:
    """Calls that found nobody: no answer or a refusal."""
    if host.rng.random() < 0.5:
        host.unanswered("C&C", ts, peers, port, int(host.rng.integers(1, 5)))
    else:
        host.refused("C&C", ts, peers, port)


def abandoned(host: MadeHost) -> None:
    """Its servers are gone: it tries one after the other, at odd ports, and never gets an answer."""
    rng, count = host.rng, int(host.rng.integers(30, 250))
    ts = host.clock(host.between(1, 300), float(rng.choice((0.05, 0.5, 2))), count)
    peers = rng.choice(host.outside(int(rng.integers(1, 12))), count)
    _missing(host, ts, peers, int(rng.integers(1024, 65536)) if rng.random() < 0.7 else 80)


def tunnel(host: MadeHost) -> None:
    """Talks by DNS: long or many lookups at the resolver, in some bots many packets in one connection."""
    rng, count = host.rng, int(host.rng.integers(60, 400))
    ts = host.clock(host.between(0.03, 20), float(rng.choice((0.1, 0.5, 2))), count)
    resolver = np.full(count, host.resolver if rng.random() < 0.7 else int(host.outside(1)[0]))
    packets = np.ones(count)
    if rng.random() < 0.3:
        packets = np.ceil(host.sizes(count, host.between(3, 150), 1))
    asked = host.between(38, 200)
    spread = rng.choice((0.0, 0.05, 0.2))
    sent = host.sizes(count, asked, spread) * packets
    received = (host.sizes(count, asked + host.between(1, 600), spread) + 10) * packets
    answered = rng.random(count) < rng.choice((1.0, 0.95, 0.7, 0.3))
    seconds = np.where(packets > 1, packets * rng.uniform(0.01, 0.5), 0.05) * np.exp(
        0.5 * rng.normal(size=count)
    )
    host.udp("Tunnel", ts, resolver, 53, "dns", sent, received, answered, packets, seconds)


def spam(host: MadeHost) -> None:
    """Mail to one server after the other: some take it, some turn it away or are silent."""
    rng, count = host.rng, int(host.rng.integers(60, 350))
    ts = host.clock(host.between(0.1, 8), 2, count)
    servers = host.outside(int(rng.integers(count // 3 + 1, count + 1)))
    peers = rng.choice(servers, count)
    port = 25 if rng.random() < 0.8 else int(rng.choice((587, 465, 2525)))
    if rng.random() < 0.6:
        host.lookup(ts - 0.2, 0.9)
    fate = rng.choice(4, count, p=rng.dirichlet((4, 2, 1, 2)))
    rows = [np.flatnonzero(fate == i) for i in range(4)]
    for place, size, service in ((0, host.between(800, 6000), "smtp"), (1, 60, None)):
        mine = rows[place]
        host.tcp("Spam", ts[mine], peers[mine], port, service, host.sizes(len(mine), size, 0.6),
                 host.sizes(len(mine), 250, 0.4), rng.lognormal(0.5, 0.8, len(mine)), SERVER_FIRST)  # fmt: skip
    host.refused("Spam", ts[rows[2]], peers[rows[2]], port)
    host.unanswered("Spam", ts[rows[3]], peers[rows[3]], port, int(rng.integers(1, 4)))


def peers(host: MadeHost) -> None:
    """A bot among peers: small datagrams of one size to hundreds of addresses at one high port, few answer."""
    rng, count = host.rng, int(host.rng.integers(60, 350))
    ts = host.clock(host.between(0.05, 10), 2, count)
    others = host.outside(int(rng.integers(count // 4 + 1, count + 1)))
    who = rng.integers(0, len(others), count)
    ports = rng.integers(1024, 65536, len(others))
    if rng.random() < 0.5:
        ports[:] = ports[0]
    sent = host.sizes(count, host.between(12, 200), rng.choice((0.0, 0.2)))
    received = host.sizes(count, host.between(12, 900), rng.choice((0.0, 0.2)))
    alive = rng.random(count) < rng.uniform(0, 0.8)
    packets = np.ceil(host.sizes(count, 1, 0.4))
    host.udp("C&C", ts, others[who], ports[who], None, sent * packets, received * packets, alive, packets)


def flood(host: MadeHost) -> None:
    """Sends what it can to one victim: SYNs, datagrams, requests."""
    rng, count = host.rng, int(host.rng.integers(100, 400))
    ts = host.clock(host.between(0.0005, 0.05), 2, count)
    victim = np.full(count, host.outside(1)[0])
    port = np.full(count, rng.choice((80, 443, 53, 22, 25565, 3074, 8080)))
    if rng.random() < 0.3:
        port = rng.integers(1, 65536, count)
    match int(rng.integers(3)):
        case 0:
            host.unanswered("DDoS", ts, victim, port, 1, 40 if rng.random() < 0.5 else 0)
        case 1:
            size = host.sizes(count, host.between(20, 1400), 0.0)
            host.udp("DDoS", ts, victim, port, None, size, size, np.zeros(count, dtype=bool))
        case _:
            host.tcp("DDoS", ts, victim, port, "http", host.sizes(count, 250, 0.2), host.sizes(count, 900, 0.5),
                     rng.exponential(1, count), CLOSED)  # fmt: skip
