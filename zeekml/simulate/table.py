"""A table of connections as arrays, one per column: what every pattern makes and every writer takes.

Times are whole microseconds, so that no writer rounds another's number; addresses are IPv4 as 32-bit
numbers; words are small codes into the tuples below. A number below zero means unset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

UNSET = -1
MICROSECONDS = 1_000_000

PROTOS: tuple[str, ...] = ("tcp", "udp", "icmp")
SERVICES: tuple[str | None, ...] = (None, "dns", "http", "ssl", "ntp", "smtp", "ssh", "irc", "quic,ssl")
STATES: tuple[str, ...] = ("SF", "S0", "S1", "S3", "REJ", "RSTO", "RSTR", "OTH")
HISTORIES: tuple[str | None, ...] = (
    None, "D", "Dd", "S", "Sr", "Sh",
    "ShADadFf", "ShADadfF", "ShADadtFf", "ShAdDaFf",
    "ShADad", "ShAdDa", "ShADadf", "ShAdDaf", "ShADadR", "ShADadFr", "ShADadr",
)  # fmt: skip
LABELS: tuple[tuple[str, str | None], ...] = (
    ("Benign", None),
    ("Malicious", "C&C"),
    ("Malicious", "PortScan"),
    ("Malicious", "DDoS"),
    ("Malicious", "Spam"),
    ("Malicious", "FileDownload"),
)
"""``label`` and ``detailed-label`` as the IoT-23 logs write them."""

BENIGN, COMMAND, SCAN, DDOS, SPAM, DOWNLOAD = range(len(LABELS))


@dataclass(frozen=True, slots=True)
class Connections:
    """N connections; every field is an array of length N.

    ``ts`` and ``duration`` in microseconds (``ts`` since 1970), bytes and packets as counts, ``proto``,
    ``service``, ``conn_state``, ``history`` and ``label`` as codes. ``number`` identifies a connection:
    Zeek's ``uid`` and Suricata's ``flow_id`` both come from it.
    """

    ts: I64
    duration: I64
    orig_h: I64
    orig_p: I64
    resp_h: I64
    resp_p: I64
    proto: Codes
    service: Codes
    conn_state: Codes
    history: Codes
    orig_bytes: I64
    resp_bytes: I64
    orig_pkts: I64
    orig_ip_bytes: I64
    resp_pkts: I64
    resp_ip_bytes: I64
    label: Codes
    number: U64

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def ends(self) -> I64:
        """When each connection ended, in microseconds; one of unset duration ends as it begins."""
        return self.ts + np.maximum(self.duration, 0)

    def take(self, rows: npt.NDArray[np.intp] | Mask | slice) -> Connections:
        """The rows named by indices, a mask or a slice, in that order."""
        return Connections(**{name: getattr(self, name)[rows] for name in FIELDS})

    def numbered(self, rng: np.random.Generator) -> Connections:
        """The same connections with fresh random numbers."""
        values = {name: getattr(self, name) for name in FIELDS}
        values["number"] = rng.integers(0, 2**64, len(self), dtype=np.uint64)
        return Connections(**values)


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Connections))


def concat(tables: Sequence[Connections]) -> Connections:
    """The rows of all tables, one after the other; at least one table."""
    return Connections(
        **{name: np.concatenate([getattr(table, name) for table in tables]) for name in FIELDS}
    )
