"""One made host: connections of the shapes that Zeek logs, gathered into a labelled log.

A behaviour says when, to whom and how much; how the host's sensor and path look (round trips, header and SYN sizes)
is drawn once a host, so that no number of the generator's stands for a class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.records.schema import COLUMNS
from zeekml.training.overlays import labels_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Masks = NDArray[np.bool_]

#: How a TCP session ends: ``conn_state``, ``history``.
CLOSED = (("SF", "ShADadFf"), ("SF", "ShADadfF"), ("SF", "ShADadFfT"), ("RSTO", "ShADadR"), ("RSTR", "ShADadFr"),
          ("RSTO", "ShADadFfR"), ("S1", "ShADad"), ("S3", "ShADadf"))  # fmt: skip
SERVER_FIRST = (
    ("SF", "ShAdDaFf"),
    ("SF", "ShAdDafF"),
    ("S1", "ShAdDa"),
    ("RSTO", "ShAdDaR"),
    ("S3", "ShAdDaf"),
)
#: A port that was open, and nothing was said: checks and scans.
NOTHING_SAID = (("SF", "ShAFaf"), ("RSTO", "ShAR"), ("RSTO", "ShR"), ("S1", "Sh"), ("SF", "ShAfFa"))

_SEGMENT = 1448
_PRIVATE = (10 << 24, (172 << 24) + (20 << 16), (192 << 24) + (168 << 16))


class MadeHost:
    """Gathers what a host does; times are seconds from 0, sizes bytes.

    ``frame()`` gives the batch columns in the order in which the connections end, and the class of each.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._rows: list[dict[str, Any]] = []
        self._inside = int(rng.choice(_PRIVATE)) + int(rng.integers(0, 200)) * 256
        self.address = self._inside + int(rng.integers(2, 250))
        self.resolver = self._inside + 1 if rng.random() < 0.6 else int(self.outside(1)[0])
        self._trip = float(np.exp(rng.uniform(np.log(0.002), np.log(0.25))))
        self._header = int(rng.choice((40, 52)))
        self._syn = int(rng.choice((44, 48, 52, 60)))

    # --- who and when ---------------------------------------------------------------------------------------------
    def outside(self, count: int) -> Ints:
        """Random addresses outside."""
        return self.rng.integers(11 << 24, 126 << 24, count)

    def inside(self, count: int) -> Ints:
        """Different addresses inside, near the host's."""
        return self._inside + 2 + self.rng.permutation(max(count, 250))[:count]

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly by its logarithm."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def clock(self, every: float, jitter: float, count: int) -> Floats:
        """Times ``every`` seconds apart, each gap off by up to a share ``jitter`` (above 1: at random)."""
        gaps = self.rng.exponential(1, count) if jitter > 1 else 1 + jitter * self.rng.uniform(-1, 1, count)
        times: Floats = self.rng.uniform(0, every) + np.cumsum(every * np.maximum(gaps, 1e-3))
        return times

    def sizes(self, count: int, middle: float, spread: float) -> Floats:
        """Log-normal sizes in bytes, at least 1."""
        return np.maximum(np.rint(middle * np.exp(spread * self.rng.normal(size=count))), 1)

    # --- shapes ---------------------------------------------------------------------------------------------------
    def tcp(
        self,
        label: str,
        ts: Floats,
        peer: Ints,
        port: Ints | int,
        service: str | None,
        sent: Floats,
        received: Floats,
        seconds: Floats,
        endings: tuple[tuple[str, str], ...] = CLOSED,
        weights: Floats | None = None,
    ) -> None:
        """Sessions that were set up; ``weights`` tell how often each ending occurs (drawn evenly without)."""
        count = len(ts)
        share = np.ones(len(endings)) if weights is None else weights
        ending = self.rng.choice(len(endings), count, p=share / share.sum())
        packets_out = (
            3 + np.ceil(sent / _SEGMENT) + received // (2 * _SEGMENT) + self.rng.integers(0, 2, count)
        )
        packets_in = (
            2 + np.ceil(received / _SEGMENT) + sent // (2 * _SEGMENT) + self.rng.integers(0, 2, count)
        )
        self._add(
            label, ts, peer, port, "tcp", service,
            duration=np.maximum(seconds, 1e-4) + self._trips(count),
            state=np.array([endings[i][0] for i in ending], dtype=object),
            history=np.array([endings[i][1] for i in ending], dtype=object),
            payload=(sent, received),
            packets=(packets_out, packets_in),
            sizes=(sent + packets_out * self._header + 12, received + packets_in * self._header + 12),
        )  # fmt: skip

    def unanswered(
        self, label: str, ts: Floats, peer: Ints, port: Ints | int, tries: int, syn: int = 0
    ) -> None:
        """SYNs without an answer, repeated after 1, 2, 4 s: S0."""
        count, zero = len(ts), np.zeros(len(ts))
        fewest = 1 if self.rng.random() < 0.5 else tries
        sent = self.rng.integers(fewest, tries + 1, count).astype(np.float64)
        known = sent > 1
        nothing = np.where(known, 0.0, np.nan)
        first = float(self.rng.choice((1.0, 3.0)))
        waited = first * (2.0 ** (sent - 1) - 1) + self.rng.uniform(0, 0.1, count)
        self._add(
            label, ts, peer, port, "tcp", None,
            duration=np.where(known, waited, np.nan),
            state=_all("S0", count), history=_all("S", count),
            payload=(nothing, nothing), packets=(sent, zero),
            sizes=(sent * (syn or self._syn), zero),
        )  # fmt: skip

    def refused(self, label: str, ts: Floats, peer: Ints, port: Ints | int, syn: int = 0) -> None:
        """A SYN answered by a reset: REJ."""
        count, one = len(ts), np.full(len(ts), float(self.rng.choice((1, 1, 3))))
        self._add(
            label, ts, peer, port, "tcp", None,
            duration=self._trips(count) + (one - 1) * 0.5,
            state=_all("REJ", count), history=_all("Sr", count),
            payload=(one * 0, one * 0), packets=(one, one),
            sizes=(one * (syn or self._syn), one * 40),
        )  # fmt: skip

    def udp(
        self,
        label: str,
        ts: Floats,
        peer: Ints,
        port: Ints | int,
        service: str | None,
        sent: Floats,
        received: Floats,
        answered: Masks,
        packets: Floats | None = None,
        seconds: Floats | None = None,
    ) -> None:
        """Datagrams; ``sent`` and ``received`` are all bytes of ``packets`` (1) of them each way."""
        count = len(ts)
        each = np.ones(count) if packets is None else packets
        lasting = answered | (each > 1)
        took = self._trips(count) if seconds is None else seconds
        back = np.where(answered, each, 0.0)
        self._add(
            label, ts, peer, port, "udp", service,
            duration=np.where(lasting, took, np.nan),
            state=np.where(answered, "SF", "S0").astype(object),
            history=np.where(answered, "Dd", "D").astype(object),
            payload=(np.where(lasting, sent, np.nan), np.where(lasting, np.where(answered, received, 0), np.nan)),
            packets=(each, back),
            sizes=(sent + 28 * each, np.where(answered, received, 0) + 28 * back),
        )  # fmt: skip

    def ping(self, label: str, ts: Floats, peer: Ints, packets: int, answered: Masks) -> None:
        """Echo requests, a second apart."""
        count = len(ts)
        each = np.full(count, float(packets))
        lasting = answered | (packets > 1)
        back = np.where(answered, each, 0)
        size = float(self.rng.choice((32, 56)))
        self._add(
            label, ts, peer, 0, "icmp", None,
            duration=np.where(lasting, packets - 1 + self._trips(count), np.nan),
            state=_all("OTH", count), history=_all(None, count),
            payload=(np.where(lasting, each * size, np.nan), np.where(lasting, back * size, np.nan)),
            packets=(each, back),
            sizes=(each * (size + 28), back * (size + 28)),
            orig_port=np.full(count, 8),
        )  # fmt: skip

    def lookup(self, ts: Floats, answered: float = 0.97, label: str = "Benign") -> None:
        """Ordinary lookups at the host's resolver, one each."""
        count = len(ts)
        asked = self.rng.integers(24, 60, count).astype(float)
        self.udp(label, ts, np.full(count, self.resolver), 53, "dns", asked,
                 asked + self.rng.integers(16, 220, count), self.rng.random(count) < answered)  # fmt: skip

    # --- the log --------------------------------------------------------------------------------------------------
    def frame(self) -> tuple[pd.DataFrame, NDArray[np.object_]]:
        """The batch frame (N rows, in the order in which they end) and the class (N,) of each."""
        columns = {name: np.concatenate([rows[name] for rows in self._rows]) for name in self._rows[0]}
        order = np.argsort(columns["ts"] + np.nan_to_num(columns["duration"]), kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        label = columns.pop("label")
        count = len(order)
        columns["id.orig_h"] = np.full(count, self.address)
        for side in ("id.orig_h", "id.resp_h"):
            columns[side] = _dotted(columns[side])
        columns["uid"] = np.array([f"M{i}" for i in range(count)], dtype=object)
        columns["local_orig"] = np.ones(count, dtype=bool)
        columns["missed_bytes"] = np.zeros(count)
        series: dict[str, Any] = {}
        for column in COLUMNS:
            match column.kind:
                case "label":
                    series[column.name] = labels_of(columns[column.name])
                case "bool":
                    series[column.name] = pd.array(columns[column.name], dtype="boolean")
                case "port":
                    series[column.name] = columns[column.name].astype(np.int32)
                case "string":
                    series[column.name] = pd.Series(columns[column.name]).astype("str")
                case _:
                    series[column.name] = columns[column.name].astype(np.float64)
        return pd.DataFrame(series, index=pd.RangeIndex(count)), label

    def _add(
        self,
        label: str,
        ts: Floats,
        peer: Ints,
        port: Ints | int,
        proto: str,
        service: str | None,
        *,
        duration: Floats,
        state: NDArray[np.object_],
        history: NDArray[np.object_],
        payload: tuple[Floats, Floats],
        packets: tuple[Floats, Floats],
        sizes: tuple[Floats, Floats],
        orig_port: Ints | None = None,
    ) -> None:
        count = len(ts)
        if not count:
            return
        self._rows.append(
            {
                "ts": np.asarray(ts, dtype=np.float64),
                "id.orig_p": self.rng.integers(32768, 61000, count) if orig_port is None else orig_port,
                "id.resp_h": np.asarray(peer, dtype=np.int64),
                "id.resp_p": np.broadcast_to(np.asarray(port, dtype=np.int64), count),
                "proto": _all(proto, count),
                "service": _all(service, count),
                "duration": duration,
                "orig_bytes": payload[0],
                "resp_bytes": payload[1],
                "conn_state": state,
                "local_resp": np.isin(np.asarray(peer) >> 24, (10, 172, 192)),
                "history": history,
                "orig_pkts": packets[0],
                "orig_ip_bytes": sizes[0],
                "resp_pkts": packets[1],
                "resp_ip_bytes": sizes[1],
                "label": _all(label, count),
            }
        )

    def _trips(self, count: int) -> Floats:
        return self._trip * np.exp(0.4 * self.rng.normal(size=count))


def _all(word: str | None, count: int) -> NDArray[np.object_]:
    return np.full(count, word, dtype=object)


def _dotted(addresses: Ints) -> NDArray[np.object_]:
    distinct, place = np.unique(addresses, return_inverse=True)
    words = [".".join(str(int(a) >> shift & 255) for shift in (24, 16, 8, 0)) for a in distinct]
    return np.array(words, dtype=object)[place]
