"""Features of one connection by itself: sizes, rates, protocol, state, history, ports, direction.

Nothing here tells one sensor from another: checksum marks (``C``/``c``) in the history, the state ``OTH`` that they
lead to and ``missed_bytes`` are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zeekml.addresses import group_mask, ipv6_mask, local_mask
from zeekml.features import unlogged
from zeekml.features.kernels.connection import connection_rows
from zeekml.features.layout import Feature, flag, number
from zeekml.table import Labels, Mask, Table

Floats = NDArray[np.float32]
Sizes = NDArray[np.float64]
Codes = NDArray[np.int32]

PROTOS = ("tcp", "udp", "icmp")
STATES = ("S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR")
#: States of a connection that its peer refused or never answered (Zeek's documentation of ``conn_state``).
FAILED_STATES = ("S0", "REJ", "RSTOS0", "SH")

SERVICES: dict[str, tuple[str, ...]] = {
    "http": ("http",),
    "tls": ("ssl", "tls", "quic"),
    "dns": ("dns",),
    "ssh": ("ssh",),
    "mail": ("smtp", "imap", "pop3"),
    "irc": ("irc",),
    "ftp": ("ftp", "ftp-data", "tftp"),
    "windows": ("smb", "gssapi", "ntlm", "krb", "krb_tcp", "dce_rpc", "ldap_tcp", "ldap_udp", "ldap", "rdp"),
    "ntp": ("ntp",),
    "dhcp": ("dhcp",),
    "industrial": ("modbus", "dnp3_tcp", "dnp3_udp", "dnp3"),
}

#: Responder ports that stand for a use, by name; any other port is only known by its range.
PORTS: dict[str, tuple[int, ...]] = {
    "telnet": (23, 2323),
    "ssh": (22, 2222),
    "mail": (25, 465, 587, 110, 995, 143, 993),
    "dns": (53,),
    "http": (80,),
    "https": (443,),
    "web_other": (81, 8000, 8080, 8081, 8443, 8888),
    "smb": (135, 139, 445),
    "rdp": (3389, 5900),
    "irc": (6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 7000),
    "ntp": (123,),
    "dhcp": (67, 68, 546, 547),
    "local_names": (137, 138, 1900, 3702, 5353, 5355),
    "management": (161, 162, 514),
    "database": (1433, 1521, 3306, 5432, 6379, 27017),
    "device_exploit": (5555, 7547, 37215, 52869, 60001),
    "industrial": (102, 502, 2404, 20000, 44818),
}
_PORT_WORDS = {
    "telnet": "a telnet port", "ssh": "an SSH port", "mail": "a mail port", "dns": "a DNS port", "http": "an HTTP port",
    "https": "an HTTPS port", "web_other": "another web port", "smb": "an SMB port", "rdp": "a remote desktop's port",
    "irc": "an IRC port", "ntp": "an NTP port", "dhcp": "a DHCP port", "local_names": "a port of local names",
    "management": "a management port", "database": "a database port", "device_exploit": "a port of device exploits",
    "industrial": "an industrial port",
}  # fmt: skip
RANGES: dict[str, tuple[int, int]] = {
    "system": (0, 1023),
    "registered": (1024, 49151),
    "dynamic": (49152, 65535),
}

HISTORY = {"orig": "SHADFRITW", "resp": "hadfritw"}
_HISTORY_WORDS = {
    "s": "a SYN", "h": "a SYN-ACK", "a": "an ACK", "d": "data", "f": "a FIN", "r": "a RST",
    "i": "inconsistent packets", "t": "retransmissions", "w": "a zero window",
}  # fmt: skip

FEATURES: tuple[Feature, ...] = (
    number("duration", "duration", "log1p(x * 1000)", "ms", "duration"),
    number("orig_bytes", "orig_bytes", "log1p", "bytes", "bytes sent"),
    number("resp_bytes", "resp_bytes", "log1p", "bytes", "bytes received"),
    number("orig_pkts", "orig_pkts", "log1p", "packets", "packets sent"),
    number("resp_pkts", "resp_pkts", "log1p", "packets", "packets received"),
    number("orig_ip_bytes", "orig_ip_bytes", "log1p", "bytes", "IP bytes sent"),
    number("resp_ip_bytes", "resp_ip_bytes", "log1p", "bytes", "IP bytes received"),
    number("orig_pkt_size", "orig_ip_bytes orig_pkts", "x / packets", "bytes", "size of packets sent"),
    number("resp_pkt_size", "resp_ip_bytes resp_pkts", "x / packets", "bytes", "size of packets received"),
    number(
        "pkt_rate", "orig_pkts resp_pkts duration", "log1p(x / (duration + 1 ms))", "packets/s", "packet rate"
    ),
    number("byte_ratio", "orig_ip_bytes resp_ip_bytes", "log1p(a) - log1p(b)", "1", "sent against received"),
    number(
        "payload_share", "orig_bytes orig_ip_bytes", "x / IP bytes", "1", "share of payload in what was sent"
    ),
    *(flag(f"proto_{p}", "proto", f"protocol {p}") for p in PROTOS),
    flag("service_none", "service", "no known service"),
    *(flag(f"service_{s}", "service", f"service {s}") for s in SERVICES),
    flag("service_other", "service", "an uncommon service"),
    *(flag(f"state_{s}", "conn_state", f"state {s}") for s in STATES),
    *(
        flag(f"orig_{h.lower()}", "history", f"originator: {_HISTORY_WORDS[h.lower()]}")
        for h in HISTORY["orig"]
    ),
    *(flag(f"resp_{h}", "history", f"responder: {_HISTORY_WORDS[h]}") for h in HISTORY["resp"]),
    flag("history_missing", "history", "no history"),
    *(flag(f"port_{p}", "id.resp_p", _PORT_WORDS[p]) for p in PORTS),
    *(flag(f"port_{r}", "id.resp_p", f"another {r} port") for r in RANGES),
    *(flag(f"orig_port_{r}", "id.orig_p", f"from a {r} port") for r in ("system", "registered")),
    flag("orig_local", "local_orig id.orig_h", "originator inside"),
    flag("resp_local", "local_resp id.resp_h", "responder inside"),
    flag("resp_group", "id.resp_h", "to a broadcast or multicast address"),
)


class Connections:
    """What one batch says of its connections, worked out once for all features.

    Arrays have one entry a row: ``orig_local``, ``resp_local``, ``resp_group`` (multicast or broadcast),
    ``failed`` (refused or unanswered, and not sent to a group), ``worked`` (the peer sent something), ``is_dns``;
    ``orig_bytes`` and ``resp_bytes``, which a sensor may not log (see ``unlogged``).
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.proto, self.service = Words(table.label("proto")), Words(table.label("service"))
        self.state, self.history = Words(table.label("conn_state")), Words(table.label("history"))
        self.orig_p, self.resp_p = table.port("id.orig_p"), table.port("id.resp_p")
        self.orig_local = local_mask(table.said("local_orig"), table.label("id.orig_h"))
        self.resp_local = local_mask(table.said("local_resp"), table.label("id.resp_h"))
        self.resp_group = table.label("id.resp_h").test(group_mask)
        answered = table.number("resp_pkts") > 0
        refused = self.state.isin(("REJ",))
        self.failed = self.state.isin(FAILED_STATES) & ~self.resp_group & ~answered
        self.failed |= refused
        self.worked = answered & ~refused
        self.is_dns = self.service.isin(("dns",)) | (self.resp_p == 53)
        self.is_icmp = self.proto.isin(("icmp",))
        self.orig_bytes, self.resp_bytes = self._payload()

    def _payload(self) -> tuple[Sizes, Sizes]:
        """Payload bytes of both directions; worked out where a connection lasted and the sensor gives none."""
        of = self.table.number
        orig, resp, lasted = of("orig_bytes"), of("resp_bytes"), of("duration") > 0
        lacking = lasted & np.isnan(orig) & np.isnan(resp)
        if not lacking.any():
            return orig, resp
        found = unlogged.payload_bytes(
            (of("orig_ip_bytes"), of("resp_ip_bytes")),
            (of("orig_pkts"), of("resp_pkts")),
            is_tcp=self.proto.isin(("tcp",)),
            is_datagram=self.proto.isin(("udp", "icmp")),
            over_ipv6=self.table.label("id.orig_h").test(ipv6_mask),
            never_began=self.state.test(unlogged.is_never_begun),
        )
        return np.where(lacking, found[0], orig), np.where(lacking, found[1], resp)

    def history_flags(self) -> tuple[Codes, Floats]:
        """The codes (N,) of the histories and the flags of each code; worked out where the sensor gives none."""
        codes, flags = self.history.codes, self.history.flags(_history_flags, _NO_HISTORY)
        is_tcp, is_udp = self.proto.isin(("tcp",)), self.proto.isin(("udp",))
        lacking = (codes < 0) & (is_tcp | is_udp)
        if not lacking.any():
            return codes, flags
        of = self.table.number
        found = unlogged.history_codes(
            self.state.places(unlogged.state_place),
            (of("orig_pkts"), of("resp_pkts")),
            (self.orig_bytes, self.resp_bytes),
            is_tcp=is_tcp,
            is_udp=is_udp,
        )
        told = len(flags) - 1  # the last are those of an unset one
        codes = np.where(lacking & (found >= 0), told + found, codes)
        return codes, np.concatenate([flags[:-1], _WORKED_OUT, flags[-1:]])


class Words:
    """A column of few different words (N,), each tested once."""

    def __init__(self, labels: Labels) -> None:
        self._labels, self._words = labels, labels.texts.tolist()
        self.codes = labels.codes

    def isin(self, words: tuple[str, ...]) -> Mask:
        return self.test(lambda word: word in words)

    def test(self, holds: Callable[[str], bool]) -> Mask:
        """Which rows (N,) have a word for which it holds."""
        return self._labels.test(lambda _: np.array([holds(word) for word in self._words], dtype=np.bool_))

    def places(self, of: Callable[[str], int]) -> Codes:
        """What is true of each row's word (N,), and -1 where it is unset."""
        return self._labels.each(np.array([of(word) for word in self._words], dtype=np.int32), -1)

    def flags(self, of: Callable[[str], tuple[float, ...]], unset: tuple[float, ...]) -> Floats:
        """The flags of each word, and in the last row those of an unset value; (D + 1, K)."""
        return np.array([*map(of, self._words), unset], dtype=np.float32)


def connection_features(batch: Connections, out: Floats) -> None:
    """Put the features of ``FEATURES`` into the first columns of ``out`` (N, F), NaN where a number is missing."""
    of, resp_class, orig_class = batch.table.number, *_PORT_CLASS
    connection_rows(
        of("duration"), batch.orig_bytes, batch.resp_bytes, of("orig_pkts"), of("resp_pkts"),
        of("orig_ip_bytes"), of("resp_ip_bytes"),
        batch.proto.codes, batch.proto.flags(_proto_flags, _flags(*(False for _ in PROTOS))),
        batch.service.codes, batch.service.flags(_service_flags, _flags(True, *(False for _ in SERVICES), False)),
        batch.state.codes, batch.state.flags(_state_flags, _flags(*(False for _ in STATES))),
        *batch.history_flags(),
        batch.orig_p, batch.resp_p,
        batch.is_icmp,  # its "ports" are type and code (Zeek), and are no ports
        orig_class, resp_class, len(RANGES) - 1, len(PORTS) + len(RANGES),
        np.stack([batch.orig_local, batch.resp_local, batch.resp_group]),
        out,
    )  # fmt: skip


_KNOWN_SERVICES = {word for words in SERVICES.values() for word in words}
_LETTERS = (*HISTORY["orig"], *HISTORY["resp"])


def _flags(*told: bool) -> tuple[float, ...]:
    return tuple(map(float, told))


def _proto_flags(proto: str) -> tuple[float, ...]:
    return _flags(*(proto == name for name in PROTOS))


@lru_cache(maxsize=1 << 12)
def _service_flags(service: str) -> tuple[float, ...]:
    """No known service, those of ``SERVICES``, an uncommon one."""
    # Zeek joins several analyzers with commas ("krb,smb,gssapi"); Suricata says "failed" where it gave up.
    parts = set(service.lower().split(","))
    named = [bool(parts & set(words)) for words in SERVICES.values()]
    return _flags(False, *named, not parts & _KNOWN_SERVICES and parts != {"failed"})


def _state_flags(state: str) -> tuple[float, ...]:
    return _flags(*(state == name for name in STATES))


@lru_cache(maxsize=1 << 14)
def _history_flags(history: str) -> tuple[float, ...]:
    """Each letter, and that there is no history."""
    return _flags(*(letter in history for letter in _LETTERS), False)


_NO_HISTORY = _flags(*(False for _ in _LETTERS), True)
#: The flags of every history that can be worked out.
_WORKED_OUT = np.array(
    [_history_flags(unlogged.letters(code)) for code in range(unlogged.HISTORIES)], dtype=np.float32
)


def _port_classes() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    ranges = np.zeros(65536, dtype=np.int8)
    for i, (low, high) in enumerate(RANGES.values()):
        ranges[low : high + 1] = i
    named = ranges + np.int8(len(PORTS))
    for i, ports in enumerate(PORTS.values()):
        named[list(ports)] = i
    return named, ranges


_PORT_CLASS = _port_classes()
