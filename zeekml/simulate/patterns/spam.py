"""A spam bot: mail to many servers in bursts, most of it turned away."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.addresses import public_addresses
from zeekml.simulate.arrivals import HOUR, Span, in_bursts
from zeekml.simulate.network import Network
from zeekml.simulate.patterns.pattern import lookups, same
from zeekml.simulate.shapes import SERVER_FIRST, Who, sizes, tcp_refused, tcp_session, tcp_unanswered
from zeekml.simulate.table import I64, SPAM, Connections


def spam(network: Network, hosts: I64, span: Span, rng: np.random.Generator) -> list[Connections]:
    """Five minutes an hour, a mail every two seconds: a lookup (benign in itself), then SMTP on port 25
    to a server never seen."""
    who, ts = in_bursts(
        rng, len(hosts), span, network.start, every=HOUR, after=600, lasting=300, per_second=0.5
    )
    looked_up = lookups(rng, network, hosts[who], ts)
    fate = rng.choice(4, len(ts), p=(0.45, 0.25, 0.1, 0.2))
    server = public_addresses(rng, len(ts))
    sent, turned_away, refused, silent = (
        Who(looked_up.ends[rows] + 900, hosts[who[rows]], server[rows], same(25, len(rows)), SPAM)
        for rows in (np.flatnonzero(fate == code) for code in range(4))
    )
    return [
        looked_up,
        tcp_session(rng, sent, "smtp",
                    (sizes(rng, len(sent), 2400, 0.7), rng.integers(260, 480, len(sent))),
                    rng.lognormal(np.log(3), 0.7, len(sent)), endings=SERVER_FIRST),
        tcp_session(rng, turned_away, "smtp",
                    (rng.integers(40, 120, len(turned_away)), rng.integers(120, 420, len(turned_away))),
                    rng.uniform(0.4, 4, len(turned_away)), endings=SERVER_FIRST),
        tcp_refused(rng, refused),
        tcp_unanswered(rng, silent, rng.integers(1, 4, len(silent))),
    ]  # fmt: skip
