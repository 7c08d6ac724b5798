"""Hosts that look like a site's own monitoring, scanners and proxies, proposed for the allowlist. Pure.

A proposal is for a person to decide on: a worm inside looks like a scanner of one's own. Nothing takes it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from zeekml.baseline.content import Proposal

EVEN: Final = 0.3
"""The deviation of the gaps, as a share of their mean, below which connections come evenly."""
EVEN_TIMES: Final = 8
"""Connections from which on that is told."""

_POLLED: Final = 8
_POLLING: Final = 0.5
_FEWEST_SCANNED: Final = 50
_SCAN_FAILS: Final = 0.5
_SCAN_INSIDE: Final = 0.95
_FEWEST_OUTWARD: Final = 48
_CLIENTS: Final = 3
_CARRIED: Final = 0.8
_THROUGH: Final = 0.6


def proposals(pairs: pd.DataFrame) -> tuple[Proposal, ...]:
    """Entries for the allowlist, from who talks to whom (`Gathered.pairs`)."""
    if pairs.empty:
        return ()
    found = [*_proxies(pairs), *_monitors(pairs), *_scanners(pairs)]
    return tuple(Proposal(reason=reason, networks=(host,)) for host, reason in found)


def evenly(pairs: pd.DataFrame) -> pd.Series:
    """Which pairs have connections that come evenly (N,)."""
    return (pairs["connections"] >= EVEN_TIMES) & (pairs["spread"] < EVEN) & (pairs["every"] >= 1)


def _monitors(pairs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Hosts most of whose connections go evenly to many hosts inside."""
    polled = pairs[evenly(pairs) & pairs["inside"]]
    total = pairs.groupby("id.orig_h")["connections"].sum()
    for host, mine in polled.groupby("id.orig_h", sort=True):
        peers, share = mine["id.resp_h"].nunique(), mine["connections"].sum() / total[host]
        if peers >= _POLLED and share >= _POLLING:
            yield (
                str(host),
                f"monitoring: polls {peers:,} hosts inside at even times, as a median every "
                f"{mine['every'].median():.0f} s, on {_ports(mine)}; {share:.0%} of its connections",
            )


def _scanners(pairs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Hosts that try many hosts inside, mostly in vain, and hardly anything outside."""
    for host, mine in pairs.groupby("id.orig_h", sort=True):
        inside = mine[mine["inside"]]
        hosts, tries = inside["id.resp_h"].nunique(), inside["connections"].sum()
        if hosts < _FEWEST_SCANNED or tries < _SCAN_INSIDE * mine["connections"].sum():
            continue
        failed = inside["failed"].sum() / tries
        if failed >= _SCAN_FAILS:
            yield (
                str(host),
                f"a scanner of your own, if you know it (a worm looks alike): tries {hosts:,} hosts inside on "
                f"{inside['id.resp_p'].nunique():,} ports, most on {_ports(inside)}; {failed:.0%} came to nothing",
            )


def _proxies(pairs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The host that makes nearly all connections outward, and that the others talk to."""
    outward = pairs[~pairs["inside"] & (pairs["failed"] < pairs["connections"])]
    by_host = outward.groupby("id.orig_h")["connections"].sum()
    if by_host.sum() < _FEWEST_OUTWARD:
        return
    host, carried = str(by_host.idxmax()), by_host.max() / by_host.sum()
    others = pairs[pairs["id.orig_h"] != host]
    to_it = others[others["id.resp_h"] == host]
    clients, through = (
        to_it["id.orig_h"].nunique(),
        to_it["connections"].sum() / max(1, others["connections"].sum()),
    )
    if carried >= _CARRIED and clients >= _CLIENTS and through >= _THROUGH:
        yield (
            host,
            f"a proxy: makes {carried:.0%} of the connections outward, for {clients:,} hosts inside; what it sends is "
            "theirs, watch it before the proxy",
        )


def _ports(mine: pd.DataFrame) -> str:
    """The three ports with the most connections."""
    by_port = mine.groupby(["id.resp_p", "proto"], observed=True)["connections"].sum()
    return ", ".join(f"{port}/{proto}" for port, proto in by_port.sort_values(ascending=False).index[:3])
