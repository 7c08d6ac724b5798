"""What made clean hosts do: what is mistaken for bots, and what the captures hold too little of.

As with the made bots every number is drawn anew for each host, over a wide range.
"""

from __future__ import annotations

import numpy as np

from zeekml.training.made.host import CLOSED, NOTHING_SAID, MadeHost

#: Ports that vulnerability scanners look at first.
_AUDITED = np.array((21, 22, 23, 25, 53, 80, 110, 135, 139, 143, 443, 445, 993, 1433, 3306, 3389, 5432, 5900, 6379,
                     8000, 8080, 8443, 9200, 27017))  # fmt: skip


def poller(host: MadeHost) -> None:
    """Asks devices inside for their values on a beat; some are switched off and never answer."""
    rng, count = host.rng, int(host.rng.integers(80, 400))
    devices = host.inside(int(rng.integers(1, 25)))
    port = int(rng.choice((502, 102, 20000, 44818, 161, 80, 443, 1883, 9100, 10050, 22, 2404)))
    rounds = host.clock(host.between(0.3, 300), 0.05, -(-count // len(devices)))
    ts = (rounds[:, None] + np.arange(len(devices)) * 0.02).ravel()
    device = np.tile(np.arange(len(devices)), len(rounds))
    off = device < rng.integers(0, max(len(devices) // 3, 1) + 1) * (rng.random() < 0.6)
    sent, received = (host.sizes(len(devices), host.between(12, 400), 0.3) for _ in range(2))
    spread = np.exp(rng.choice((0.0, 0.1)) * rng.normal(size=len(ts)))
    on = np.flatnonzero(~off)
    if port == 161:
        host.udp(
            "Benign", ts, devices[device], port, None, sent[device] * spread, received[device] * spread, ~off
        )
        return
    service = {502: "modbus", 80: "http", 443: "ssl", 20000: "dnp3_tcp", 22: "ssh"}.get(port)
    few = rng.dirichlet(np.full(len(CLOSED), 0.3))
    host.tcp("Benign", ts[on], devices[device[on]], port, service if rng.random() < 0.7 else None,
             sent[device[on]], received[device[on]], host.between(0.005, 2) * spread[on], CLOSED, few)  # fmt: skip
    gone = np.flatnonzero(off)
    if rng.random() < 0.5:
        host.unanswered("Benign", ts[gone], devices[device[gone]], port, int(rng.integers(1, 5)))
    else:
        host.refused("Benign", ts[gone], devices[device[gone]], port)


def orphan(host: MadeHost) -> None:
    """A device whose maker's server is gone: it asks for its name, tries, and tries again."""
    rng, count = host.rng, int(host.rng.integers(30, 250))
    ts = host.clock(host.between(2, 600), float(rng.choice((0.02, 0.2, 2))), count)
    servers = (host.inside if rng.random() < 0.25 else host.outside)(int(rng.choice((1, 1, 2, 4))))
    port = int(rng.choice((443, 443, 80, 8883, 1883, 5222, 5223, 123, 8443)))
    if rng.random() < 0.7:
        host.lookup(ts - 0.3, float(rng.choice((1.0, 0.9, 0.5))))
    if port == 123:
        none = np.zeros(count, dtype=bool)
        host.udp(
            "Benign", ts, rng.choice(servers, count), 123, "ntp", np.full(count, 48.0), np.zeros(count), none
        )
    elif rng.random() < 0.6:
        host.unanswered("Benign", ts, rng.choice(servers, count), port, int(rng.integers(1, 6)))
    else:
        host.refused("Benign", ts, rng.choice(servers, count), port)


def telemetry(host: MadeHost) -> None:
    """Reports to its maker's server on a beat: over TLS or MQTT a handshake's worth of bytes, or HTTP."""
    rng, count = host.rng, int(host.rng.integers(40, 250))
    ts = host.clock(host.between(10, 1800), float(rng.choice((0.02, 0.2, 0.5))), count)
    port = int(rng.choice((443, 443, 443, 8883, 5223, 5228)))
    peers = rng.choice(host.outside(int(rng.choice((1, 3, 8)))), count)
    if rng.random() < 0.8:
        host.lookup(ts - 0.2)
    few = rng.dirichlet(np.full(len(CLOSED), 0.3))
    service = "ssl" if rng.random() < 0.9 else None
    sent, received = host.between(700, 5000), host.between(3000, 9000)
    if rng.random() < 0.25:
        port, service, sent, received = 80, "http", host.between(120, 1500), host.between(150, 4000)
    seconds = host.between(0.2, 120) * np.exp(0.4 * rng.normal(size=count))
    host.tcp("Benign", ts, peers, port, service, host.sizes(count, sent, 0.4), host.sizes(count, received, 0.4),
             seconds, CLOSED, few)  # fmt: skip


def monitor(host: MadeHost) -> None:
    """Pings hosts and looks whether their ports are open; a few are down."""
    rng, count = host.rng, int(host.rng.integers(80, 400))
    others = host.inside(
        int(rng.choice((1, 2, 5, 20, 60)))
    )  # one: a health check of the service behind a balancer
    rounds = host.clock(host.between(0.3, 600), 0.02, -(-count // len(others)))
    ts = (rounds[:, None] + np.arange(len(others)) * 0.05).ravel()
    who = np.tile(np.arange(len(others)), len(rounds))
    up = rng.random(len(others)) > rng.uniform(0, 0.3)
    if rng.random() < 0.6:
        host.ping("Benign", ts, others[who], int(rng.integers(1, 5)), up[who])
        return
    port = rng.choice((22, 80, 443, 3389, 8080, 445, 25, 10050), len(others))
    on, off = np.flatnonzero(up[who]), np.flatnonzero(~up[who])
    none = np.zeros(len(on))
    held = rng.uniform(0, 1) * host.between(0.05, 100) * np.ones(len(on))
    host.tcp("Benign", ts[on], others[who[on]], port[who[on]], None, none, none, held, NOTHING_SAID)
    host.unanswered("Benign", ts[off], others[who[off]], port[who[off]], 2)


def offline(host: MadeHost) -> None:
    """A host on a network without Internet: its lookups, clocks and updates all go unanswered."""
    rng, count = host.rng, int(host.rng.integers(60, 250))
    ts = host.clock(host.between(1, 60), 2, count)
    kind = rng.choice(3, count, p=rng.dirichlet((3, 1, 2)))
    dns, clock, web = (np.flatnonzero(kind == i) for i in range(3))
    host.lookup(ts[dns], float(rng.choice((0.0, 0.0, 0.3))))
    peers = host.outside(int(rng.integers(2, 12)))
    none = np.zeros(len(clock), dtype=bool)
    host.udp(
        "Benign",
        ts[clock],
        rng.choice(peers, len(clock)),
        123,
        "ntp",
        np.full(len(clock), 48.0),
        np.zeros(len(clock)),
        none,
    )
    host.unanswered(
        "Benign",
        ts[web],
        rng.choice(peers, len(web)),
        rng.choice((443, 80), len(web)),
        int(rng.integers(1, 6)),
    )


def clocks(host: MadeHost) -> None:
    """Sets its clock at a pool of servers, some of which never answer."""
    rng, count = host.rng, int(host.rng.integers(60, 300))
    ts = host.clock(host.between(8, 1024), 0.3, count)
    servers = host.outside(int(rng.integers(1, 30)))
    who = rng.integers(0, len(servers), count)
    alive = rng.random(len(servers)) > rng.choice((0.1, 0.5, 0.9))
    size = np.full(count, 48.0)
    host.udp("Benign", ts, servers[who], 123, "ntp", size, size, alive[who])


def lookups(host: MadeHost) -> None:
    """Resolves in bulk, as a mail server, a crawler or a blocklist's user does: short questions, short answers."""
    rng, count = host.rng, int(host.rng.integers(100, 400))
    ts = host.clock(host.between(0.02, 5), 2, count)
    resolver = rng.choice(np.append(host.outside(int(rng.choice((1, 1, 8)))), host.resolver), count)
    asked = host.sizes(count, host.between(28, 55), 0.2)
    answer = asked + host.sizes(count, host.between(16, 250), 0.8)
    host.udp(
        "Benign", ts, resolver, 53, "dns", asked, answer, rng.random(count) < rng.choice((0.99, 0.95, 0.8))
    )


def browsing(host: MadeHost) -> None:
    """Pages: a lookup, then several connections to a few servers; some fail."""
    rng, pages = host.rng, int(host.rng.integers(10, 60))
    begin = np.cumsum(rng.lognormal(np.log(host.between(3, 90)), 1.0, pages))
    several = 1 + rng.poisson(3, pages)
    host.lookup(begin)
    ts = np.repeat(begin, several) + rng.exponential(0.5, int(several.sum())) + 0.05
    count = len(ts)
    peers = rng.choice(host.outside(int(rng.integers(8, 120))), count)
    kind = rng.choice(4, count, p=(0.72, 0.13, 0.1, 0.05))
    tls, plain, quic, dead = (np.flatnonzero(kind == i) for i in range(4))
    for rows, port, service in ((tls, 443, "ssl"), (plain, 80, "http")):
        host.tcp("Benign", ts[rows], peers[rows], port, service, host.sizes(len(rows), 1500, 0.9),
                 host.sizes(len(rows), 9000, 1.5), rng.lognormal(1.5, 1.5, len(rows)))  # fmt: skip
    packets = np.ceil(host.sizes(len(quic), 12, 1))
    host.udp("Benign", ts[quic], peers[quic], 443, "quic", packets * 300, packets * 900,
             np.ones(len(quic), dtype=bool), packets, rng.lognormal(2, 1, len(quic)))  # fmt: skip
    host.unanswered("Benign", ts[dead], peers[dead], 443, 3)


def mail(host: MadeHost) -> None:
    """A mail server: hands mail to few servers that take it, by and large."""
    rng, count = host.rng, int(host.rng.integers(40, 200))
    ts = host.clock(host.between(5, 300), 2, count)
    peers = rng.choice(host.outside(int(rng.integers(3, 30))), count)
    host.lookup(np.repeat(ts, 2) - 0.5)
    host.tcp("Benign", ts, peers, 25, "smtp", host.sizes(count, 15_000, 1.3), host.sizes(count, 450, 0.3),
             rng.lognormal(1, 0.7, count))  # fmt: skip


def sharing(host: MadeHost) -> None:
    """Shares files among peers: many addresses and ports, TCP and UDP, much that fails and much that is large."""
    rng, count = host.rng, int(host.rng.integers(100, 350))
    ts = host.clock(host.between(0.1, 5), 2, count)
    others = host.outside(int(rng.integers(count // 3 + 1, count + 1)))
    ports = rng.integers(1024, 65536, len(others))
    who = rng.integers(0, len(others), count)
    peers, port = others[who], ports[who]
    kind = rng.choice(4, count, p=rng.dirichlet((3, 2, 2, 3)))
    asked, talk, dead, closed = (np.flatnonzero(kind == i) for i in range(4))
    host.udp("Benign", ts[asked], peers[asked], port[asked], None, host.sizes(len(asked), 105, 0.2),
             host.sizes(len(asked), 290, 0.4), rng.random(len(asked)) < 0.5)  # fmt: skip
    host.tcp("Benign", ts[talk], peers[talk], port[talk], None, host.sizes(len(talk), 20_000, 2),
             host.sizes(len(talk), 200_000, 2), rng.lognormal(4, 1.3, len(talk)))  # fmt: skip
    host.unanswered("Benign", ts[dead], peers[dead], port[dead], 3)
    host.refused("Benign", ts[closed], peers[closed], port[closed])


def calls(host: MadeHost) -> None:
    """Telephony and games: registers on a beat at one server, streams datagrams to a few."""
    rng, count = host.rng, int(host.rng.integers(40, 200))
    ts = host.clock(host.between(15, 120), 0.05, count)
    size = host.between(60, 700)
    server = np.full(count, host.outside(1)[0])
    port = int(rng.choice((5060, 3478, 19302, 27015, 3074, 3544, 4500, 51820, 1194)))
    host.udp("Benign", ts, server, port, None, np.full(count, size), np.full(count, size * rng.uniform(0.5, 2)),
             rng.random(count) < 0.97)  # fmt: skip
    some = int(rng.integers(3, 30))
    packets = np.ceil(host.sizes(some, 3000, 1.3))
    host.udp("Benign", rng.uniform(ts[0], ts[-1], some), host.outside(some), rng.integers(10_000, 65_000, some), None,
             packets * 170, packets * 170, np.ones(some, dtype=bool), packets, packets * 0.02)  # fmt: skip


def office(host: MadeHost) -> None:
    """Work in a domain: a directory, file shares and printers inside, over and over, nearly all of it answered."""
    rng, count = host.rng, int(host.rng.integers(80, 350))
    ts = host.clock(host.between(0.5, 60), 2, count)
    servers = host.inside(int(rng.integers(2, 12)))
    uses = ((445, "smb"), (389, "ldap_tcp"), (88, "krb_tcp"), (135, "dce_rpc"), (9100, None), (3128, "http"),
            (8080, "http"), (443, "ssl"), (3306, None), (1433, None), (22, "ssh"))  # fmt: skip
    which = rng.choice(len(uses), count, p=rng.dirichlet(np.full(len(uses), 0.4)))
    for place, (port, service) in enumerate(uses):
        rows = np.flatnonzero(which == place)
        peers = rng.choice(servers[: 1 + place % len(servers)], len(rows))
        host.tcp("Benign", ts[rows], peers, port, service, host.sizes(len(rows), 2500, 1),
                 host.sizes(len(rows), 4000, 1.2), rng.lognormal(0, 1.5, len(rows)))  # fmt: skip
    gone = ts[rng.random(count) < rng.choice((0.0, 0.02, 0.1))]
    host.unanswered(
        "Benign", gone, np.full(len(gone), host.inside(1)[0]), int(rng.choice((445, 9100, 135))), 3
    )


def announcements(host: MadeHost) -> None:
    """Names and services told to all inside: nobody answers, and nobody should."""
    rng, count = host.rng, int(host.rng.integers(40, 200))
    ts = host.clock(host.between(0.5, 120), 1.2, count)
    groups = (
        (224 << 24) + 251,
        (239 << 24) + (255 << 16) + (255 << 8) + 250,
        (224 << 24) + 252,
        (255 << 24) + 0xFFFFFF,
    )
    which = rng.choice(4, count, p=rng.dirichlet((2, 2, 1, 1)))
    packets = np.ceil(host.sizes(count, 2, float(rng.choice((0.3, 0.7, 1.3)))))
    # Zeek reads names announced to a group as DNS, the search for devices (1900) as nothing it knows.
    for place, (port, service) in enumerate(((5353, "dns"), (1900, None), (5355, "dns"), (137, "dns"))):
        rows = np.flatnonzero(which == place)
        each = packets[rows]
        host.udp("Benign", ts[rows], np.full(len(rows), groups[place]), port, service, each * host.between(40, 300),
                 each * 0, np.zeros(len(rows), dtype=bool), each, each * rng.uniform(0.2, 3))  # fmt: skip


def transfers(host: MadeHost) -> None:
    """Backups and synchronisation: few large transfers, on a beat, to one server."""
    rng, count = host.rng, int(host.rng.integers(30, 120))
    ts = host.clock(host.between(30, 3600), float(rng.choice((0.02, 0.5))), count)
    server = host.inside(1)[0] if rng.random() < 0.5 else host.outside(1)[0]
    size = host.sizes(count, host.between(1e5, 5e8), 1)
    small = host.sizes(count, 4000, 0.8)
    up = rng.random() < 0.6
    host.tcp("Benign", ts, np.full(count, server), int(rng.choice((22, 443, 445, 873, 2049, 21))), None,
             size if up else small, small if up else size, size / host.between(1e5, 5e7) + 0.2)  # fmt: skip


def scanner(host: MadeHost) -> None:
    """A vulnerability scanner of one's own: the ports of hosts inside, host by host or port by port, then pages."""
    rng, count = host.rng, int(host.rng.integers(120, 400))
    others = host.inside(int(rng.integers(2, 40)))
    ports = rng.permutation(_AUDITED)[: int(rng.integers(4, len(_AUDITED) + 1))]
    places = np.arange(count) % (len(others) * len(ports))
    who, which = np.divmod(places, len(ports)) if rng.random() < 0.6 else np.divmod(places, len(others))[::-1]
    ts = host.clock(host.between(0.01, 5), float(rng.choice((0.2, 2))), count)
    outcome = rng.choice(3, (len(others), len(ports)), p=rng.dirichlet((1, 4, 4)))[who, which]
    opened, closed, dropped = (np.flatnonzero(outcome == i) for i in range(3))
    none = np.zeros(len(opened))
    host.tcp("Benign", ts[opened], others[who[opened]], ports[which[opened]], None, none, none,
             none + host.between(0.01, 5), NOTHING_SAID)  # fmt: skip
    host.refused("Benign", ts[closed], others[who[closed]], ports[which[closed]])
    host.unanswered(
        "Benign", ts[dropped], others[who[dropped]], ports[which[dropped]], int(rng.integers(1, 4))
    )
    pages = int(rng.integers(0, 200)) * bool(len(opened))
    web = int(rng.choice((80, 443, 8080)))
    asked = np.full(pages, others[who[opened[0]]] if pages else 0)
    host.tcp("Benign", ts[-1] + host.clock(host.between(0.02, 2), 0.5, pages), asked, web,
             "ssl" if web == 443 else "http", host.sizes(pages, 400, 0.5), host.sizes(pages, 600, 1),
             rng.lognormal(-2, 1, pages))  # fmt: skip


def vpn(host: MadeHost) -> None:
    """A private network's client: one server, all traffic within; it keeps the way open and dials anew when cut off."""
    rng, count = host.rng, int(host.rng.integers(30, 200))
    server = np.full(count, host.outside(1)[0])
    gone = rng.random(count) < rng.choice((0.0, 0.05, 0.5))
    here, away = np.flatnonzero(~gone), np.flatnonzero(gone)
    if rng.random() < 0.6:  # datagrams: a flow ends in the log when nothing has passed for a minute
        ts = host.clock(host.between(60, 1800), float(rng.choice((0.05, 0.5, 2))), count)
        port = int(rng.choice((51820, 1194, 4500, 500, 443)))
        packets = np.ceil(host.sizes(count, host.between(2, 5000), float(rng.choice((0.2, 2)))))
        host.udp("Benign", ts, server, port, None, packets * host.between(32, 900), packets * host.between(32, 1200),
                 ~gone, packets, packets * host.between(0.01, 25))  # fmt: skip
        return
    ts = host.clock(host.between(30, 7200), float(rng.choice((0.05, 2))), count)
    port = int(rng.choice((443, 443, 1194, 1723, 8443)))
    host.tcp("Benign", ts[here], server[here], port, "ssl" if port in {443, 8443} else None,
             host.sizes(len(here), host.between(3000, 1e7), 1), host.sizes(len(here), host.between(4000, 1e8), 1),
             rng.lognormal(np.log(host.between(20, 7200)), 0.8, len(here)))  # fmt: skip
    if rng.random() < 0.5:
        host.unanswered("Benign", ts[away], server[away], port, int(rng.integers(1, 5)))
    else:
        host.refused("Benign", ts[away], server[away], port)
