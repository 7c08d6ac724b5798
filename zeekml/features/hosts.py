"""Context of the originator host: its last 32 connections, in log order.

No feature tells how long the host has been seen or how many connections it has made: shares are over what there is
of the window, and a count would betray the length of a capture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.features.connection import Connections, Floats, column
from zeekml.features.keyed import KeyedTable
from zeekml.features.layout import Feature, number
from zeekml.features.runs import Runs, TailLayout

Array = NDArray[Any]

#: Connections of a host that a feature looks back over, the current one included.
WINDOW = 32
_TAIL = WINDOW - 1

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

_USED, _NEW_PEER, _NEW_PORT, _FAILED, _INSIDE, _DNS = (np.uint8(1 << bit) for bit in range(6))
#: Sizes are kept as 8 bits: eighths of log2(1 + bytes); this much is exact however a batch is cut.
SIZE_STEPS = 8
SIZE_MISSING = np.uint8(255)


def host_table() -> KeyedTable:
    """An empty table of hosts.

    ``clock``: latest event time (s); ``generation``: how often the host started anew; ``seen``: its connections in this
    generation; ``pairs``: peer-and-port contexts it holds; the rest are tails of ``_TAIL`` connections.
    """
    return KeyedTable(
        clock=(np.float64, (), -np.inf),
        generation=(np.uint32, (), 0),
        seen=(np.int64, (), 0),
        pairs=(np.int64, (), 0),
        times=(np.float64, (_TAIL,), np.nan),
        peers=(np.uint64, (_TAIL,), 0),
        ports=(np.int32, (_TAIL,), -1),
        bits=(np.uint8, (_TAIL,), 0),
        dns_query=(np.uint8, (_TAIL,), SIZE_MISSING),
        dns_answer=(np.uint8, (_TAIL,), SIZE_MISSING),
        sent=(np.uint8, (_TAIL,), SIZE_MISSING),
        received=(np.uint8, (_TAIL,), SIZE_MISSING),
    )


def size_code(size: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bytes to eighths of log2(1 + bytes), 0 to 254; unset to ``SIZE_MISSING``."""
    code = np.rint(np.log2(1 + np.clip(size, 0, 2.0**30)) * SIZE_STEPS)
    return np.where(np.isnan(code), SIZE_MISSING, np.nan_to_num(code)).astype(np.uint8)


def host_features(
    batch: Connections,
    order: NDArray[np.int64],
    runs: Runs,
    fresh: NDArray[np.bool_],
    slots: NDArray[np.int64],
    clock: NDArray[np.float64],
    gap: NDArray[np.float64],
    peers: NDArray[np.uint64],
    table: KeyedTable,
) -> Floats:
    """Compute ``FEATURES`` for rows sorted by host: (N, len(FEATURES)) float32 in sorted order.

    ``order`` (N,) sorts the batch by host; ``runs`` are the hosts' runs in that order; ``fresh`` (R,) tells runs that
    start anew, ``slots`` (R,) their places in ``table``; ``clock`` and ``gap`` (N,) are the host's event time and the
    seconds since its last connection (NaN: none); ``peers`` (N,) hash the responder, unsorted. The table's tails are
    carried on (of several runs in one slot the last one stands).
    """
    layout = TailLayout(runs, _TAIL)
    empty = host_table_row()

    def lay(name: str, rows: Array) -> Array:
        tails = table[name][slots]
        tails[fresh] = empty[name]
        return layout.lay(tails, rows)

    frame = batch.frame
    times = lay("times", clock)
    peer_window = layout.windows(lay_peers := lay("peers", peers[order]))
    port_window = layout.windows(lay_ports := lay("ports", port_key(frame)[order]))
    same_peer = peer_window == peer_window[:, -1:]
    same_port = port_window == port_window[:, -1:]
    bits = np.full(len(order), _USED)
    bits |= _NEW_PEER * ~same_peer[:, :-1].any(axis=1)
    bits |= _NEW_PORT * ~same_port[:, :-1].any(axis=1)
    bits |= _FAILED * batch.failed[order]
    bits |= _INSIDE * batch.resp_local[order]
    bits |= _DNS * batch.is_dns[order]
    all_bits = lay("bits", bits)
    sizes = {
        "dns_query": np.where(batch.is_dns, size_code(column(frame, "orig_bytes")), SIZE_MISSING),
        "dns_answer": np.where(batch.is_dns, size_code(column(frame, "resp_bytes")), SIZE_MISSING),
        "sent": size_code(column(frame, "orig_ip_bytes")),
        "received": size_code(column(frame, "resp_ip_bytes")),
    }
    sizes = {name: lay(name, code[order]) for name, code in sizes.items()}

    def share(mask: np.uint8) -> NDArray[np.float64]:
        return layout.window_sums((all_bits & mask) == mask) / count

    count = layout.window_sums((all_bits & _USED) > 0)
    out = np.empty((len(FEATURES), len(order)), dtype=np.float32)
    out[0] = np.log1p(gap * 1000)
    out[1] = _pace(times, layout, count)
    out[2] = share(_NEW_PEER)
    out[3] = same_peer.sum(axis=1) / count
    out[4] = share(_NEW_PORT)
    out[5] = same_port.sum(axis=1) / count
    out[6] = share(_FAILED)
    out[7] = share(_FAILED | _NEW_PEER)
    out[8] = share(_INSIDE)
    out[9] = share(_DNS)
    for i, name in enumerate(("dns_query", "dns_answer", "sent", "received"), 10):
        out[i] = _mean_size(sizes[name], layout)

    laid = {"times": times, "peers": lay_peers, "ports": lay_ports, "bits": all_bits, **sizes}
    for name, buffer in laid.items():
        table[name][slots] = layout.last(buffer)
    return out.T


def host_table_row() -> dict[str, Any]:
    """The value of each tail of a host that was never seen."""
    return {
        "times": np.nan, "peers": 0, "ports": -1, "bits": 0,
        "dns_query": SIZE_MISSING, "dns_answer": SIZE_MISSING, "sent": SIZE_MISSING, "received": SIZE_MISSING,
    }  # fmt: skip


def port_key(frame: pd.DataFrame) -> NDArray[np.int32]:
    # ICMP's type and code would pass for low ports: kept apart above the real ones.
    port = frame["id.resp_p"].to_numpy(dtype=np.int32)
    icmp = (frame["proto"] == "icmp").to_numpy(dtype=bool)
    key: NDArray[np.int32] = np.where(icmp, port + 65536, port).astype(np.int32)
    return key


def _pace(times: Array, layout: TailLayout, count: NDArray[np.int64]) -> NDArray[np.float64]:
    oldest = times[layout.row_at - (count - 1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        pace = (times[layout.row_at] - oldest) * 1000 / (count - 1)
    logged: NDArray[np.float64] = np.log1p(pace)
    return logged


def _mean_size(codes: Array, layout: TailLayout) -> NDArray[np.float64]:
    present = codes != SIZE_MISSING
    number_of = layout.window_sums(present)
    total = layout.window_sums(np.where(present, codes, 0))
    return np.where(number_of > 0, total / np.maximum(number_of, 1) / SIZE_STEPS, np.nan)
