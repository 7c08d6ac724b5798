"""What some sensors do not log, worked out from what they do: payload bytes and the history of TCP and UDP.

Suricata counts packets and their bytes, headers included, and which TCP flags it saw. Without this a model would miss a
quarter of its features there, and judge the same traffic otherwise than in Zeek's log. A log of Zeek that has these
columns is left as it is: Zeek gives payload bytes wherever it gives a duration above 0, and a history wherever it gives
another state than ``OTH`` (``base/protocols/conn/main.zeek``). How near it comes to what Zeek writes is told in
docs/features.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: Bytes of the headers of a packet: IPv4 (RFC 791) and TCP (RFC 9293), UDP (RFC 768) or ICMP (RFC 792) without options.
_TCP_HEADER, _DATAGRAM_HEADER, _MORE_OVER_IPV6 = 40, 28, 20
#: TCP's options: timestamps in every packet (RFC 7323), and the more that the first one has beside them or alone.
_TIMESTAMPS, _FIRST, _FIRST_ALONE = 12, 8, 12
#: States of a connection that never came about: whatever its packets hold is no payload, and nothing is acknowledged.
_NEVER_BEGAN: Final = ("S0", "REJ")

#: What each state says of a TCP connection's history, as letters; Zeek's documentation of ``conn_state``.
TOLD_BY_STATE: Final = {
    "S0": "S", "REJ": "Sr", "S1": "Sh", "SF": "ShFf", "S2": "ShF", "S3": "Shf", "RSTO": "ShR", "RSTR": "Shr",
    "RSTOS0": "SR", "RSTRH": "hr", "SH": "SF", "SHR": "hf",
}  # fmt: skip
_STATES: Final = (*TOLD_BY_STATE,)
_ESTABLISHED: Final = np.array(["Sh" in letters for letters in TOLD_BY_STATE.values()])
_ENDED_BY: Final = {side: _STATES.index(state) for side, state in enumerate(("RSTO", "RSTR"))}
_NEVER_BEGAN_PLACES: Final = np.array([state in _NEVER_BEGAN for state in _STATES])
#: Letters that depend on more than the state, as bits beside it.
_BITS: Final = ("A", "a", "D", "d")
_OF_UDP: Final = len(_STATES)


def payload_bytes(
    ip_bytes: tuple[Floats, Floats],
    pkts: tuple[Floats, Floats],
    *,
    is_tcp: Mask,
    is_datagram: Mask,
    over_ipv6: Mask,
    never_began: Mask,
) -> tuple[Floats, Floats]:
    """Payload bytes (N,) of both directions, from their IP bytes (N,) and packets (N,); NaN where those are.

    Headers are taken off, of TCP also the options. All packets of a connection carry timestamps or none does; where
    both directions have room for them they are taken to be there, as most systems of today send them.
    ``is_datagram``: UDP and ICMP; ``never_began``: S0 and REJ. Of other protocols nothing is known.
    """
    header = np.where(is_tcp, _TCP_HEADER, np.where(is_datagram, _DATAGRAM_HEADER, np.nan))
    header = header + _MORE_OVER_IPV6 * over_ipv6
    orig, resp = (
        np.maximum(size - header * packets, 0) for size, packets in zip(ip_bytes, pkts, strict=True)
    )
    stamped = (
        (orig >= _TIMESTAMPS * pkts[0]) & (resp >= _TIMESTAMPS * pkts[1]) & (pkts[0] > 0) & (pkts[1] > 0)
    )
    first, second = (
        np.where(is_tcp, _without_options(left, packets, stamped), left)
        for left, packets in ((orig, pkts[0]), (resp, pkts[1]))
    )
    nothing = is_tcp & never_began
    return _none_where(nothing, first), _none_where(nothing, second)


def _without_options(left: Floats, packets: Floats, stamped: Mask) -> Floats:
    with_stamps = np.maximum(left - _TIMESTAMPS * packets - _FIRST, 0)
    return np.where(stamped, with_stamps, np.where(left <= _FIRST_ALONE, 0, left - _FIRST))


def _none_where(nothing: Mask, size: Floats) -> Floats:
    return np.where(nothing & ~np.isnan(size), 0.0, size)


def is_never_begun(state: str) -> bool:
    """Whether a TCP connection of this state carried no payload."""
    return state in _NEVER_BEGAN


def letters(code: int) -> str:
    """The letters of a history that was worked out; ``code`` is one of `history_codes`."""
    at, bits = divmod(code, 1 << len(_BITS))
    told = "" if at == _OF_UDP else TOLD_BY_STATE[_STATES[at]]
    return told + "".join(letter for bit, letter in enumerate(_BITS) if bits >> bit & 1)


#: How many codes `history_codes` has.
HISTORIES: Final = (len(_STATES) + 1) << len(_BITS)


def state_place(state: str) -> int:
    """The place of a state in what `history_codes` takes; -1 for one that says nothing."""
    return _STATES.index(state) if state in TOLD_BY_STATE else -1


def history_codes(
    state: Ints, pkts: tuple[Floats, Floats], payload: tuple[Floats, Floats], *, is_tcp: Mask, is_udp: Mask
) -> Ints:
    """Which letters a history would have (N,), as a code for `letters`; -1 where nothing tells.

    ``state`` (N,) are places (`state_place`). Of UDP every packet is data, of TCP the payload; a side whose packets are
    more than its SYN, one with payload and its reset acknowledged by another one. Of a TCP connection that came about,
    packets and payload must be known.
    """
    told, never_began = state >= 0, _NEVER_BEGAN_PLACES[state]
    sizes = tuple(np.where(is_udp, count, size) for count, size in zip(pkts, payload, strict=True))
    data = [size > 0 for size in sizes]
    acknowledged = [
        is_tcp & _ESTABLISHED[state] & (pkts[side] - data[side] - (state == _ENDED_BY[side]) > 1)
        for side in (0, 1)
    ]
    said = sum(each.astype(np.int32) << bit for bit, each in enumerate((*acknowledged, *data)))
    measured = ~np.isnan(pkts[0] + pkts[1] + sizes[0] + sizes[1])
    known = told & (is_udp & (said > 0) | is_tcp & (never_began | measured))
    place = np.where(is_udp, _OF_UDP, state)
    return np.where(known, (place << len(_BITS)) + said, -1).astype(np.int32)
