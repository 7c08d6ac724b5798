"""The context features computed in the plainest way: one connection after the other, in dictionaries and lists.

It shares with the package only what a connection by itself says (failed, answered, DNS, inside) and the names of the
features; windows, idle times, lives of hosts and pairs, and trims are written anew from the description in
``docs/features.md``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

from zeekml.features import StateLimits
from zeekml.features.connection import Connections
from zeekml.table import Table

NAN = math.nan
HOST_WINDOW, PAIR_WINDOW = 32, 8


@dataclass
class Try:
    """One connection as a window remembers it; ``size`` values are eighths of log2(1 + bytes) or None."""

    clock: float
    peer: str
    port: tuple[bool, int]
    new_peer: bool = False
    new_port: bool = False
    failed: bool = False
    inside: bool = False
    dns: bool = False
    sizes: dict[str, int | None] = field(default_factory=dict)


@dataclass
class Pair:
    """What is remembered of one peer, port and protocol."""

    clock: float
    start: float
    used: int = 0
    tries: int = 0
    worked: bool = False
    gaps: list[float] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    sent: list[int | None] = field(default_factory=list)
    received: list[int | None] = field(default_factory=list)


@dataclass
class Host:
    """What is remembered of one host in one life."""

    clock: float
    seen: int = 0
    window: list[Try] = field(default_factory=list)
    pairs: dict[tuple[str, tuple[bool, int], str], Pair] = field(default_factory=dict)


def context(frame: pd.DataFrame, limits: StateLimits) -> list[dict[str, float]]:
    """The host and pair features of a log, a dictionary a connection."""
    said = Connections(Table.of(frame))
    hosts: dict[str, Host] = {}
    found = []
    for i, line in enumerate(frame.to_dict("records")):
        event = line["ts"] + (0 if pd.isna(line["duration"]) else line["duration"])
        name = line["id.orig_h"]
        host = hosts.get(name)
        clock = event if host is None else max(host.clock, event)
        if host is None or clock - host.clock > limits.idle:
            host, gap = Host(clock), NAN
            hosts[name] = host
        else:
            gap = clock - host.clock
        host.clock = clock
        host.seen += 1
        port = (line["proto"] == "icmp", line["id.resp_p"])
        dns = bool(said.is_dns[i])
        this = Try(
            clock, line["id.resp_h"], port,
            failed=bool(said.failed[i]), inside=bool(said.resp_local[i]), dns=dns,
            sizes={
                "dns_query": code(line["orig_bytes"]) if dns else None,
                "dns_answer": code(line["resp_bytes"]) if dns else None,
                "sent": code(line["orig_ip_bytes"]),
                "received": code(line["resp_ip_bytes"]),
            },
        )  # fmt: skip
        values = of_host(host, this, gap)
        key = (this.peer, port, str(line["proto"]))
        pair = host.pairs.get(key)
        if pair is None or clock - pair.clock > limits.idle:
            pair = host.pairs[key] = Pair(clock, NAN)
        values |= of_pair(pair, line, this, worked=bool(said.worked[i]))
        pair.clock, pair.used = clock, host.seen
        if host.seen % limits.trim_every == 0:
            kept = sorted(host.pairs.items(), key=lambda item: -item[1].used)[: limits.trim_to]
            host.pairs = dict(kept)
        found.append(values)
    return found


def of_host(host: Host, this: Try, gap: float) -> dict[str, float]:
    """Features of the host's window with this connection, which is added to it."""
    earlier = host.window[-(HOST_WINDOW - 1) :]
    this.new_peer = all(t.peer != this.peer for t in earlier)
    this.new_port = all(t.port != this.port for t in earlier)
    window = [*earlier, this]
    host.window = window

    def share(test: list[bool]) -> float:
        return sum(test) / len(window)

    def size(name: str) -> float:
        known = [s for t in window if (s := t.sizes[name]) is not None]
        return mean(known) / 8 if known else NAN

    pace = (this.clock - window[0].clock) * 1000 / (len(window) - 1) if len(window) > 1 else NAN
    return {
        "host_gap": math.log1p(gap * 1000),
        "host_pace": math.log1p(pace),
        "host_new_peers": share([t.new_peer for t in window]),
        "host_same_peer": share([t.peer == this.peer for t in window]),
        "host_new_ports": share([t.new_port for t in window]),
        "host_same_port": share([t.port == this.port for t in window]),
        "host_failed": share([t.failed for t in window]),
        "host_failed_new": share([t.failed and t.new_peer for t in window]),
        "host_inside": share([t.inside for t in window]),
        "host_dns": share([t.dns for t in window]),
        **{f"host_{name}": size(name) for name in ("dns_query", "dns_answer", "sent", "received")},
    }


def of_pair(pair: Pair, line: Mapping[Hashable, Any], this: Try, *, worked: bool) -> dict[str, float]:
    """Features of the pair with this try, which is added to it."""
    gap = abs(line["ts"] - pair.start)
    pair.gaps = [*pair.gaps, gap][-PAIR_WINDOW:]
    pair.failed = [*pair.failed, this.failed][-PAIR_WINDOW:]
    pair.sent = [*pair.sent, code(line["orig_bytes"])][-PAIR_WINDOW:]
    pair.received = [*pair.received, code(line["resp_bytes"])][-PAIR_WINDOW:]
    gaps = sorted(g for g in pair.gaps if not math.isnan(g))
    middle = quantile(gaps, 0.5)
    values = {
        "pair_new": float(pair.tries == 0),
        "pair_tries": min(math.log2(pair.tries + 1), 10.0),
        "pair_failed": mean(map(float, pair.failed)),
        "pair_worked": float(pair.worked),
        "pair_gap": math.log1p(gap * 1000),
        "pair_gap_median": math.log1p(middle * 1000),
        "pair_gap_spread": (
            min((quantile(gaps, 0.75) - quantile(gaps, 0.25)) / (middle + 0.01), 10.0)
            if len(gaps) > 2
            else NAN
        ),
        "pair_sent_spread": deviation(pair.sent),
        "pair_received_spread": deviation(pair.received),
    }
    pair.start = line["ts"]
    pair.tries += 1
    pair.worked = pair.worked or worked
    return values


def quantile(ordered: list[float], share: float) -> float:
    """The value at this share of an ordered list, the nearest one (halves to even); NaN of nothing."""
    return ordered[round((len(ordered) - 1) * share)] if ordered else NAN


def deviation(codes: list[int | None]) -> float:
    """Standard deviation of sizes, NaN below two known ones."""
    known = [c for c in codes if c is not None]
    return float(np.std(known)) / 8 if len(known) > 1 else NAN


def code(size: float) -> int | None:
    """A size in eighths of log2(1 + bytes)."""
    return None if pd.isna(size) else round(math.log2(1 + min(size, 2.0**30)) * 8)
