"""Features of one connection by itself: sizes, rates, protocol, state, history, ports, direction.

Nothing here tells one sensor from another: checksum marks (``C``/``c``) in the history, the state ``OTH`` that they
lead to and ``missed_bytes`` are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.addresses import group_mask, local_mask
from zeekml.categories import Mask, by_category
from zeekml.features.layout import Feature, flag, number

Floats = NDArray[np.float32]

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
RANGES: dict[str, tuple[int, int]] = {
    "system": (0, 1023),
    "registered": (1024, 49151),
    "dynamic": (49152, 65535),
}

#: Counts and durations above this are damage; cut here, nothing that is worked out from them overflows.
_LARGEST = 1e18

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
    *(
        flag(f"port_{p}", "id.resp_p", f"{'an' if p[0] in 'aeiou' else 'a'} {p.replace('_', ' ')} port")
        for p in PORTS
    ),
    *(flag(f"port_{r}", "id.resp_p", f"another {r} port") for r in RANGES),
    *(flag(f"orig_port_{r}", "id.orig_p", f"from a {r} port") for r in ("system", "registered")),
    flag("orig_local", "local_orig id.orig_h", "originator inside"),
    flag("resp_local", "local_resp id.resp_h", "responder inside"),
    flag("resp_group", "id.resp_h", "to a broadcast or multicast address"),
)


class Connections:
    """What one batch says of its connections, worked out once for all features.

    Arrays have one entry a row: ``orig_local``, ``resp_local``, ``resp_group`` (multicast or broadcast),
    ``failed`` (refused or unanswered, and not sent to a group), ``worked`` (the peer sent something), ``is_dns``.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.orig_local = local_mask(frame["local_orig"], frame["id.orig_h"])
        self.resp_local = local_mask(frame["local_resp"], frame["id.resp_h"])
        self.resp_group = by_category(frame["id.resp_h"], group_mask)
        state = _Labels(frame["conn_state"])
        answered = np.nan_to_num(column(frame, "resp_pkts")) > 0
        self.failed = state.isin(FAILED_STATES) & ~self.resp_group & ~answered
        self.failed |= state.isin(("REJ",))
        self.worked = answered & ~state.isin(("REJ",))
        self.is_dns = _Labels(frame["service"]).isin(("dns",)) | (frame["id.resp_p"].to_numpy() == 53)
        self.state = state


class _Labels:
    """A categorical column as codes, tested against words once per category instead of once per row."""

    def __init__(self, column: pd.Series[Any]) -> None:
        self.categories = [str(value) for value in column.cat.categories]
        self.codes = column.cat.codes.to_numpy()

    def where(self, test: list[bool]) -> Mask:
        return np.append(np.asarray(test, dtype=bool), False)[self.codes]

    def isin(self, words: tuple[str, ...]) -> Mask:
        return self.where([category in words for category in self.categories])


def connection_features(batch: Connections) -> Floats:
    """Compute the features of ``FEATURES`` for a batch: (N, len(FEATURES)) float32, NaN where a number is missing."""
    out = np.zeros((len(FEATURES), len(batch.frame)), dtype=np.float32)
    at = _numbers(batch.frame, out)
    at = _put(out, at, _protocol(batch))
    at = _put(out, at, _history(batch.frame))
    at = _put(out, at, _ports(batch.frame))
    _put(out, at, [batch.orig_local, batch.resp_local, batch.resp_group])
    return out.T


def column(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """One numeric column as float64, NaN where unset."""
    return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _put(out: Floats, at: int, masks: list[Mask]) -> int:
    for mask in masks:
        out[at] = mask
        at += 1
    return at


def _numbers(frame: pd.DataFrame, out: Floats) -> int:
    names = (
        "duration",
        "orig_bytes",
        "resp_bytes",
        "orig_pkts",
        "resp_pkts",
        "orig_ip_bytes",
        "resp_ip_bytes",
    )
    values = {name: np.minimum(column(frame, name), _LARGEST).astype(np.float32) for name in names}
    duration, orig_bytes, orig_pkts = values["duration"], values["orig_bytes"], values["orig_pkts"]
    resp_pkts, orig_ip, resp_ip = values["resp_pkts"], values["orig_ip_bytes"], values["resp_ip_bytes"]
    out[0] = np.log1p(duration * 1000)
    for i, name in enumerate(names[1:], 1):
        out[i] = np.log1p(values[name])
    with np.errstate(divide="ignore", invalid="ignore"):
        out[7] = np.where(orig_pkts > 0, orig_ip / orig_pkts, np.nan)
        out[8] = np.where(resp_pkts > 0, resp_ip / resp_pkts, np.nan)
        out[9] = np.log1p((orig_pkts + resp_pkts) / (duration + np.float32(0.001)))
        out[11] = np.where(orig_ip > 0, orig_bytes / orig_ip, np.nan)
    out[10] = out[5] - out[6]
    return 12


def _protocol(batch: Connections) -> list[Mask]:
    proto, service = _Labels(batch.frame["proto"]), _Labels(batch.frame["service"])
    masks = [proto.isin((name,)) for name in PROTOS]
    masks.append(service.codes < 0)
    known = {word for words in SERVICES.values() for word in words}
    # Zeek joins several analyzers with commas ("krb,smb,gssapi"); Suricata says "failed" where it gave up.
    parts = [set(category.lower().split(",")) for category in service.categories]
    masks += [service.where([bool(part & set(words)) for part in parts]) for words in SERVICES.values()]
    masks.append(service.where([not part & known and part != {"failed"} for part in parts]))
    return masks + [batch.state.isin((name,)) for name in STATES]


def _history(frame: pd.DataFrame) -> list[Mask]:
    history = _Labels(frame["history"])
    letters = [*HISTORY["orig"], *HISTORY["resp"]]
    return [history.where([letter in text for text in history.categories]) for letter in letters] + [
        history.codes < 0
    ]


def _ports(frame: pd.DataFrame) -> list[Mask]:
    # ICMP's "ports" are type and code (Zeek), and are no ports.
    icmp = _Labels(frame["proto"]).isin(("icmp",))
    orig_class, resp_class = _PORT_CLASS[1], _PORT_CLASS[0]
    resp = np.where(icmp, -1, resp_class[frame["id.resp_p"].to_numpy()])
    orig = np.where(icmp, -1, orig_class[frame["id.orig_p"].to_numpy()])
    return [resp == i for i in range(len(PORTS) + len(RANGES))] + [orig == i for i in range(2)]


def _port_classes() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    ranges = np.zeros(65536, dtype=np.int8)
    for i, (low, high) in enumerate(RANGES.values()):
        ranges[low : high + 1] = i
    named = ranges + np.int8(len(PORTS))
    for i, ports in enumerate(PORTS.values()):
        named[list(ports)] = i
    return named, ranges


_PORT_CLASS = _port_classes()
