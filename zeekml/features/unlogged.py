"""What some sensors do not log, worked out from what they do: payload bytes and the history of TCP and UDP.

Suricata counts packets and their bytes, headers included, and which TCP flags it saw. Without this a model would miss a
tenth of its features there, and judge the same traffic otherwise than in Zeek's log. Zeek's own logs are left as they
are: Zeek gives payload bytes wherever it gives a duration, and a history wherever it gives another state than ``OTH``
(``base/protocols/conn/main.zeek``). How near it comes to what Zeek would have written is told in docs/input.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: Bytes of the headers of a packet: IPv4 (RFC 791) and TCP (RFC 9293), UDP (RFC 768) or ICMP (RFC 792) without options.
_TCP_HEADER, _DATAGRAM_HEADER, _IP_HEADER, _MORE_OVER_IPV6 = 40, 28, 20, 20
#: TCP's options: timestamps in every packet (RFC 7323), and the more that the first one has beside them or alone.
_TIMESTAMPS, _FIRST, _FIRST_ALONE = 12, 8, 12
#: States of a connection that never came about: whatever its packets hold is no payload.
_NOTHING_SAID: Final = ("S0", "REJ")

#: What each state says of a TCP connection's history, as letters; Zeek's documentation of ``conn_state``.
TOLD_BY_STATE: Final = {
    "S0": "S", "REJ": "Sr", "S1": "Sh", "SF": "ShFf", "S2": "ShF", "S3": "Shf", "RSTO": "ShR", "RSTR": "Shr",
    "RSTOS0": "SR", "RSTRH": "hr", "SH": "SF", "SHR": "hf",
}  # fmt: skip
_STATES: Final = (*TOLD_BY_STATE,)
_ESTABLISHED: Final = np.array(["Sh" in letters for letters in TOLD_BY_STATE.values()])
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

    Headers are taken off: of TCP also the options. Timestamps are in all packets of a connection or in none, so they
    are taken off where both directions have room for them. ``is_datagram``: UDP and ICMP; ``never_began``: S0 and REJ.
    """
    header = np.where(is_tcp, _TCP_HEADER, np.where(is_datagram, _DATAGRAM_HEADER, _IP_HEADER))
    header = header + _MORE_OVER_IPV6 * over_ipv6
    orig, resp = (
        np.maximum(size - header * packets, 0) for size, packets in zip(ip_bytes, pkts, strict=True)
    )
    stamped = (orig >= _TIMESTAMPS * pkts[0]) & (resp >= _TIMESTAMPS * pkts[1])
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
    return state in _NOTHING_SAID


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

    ``state`` (N,) are places (`state_place`). A side that sent a second packet acknowledged the other's first one;
    data is payload, and of UDP every packet.
    """
    established = _ESTABLISHED[state] & (state >= 0)
    data = (np.where(is_udp, pkts[0], payload[0]) > 0, np.where(is_udp, pkts[1], payload[1]) > 0)
    bits = (is_tcp & established & (pkts[0] > 1), is_tcp & established & (pkts[1] > 1), *data)
    said = sum(told.astype(np.int32) << bit for bit, told in enumerate(bits))
    place = np.where(is_udp, _OF_UDP, state)
    known = (is_tcp & (state >= 0)) | (is_udp & (said > 0))
    return np.where(known, (place << len(_BITS)) + said, -1).astype(np.int32)
