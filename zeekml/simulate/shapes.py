"""The shapes a connection can take, with the counts, states and histories Zeek would write for each.

A shape takes when, who and how much, and fills in what follows from it: packets from payload bytes,
IP bytes from packets, ``conn_state`` and ``history`` from how it ended. History letters are those of
Zeek's ``Conn::Info``: upper case from the originator, lower case from the responder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zeekml.simulate.table import (
    F64,
    HISTORIES,
    I64,
    MICROSECONDS,
    PROTOS,
    SERVICES,
    STATES,
    UNSET,
    Codes,
    Connections,
    Mask,
)

SEGMENT = 1448  # payload bytes of a full TCP segment with timestamps
TCP_HEADER = 52  # IP and TCP with timestamps
SYN_PACKET = 60  # an ordinary SYN with options; a raw one, as scanners send, is 40
UDP_HEADER = 28
EPHEMERAL = (32768, 61000)

TCP, UDP, ICMP = range(len(PROTOS))


@dataclass(frozen=True, slots=True)
class Who:
    """Both ends of N connections that start at ``ts`` (microseconds), and their true label."""

    ts: I64
    orig_h: I64
    resp_h: I64
    resp_p: I64
    label: int = 0

    def __len__(self) -> int:
        return len(self.ts)


Payload = tuple[I64, I64]
"""Bytes from the originator and from the responder."""

Ending = tuple[str, str, float]
"""A ``conn_state``, its ``history`` and how often it occurs, relative to the others."""

CLOSED: tuple[Ending, ...] = (
    ("SF", "ShADadFf", 70),
    ("SF", "ShADadfF", 12),
    ("SF", "ShADadtFf", 3),
    ("RSTO", "ShADadR", 5),
    ("RSTR", "ShADadFr", 4),
    ("S1", "ShADad", 4),
    ("S3", "ShADadf", 2),
)
SERVER_FIRST: tuple[Ending, ...] = (("SF", "ShAdDaFf", 88), ("S1", "ShAdDa", 7), ("S3", "ShAdDaf", 5))
STAYING: tuple[Ending, ...] = (
    ("S1", "ShADad", 45),
    ("S3", "ShADadf", 10),
    ("SF", "ShADadFf", 30),
    ("RSTR", "ShADadr", 15),
)


def tcp_session(
    rng: np.random.Generator,
    who: Who,
    service: str | None,
    payload: Payload,
    seconds: F64,
    *,
    endings: tuple[Ending, ...] = CLOSED,
) -> Connections:
    """TCP connections that were set up and carried data both ways (bytes at least 1, seconds above 0)."""
    count = len(who)
    orig_bytes, resp_bytes = payload
    weights = np.array([weight for _, _, weight in endings])
    chosen = rng.choice(len(endings), count, p=weights / weights.sum())
    state = np.array([STATES.index(name) for name, _, _ in endings], dtype=np.uint8)[chosen]
    history = np.array([HISTORIES.index(name) for _, name, _ in endings], dtype=np.uint8)[chosen]
    orig_data, resp_data = -(-orig_bytes // SEGMENT), -(-resp_bytes // SEGMENT)
    orig_pkts = 3 + orig_data + resp_data // 2 + rng.integers(0, 2, count)
    resp_pkts = 2 + resp_data + orig_data // 2 + rng.integers(0, 2, count)
    return _table(
        rng, who, TCP, service, state=state, history=history,
        duration=np.maximum((seconds * MICROSECONDS).astype(np.int64), 1),
        payload=payload,
        packets=(orig_pkts, resp_pkts),
        ip_bytes=(orig_bytes + orig_pkts * TCP_HEADER + 8, resp_bytes + resp_pkts * TCP_HEADER + 8),
    )  # fmt: skip


def tcp_unanswered(rng: np.random.Generator, who: Who, tries: I64, syn: int = SYN_PACKET) -> Connections:
    """SYNs without an answer, repeated after 1, 2, 4, ... s: state S0; one packet alone has no duration."""
    several = tries > 1
    waited = (2.0 ** (tries - 1) - 1) + rng.uniform(0.0, 0.12, len(who))
    nothing = np.where(several, 0, UNSET)
    zero = np.zeros(len(who), dtype=np.int64)
    return _table(
        rng, who, TCP, None, state=_all(who, STATES.index("S0")), history=_all(who, HISTORIES.index("S")),
        duration=np.where(several, (waited * MICROSECONDS).astype(np.int64), UNSET),
        payload=(nothing, nothing),
        packets=(tries, zero),
        ip_bytes=(tries * syn, zero),
    )  # fmt: skip


def tcp_refused(rng: np.random.Generator, who: Who, syn: int = SYN_PACKET) -> Connections:
    """A SYN answered by a reset: state REJ, one packet each way."""
    one = np.ones(len(who), dtype=np.int64)
    return _table(
        rng, who, TCP, None, state=_all(who, STATES.index("REJ")), history=_all(who, HISTORIES.index("Sr")),
        duration=round_trips(rng, len(who)),
        payload=(one * 0, one * 0),
        packets=(one, one),
        ip_bytes=(one * syn, one * 40),
    )  # fmt: skip


def tcp_half_open(rng: np.random.Generator, who: Who, syn: int = SYN_PACKET) -> Connections:
    """A SYN answered and then left alone, as a scanner does: state S1, history ``Sh``."""
    one = np.ones(len(who), dtype=np.int64)
    return _table(
        rng, who, TCP, None, state=_all(who, STATES.index("S1")), history=_all(who, HISTORIES.index("Sh")),
        duration=round_trips(rng, len(who)),
        payload=(one * 0, one * 0),
        packets=(one, one),
        ip_bytes=(one * syn, one * 44),
    )  # fmt: skip


def udp_exchange(
    rng: np.random.Generator, who: Who, service: str | None, payload: Payload, packets: I64
) -> Connections:
    """Datagrams both ways, ``packets`` each: state SF; ``payload`` is that of all of them."""
    orig_bytes, resp_bytes = payload
    return _table(
        rng, who, UDP, service, state=_all(who, STATES.index("SF")), history=_all(who, HISTORIES.index("Dd")),
        duration=round_trips(rng, len(who)) * packets,
        payload=payload,
        packets=(packets, packets),
        ip_bytes=(orig_bytes + packets * UDP_HEADER, resp_bytes + packets * UDP_HEADER),
    )  # fmt: skip


def udp_unanswered(
    rng: np.random.Generator, who: Who, service: str | None, size: I64, packets: I64
) -> Connections:
    """Datagrams of ``size`` bytes without an answer: state S0; one alone has neither duration nor bytes."""
    several = packets > 1
    zero = np.zeros(len(who), dtype=np.int64)
    waited = rng.uniform(4.8, 5.2, len(who)) * (packets - 1)
    return _table(
        rng, who, UDP, service, state=_all(who, STATES.index("S0")), history=_all(who, HISTORIES.index("D")),
        duration=np.where(several, (waited * MICROSECONDS).astype(np.int64), UNSET),
        payload=(np.where(several, size * packets, UNSET), np.where(several, 0, UNSET)),
        packets=(packets, zero),
        ip_bytes=(packets * (size + UDP_HEADER), zero),
    )  # fmt: skip


def icmp_echo(rng: np.random.Generator, who: Who, packets: I64, answered: Mask) -> Connections:
    """Echo requests a second apart, 56 bytes each: state OTH, ports are type 8 and code 0, no history."""
    replies = np.where(answered, packets, 0)
    lasting = answered | (packets > 1)
    duration = (packets - 1) * MICROSECONDS + np.where(answered, round_trips(rng, len(who)), 0)
    return _table(
        rng, who, ICMP, None, state=_all(who, STATES.index("OTH")), history=_all(who, 0),
        duration=np.where(lasting, duration, UNSET),
        payload=(np.where(lasting, packets * 56, UNSET), np.where(lasting, replies * 56, UNSET)),
        packets=(packets, replies),
        ip_bytes=(packets * 84, replies * 84),
        orig_p=np.full(len(who), 8, dtype=np.int64),
    )  # fmt: skip


def round_trips(rng: np.random.Generator, count: int) -> I64:
    """Round-trip times in microseconds: log-normal, median 25 ms."""
    return np.maximum(rng.lognormal(np.log(25_000), 0.6, count), 200).astype(np.int64)


def sizes(rng: np.random.Generator, count: int, median: float, spread: float) -> I64:
    """Log-normal payload sizes in bytes, at least 1 and at most 4 GB."""
    return np.clip(rng.lognormal(np.log(median), spread, count), 1, 4e9).astype(np.int64)


def _all(who: Who, code: int) -> Codes:
    return np.full(len(who), code, dtype=np.uint8)


def _table(
    rng: np.random.Generator,
    who: Who,
    proto: int,
    service: str | None,
    *,
    state: Codes,
    history: Codes,
    duration: I64,
    payload: tuple[I64, I64],
    packets: tuple[I64, I64],
    ip_bytes: tuple[I64, I64],
    orig_p: I64 | None = None,
) -> Connections:
    return Connections(
        ts=who.ts,
        duration=duration,
        orig_h=who.orig_h,
        orig_p=rng.integers(*EPHEMERAL, len(who)) if orig_p is None else orig_p,
        resp_h=who.resp_h,
        resp_p=who.resp_p,
        proto=_all(who, proto),
        service=_all(who, SERVICES.index(service)),
        conn_state=state,
        history=history,
        orig_bytes=payload[0],
        resp_bytes=payload[1],
        orig_pkts=packets[0],
        orig_ip_bytes=ip_bytes[0],
        resp_pkts=packets[1],
        resp_ip_bytes=ip_bytes[1],
        label=_all(who, who.label),
        number=np.zeros(len(who), dtype=np.uint64),
    )
