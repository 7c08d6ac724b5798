"""What the judges need to know of each connection, as bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled
from zeekml.table import Frame, Labels, Table, Texts
from zeekml.text_kernels import GROUP, PRIVATE

Flags = npt.NDArray[np.int32]
Said = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]

KNOWN: Final = 1 << 0  # the history is set
BAD: Final = 1 << 1  # a packet with a bad checksum, from either side
TCP: Final = 1 << 2
UNICAST: Final = 1 << 3  # TCP or UDP to one host: neither multicast nor broadcast
ANSWERED: Final = 1 << 4  # the responder sent something
DATA: Final = 1 << 5  # payload from either side
BOTH_DATA: Final = 1 << 6  # payload from both sides
MISSED: Final = 1 << 7  # bytes of the payload were not seen
HALF: Final = 1 << 8  # only one side of a conversation was seen
REVERSED: Final = 1 << 9  # begins in the middle, at the side of the service
INSIDE: Final = 1 << 10  # the originator is local
OUTWARD: Final = 1 << 11  # from inside to outside

# What the texts of a connection say; KNOWN, BAD, TCP and ANSWERED among it.
_STARTED: Final = 1 << 12  # the history has the beginning
_GOES_ON: Final = 1 << 13  # ... a side that went on after it
_ONE_SIDE: Final = 1 << 14  # ... nothing but one side
_RESPONSE: Final = 1 << 15  # only a response was seen
_PORTS: Final = 1 << 16  # TCP or UDP
_TO_GROUP: Final = 1 << 17
_FROM_PRIVATE: Final = 1 << 18
_TO_PRIVATE: Final = 1 << 19

_SERVICE_PORTS: Final = 1024  # those below are no system's choice for a connection of its own (RFC 6335)
_ANSWERED_STATES: Final = frozenset(("SF", "S1", "S2", "S3", "RSTO", "RSTR", "RSTRH", "REJ", "SHR"))
_FEWEST_HALF: Final = 3
"""Packets of a side that is alone: a flood or a stray answer is one or two, and nobody looked away."""


def flags_of(frame: Frame) -> Flags:
    """The bits of N connections of the batch schema, (N,) int32."""
    table = Table.of(frame)
    told = _bits(table.label("history"), lambda texts: [*map(_letters, texts)])
    told |= _bits(table.label("conn_state"), lambda texts: [*map(_state, texts)])
    told |= _bits(table.label("proto"), lambda texts: [*map(_protocol, texts)])
    told |= _bits(table.label("id.orig_h"), lambda texts: _end(texts, _FROM_PRIVATE, 0))
    told |= _bits(table.label("id.resp_h"), lambda texts: _end(texts, _TO_PRIVATE, _TO_GROUP))
    flags = np.empty(len(table), dtype=np.int32)
    _combine(
        told,
        table.said("local_orig"),
        table.said("local_resp"),
        table.port("id.orig_p"),
        table.port("id.resp_p"),
        table.number("orig_bytes"),
        table.number("resp_bytes"),
        table.number("missed_bytes"),
        table.number("orig_pkts"),
        table.number("resp_pkts"),
        flags,
    )
    return flags


@compiled(
    "void(i4[::1], i1[::1], i1[::1], Array(i4, 1, 'C', readonly=True), Array(i4, 1, 'C', readonly=True),"
    "Array(f8, 1, 'C', readonly=True), Array(f8, 1, 'C', readonly=True), Array(f8, 1, 'C', readonly=True),"
    "Array(f8, 1, 'C', readonly=True), Array(f8, 1, 'C', readonly=True), i4[::1])"
)
def _combine(
    told: Flags,
    local_orig: Said,
    local_resp: Said,
    orig_port: Flags,
    resp_port: Flags,
    orig_bytes: Floats,
    resp_bytes: Floats,
    missed_bytes: Floats,
    orig_pkts: Floats,
    resp_pkts: Floats,
    flags: Flags,
) -> None:
    """``flags`` (N,) from what the texts say (``told``) and the numbers; unset: -1 in what is said of the ends, NaN in
    numbers. What a log says of an end goes before what its address is."""
    for i in range(len(flags)):
        said = told[i]
        found = said & (KNOWN | BAD | TCP | ANSWERED)
        to_one = said & (_PORTS | _TO_GROUP) == _PORTS
        whole = said & (KNOWN | BAD) == KNOWN
        if to_one:
            found |= UNICAST
        if resp_pkts[i] > 0:
            found |= ANSWERED
        if orig_bytes[i] > 0 or resp_bytes[i] > 0:
            found |= DATA
        if orig_bytes[i] > 0 and resp_bytes[i] > 0:
            found |= BOTH_DATA
        if missed_bytes[i] > 0:
            found |= MISSED
        # A packet of the handshake alone proves nothing: a scan looks like that. One side that goes on does.
        alone = said & (TCP | _GOES_ON | _ONE_SIDE) == TCP | _GOES_ON | _ONE_SIDE
        alone = alone and (orig_pkts[i] >= _FEWEST_HALF or resp_pkts[i] >= _FEWEST_HALF)
        if to_one and whole and (alone or said & _RESPONSE):
            found |= HALF
        midstream = whole and said & (TCP | _STARTED) == TCP
        if midstream and orig_port[i] < _SERVICE_PORTS and resp_port[i] >= _SERVICE_PORTS:
            found |= REVERSED
        if local_orig[i] == 1 or (local_orig[i] < 0 and said & _FROM_PRIVATE):
            found |= INSIDE
            if not (local_resp[i] == 1 or (local_resp[i] < 0 and said & _TO_PRIVATE)):
                found |= OUTWARD
        flags[i] = found


@lru_cache(maxsize=1 << 14)
def _letters(history: str) -> int:
    letters = set(history)
    sides = (letters - {"C", "c"}) & _UPPER, (letters - {"C", "c"}) & _LOWER
    told = (
        (KNOWN, True),
        (BAD, letters & {"C", "c"}),
        (_STARTED, letters & {"S", "s", "H", "h"}),
        (_GOES_ON, letters & {"A", "D", "F", "a", "d", "f"}),
        (ANSWERED, sides[1]),
        (_ONE_SIDE, bool(sides[0]) != bool(sides[1])),
    )
    return sum(bit for bit, true in told if true)


_UPPER: Final = frozenset(ascii_uppercase)
_LOWER: Final = frozenset(ascii_lowercase)


def _state(state: str) -> int:
    return ANSWERED * (state in _ANSWERED_STATES) | _RESPONSE * (state == "SHR")


def _protocol(proto: str) -> int:
    return TCP * (proto == "tcp") | _PORTS * (proto in ("tcp", "udp"))


def _end(addresses: Texts, private: int, group: int) -> Flags:
    kinds = addresses.kinds
    return np.asarray(((kinds & PRIVATE) > 0) * np.int32(private) | ((kinds & GROUP) > 0) * np.int32(group))


def _bits(labels: Labels, of: Callable[[Texts], npt.ArrayLike]) -> Flags:
    """The bits of each row by its text; none where unset."""
    return labels.each(np.asarray(of(labels.texts), dtype=np.int32), 0)
