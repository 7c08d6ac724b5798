"""Context of the originator host: its last 32 connections, in log order.

No feature tells how long the host has been seen or how many connections it has made: shares are over what there is
of the window, and a count would betray the length of a capture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays
from zeekml.features.connection import Connections, Floats
from zeekml.features.kernels.hosts import SIZE_MISSING, TAIL, host_rows, size_codes
from zeekml.features.keyed import KeyedTable, Slots
from zeekml.features.layout import Feature, number
from zeekml.features.runs import Runs

Ints = NDArray[np.int64]

FEATURES: tuple[Feature, ...] = (
    number("host_gap", "ts duration", "log1p(x * 1000)", "ms", "time since the host's last connection"),
    number(
        "host_pace", "ts duration", "log1p(span * 1000 / connections)", "ms", "time between its connections"
    ),
    number("host_new_peers", "id.resp_h", "share of window", "1", "share of new peers"),
    number("host_same_peer", "id.resp_h", "share of window", "1", "share to this peer"),
    number("host_new_ports", "id.resp_p", "share of window", "1", "share to new ports"),
    number("host_same_port", "id.resp_p", "share of window", "1", "share to this port"),
    number("host_failed", "conn_state resp_pkts", "share of window", "1", "share of failed connections"),
    number(
        "host_failed_new",
        "conn_state id.resp_h",
        "share of window",
        "1",
        "share of failed tries at new peers",
    ),
    number("host_inside", "local_resp id.resp_h", "share of window", "1", "share to peers inside"),
    number("host_dns", "service id.resp_p", "share of window", "1", "share of DNS"),
    number(
        "host_dns_query",
        "service id.resp_p orig_bytes",
        "mean log2(1 + x) of window",
        "bytes",
        "size of its DNS queries",
    ),
    number(
        "host_dns_answer",
        "service id.resp_p resp_bytes",
        "mean log2(1 + x) of window",
        "bytes",
        "size of DNS answers",
    ),
    number("host_sent", "orig_ip_bytes", "mean log2(1 + x) of window", "bytes", "bytes sent a connection"),
    number(
        "host_received", "resp_ip_bytes", "mean log2(1 + x) of window", "bytes", "bytes received a connection"
    ),
)


@dataclass(frozen=True, slots=True)
class HostRows:
    """A batch sorted by host: (N,) are in that order, (R,) have one entry a run.

    ``order`` (N,) sorts the batch; ``runs`` are runs of one host in one life; ``slots`` (R,) their places in the table;
    ``fresh`` (R,) those that start anew; ``clock`` (N,) the host's event time (s) and ``gap`` (N,) the seconds since
    its last connection (NaN: none); ``seen`` (N,) the number of the connection in that life; ``superseded`` (R,) runs
    after which the host started anew within the batch; ``generation`` (R,) which of its lives it is.
    """

    order: Ints
    runs: Runs
    slots: Slots
    fresh: NDArray[np.bool_]
    clock: NDArray[np.float64]
    gap: NDArray[np.float64]
    seen: Ints
    superseded: NDArray[np.bool_]
    generation: Ints


def host_table() -> KeyedTable:
    """An empty table of hosts.

    ``clock``: latest event time (s); ``generation``: how often the host started anew; ``seen``: its connections in this
    generation; ``pairs``: peer-and-port contexts it holds; the rest are tails of ``TAIL`` connections, of
    which `host_features` writes the last ``seen``: of a million hosts most have but one.
    """
    return KeyedTable(
        clock=(np.float64, (), -np.inf),
        generation=(np.uint32, (), 0),
        seen=(np.int64, (), 0),
        pairs=(np.int64, (), 0),
        times=(np.float64, (TAIL,), None),
        peers=(np.uint64, (TAIL,), None),
        ports=(np.int32, (TAIL,), None),
        bits=(np.uint8, (TAIL,), None),
        dns_query=(np.uint8, (TAIL,), None),
        dns_answer=(np.uint8, (TAIL,), None),
        sent=(np.uint8, (TAIL,), None),
        received=(np.uint8, (TAIL,), None),
    )


_NOTHING: Final[dict[str, float]] = {
    "times": np.nan,
    "peers": 0,
    "ports": -1,
    "bits": 0,
    "dns_query": SIZE_MISSING,
    "dns_answer": SIZE_MISSING,
    "sent": SIZE_MISSING,
    "received": SIZE_MISSING,
}
"""What stands in a tail where there is no connection."""


def exported(table: KeyedTable) -> Arrays:
    """What the table exports, the same for the same hosts: with nothing where they have no connection."""
    held = table.export()
    none = np.arange(TAIL) < TAIL - held["seen"][:, np.newaxis]
    for name, nothing in _NOTHING.items():
        held[name][none] = nothing
    return held


def size_code(size: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bytes (N,) to eighths of log2(1 + bytes), 0 to 240; unset to ``SIZE_MISSING``."""
    codes = np.empty(len(size), dtype=np.uint8)
    size_codes(size, codes)
    return codes


def host_features(
    batch: Connections, rows: HostRows, peers: NDArray[np.uint64], table: KeyedTable, at: int, out: Floats
) -> None:
    """Put ``FEATURES`` into columns ``at`` and following of ``out`` (N, F), whose rows are in log order.

    ``peers`` (N,) hash the responder, in log order. The table's tails are carried on (of several runs in one slot the
    last one stands).
    """
    of, runs = batch.table.number, rows.runs
    host_rows(
        rows.order, runs.starts, runs.ends, rows.slots, rows.fresh, rows.clock, rows.gap, rows.seen,
        peers, port_key(batch), batch.failed, batch.resp_local, batch.is_dns,
        batch.orig_bytes, batch.resp_bytes, of("orig_ip_bytes"), of("resp_ip_bytes"),
        table["times"], table["peers"], table["ports"], table["bits"],
        table["dns_query"], table["dns_answer"], table["sent"], table["received"],
        at, out,
    )  # fmt: skip


def port_key(batch: Connections) -> NDArray[np.int32]:
    """The responder's port (N,); ICMP's type and code would pass for low ports: kept apart above the real ones."""
    key: NDArray[np.int32] = np.where(batch.is_icmp, batch.resp_p + np.int32(65536), batch.resp_p)
    return key
