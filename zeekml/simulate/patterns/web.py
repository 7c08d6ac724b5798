"""People at a browser: visits of several pages, every page a lookup and connections to several peers."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.arrivals import Span, at_random, daily_activity, group_sums, microseconds
from zeekml.simulate.network import SITES, Network
from zeekml.simulate.patterns.pattern import lookups, same
from zeekml.simulate.shapes import Who, sizes, tcp_session, tcp_unanswered, udp_exchange
from zeekml.simulate.table import I64, Connections

VISITS_PER_HOUR = 5.0
THINKING = (18.0, 1.0)  # median seconds between pages, and the spread of its logarithm


def browsing(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """DNS, then TLS, QUIC or plain HTTP to the site and its neighbours; log-normal sizes and think times."""
    who, visit = at_random(rng, len(hosts), span, VISITS_PER_HOUR * daily_activity(span.start))
    pages = rng.geometric(0.25, len(visit))
    pause = rng.lognormal(np.log(THINKING[0]), THINKING[1], int(pages.sum()))
    page = np.repeat(visit, pages) + microseconds(group_sums(pages, pause))
    reader = np.repeat(hosts[who], pages)
    looked_up = lookups(rng, network, reader, page)

    peers = 1 + rng.poisson(1.8, len(page))
    total = int(peers.sum())
    ts = np.repeat(looked_up.ends, peers) + microseconds(rng.exponential(0.35, total))
    site = np.repeat(network.pick_sites(rng, len(page)), peers)
    neighbour = np.where(rng.random(total) < 0.55, 0, rng.integers(1, 9, total))
    peer = network.sites[(site + neighbour) % SITES]
    return [looked_up, *_fetches(rng, np.repeat(reader, peers), ts, peer)]


def _fetches(rng: np.random.Generator, hosts: I64, ts: I64, peers: I64) -> list[Connections]:
    kind = rng.choice(4, len(ts), p=(0.74, 0.10, 0.14, 0.02))

    def of(code: int, port: int) -> Who:
        rows = np.flatnonzero(kind == code)
        return Who(ts[rows], hosts[rows], peers[rows], same(port, len(rows)))

    tls, quic, plain, dead = of(0, 443), of(1, 443), of(2, 80), of(3, 443)
    return [
        tcp_session(rng, tls, "ssl",
                    (sizes(rng, len(tls), 1400, 0.8) + 500, sizes(rng, len(tls), 9000, 1.5) + 2500),
                    rng.lognormal(np.log(6), 1.6, len(tls))),
        udp_exchange(rng, quic, "quic,ssl",
                     (sizes(rng, len(quic), 5000, 1.0) + 1200, sizes(rng, len(quic), 40_000, 1.5) + 1200),
                     rng.integers(6, 60, len(quic))),
        tcp_session(rng, plain, "http",
                    (sizes(rng, len(plain), 420, 0.5), sizes(rng, len(plain), 4000, 1.6) + 120),
                    rng.lognormal(np.log(1.5), 1.5, len(plain))),
        tcp_unanswered(rng, dead, rng.integers(1, 6, len(dead))),
    ]  # fmt: skip
