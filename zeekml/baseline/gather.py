"""What is kept of a site's logs while they are read: who talks to whom, and every suspicious connection.

Memory goes with the distinct pairs of hosts and peers, up to a bound, and with the suspicious connections; of a host of
which the model is sure nothing more is kept.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from zeekml.addresses import local_mask
from zeekml.alerts.ordinary import JUDGED_BY
from zeekml.alerts.policy import DECIDING, AlertPolicy
from zeekml.categories import by_category
from zeekml.features.connection import FAILED_STATES
from zeekml.scoring.scores import Scores
from zeekml.table import Table

PAIR: Final = ("id.orig_h", "id.resp_h", "id.resp_p", "proto")
_MOST_PAIRS: Final = 1_000_000
_MOST_SURE: Final = 100_000
_LONGEST_NAME: Final = 64  # characters of an address; what is longer is none
_PROTO: Final = r"[A-Za-z0-9_.-]{1,32}"

Pair = tuple[str, str, int, str]


class Gathered:
    """Adds up batches, in log order within each stream."""

    def __init__(self, policy: AlertPolicy, *, sure_score: float, sure_connections: int) -> None:
        """``policy``: whose connections count, and from which score on they are suspicious (``evidence_floor``).

        ``sure_score``: from there on the model is sure of a connection; with ``sure_connections`` of them, of a host.
        """
        self.connections = 0
        self.first, self.last = np.inf, -np.inf
        """When the first connection began and the last one ended, epoch s."""
        self.sure_peers: dict[tuple[str, int, str], str] = {}
        """Peer, port, protocol of connections that the model is sure of, and the first host that made one."""
        self.sure_hosts = Counter[str]()
        self.suspicious_of = Counter[str]()
        self._policy = policy
        self._sure_score = np.float32(sure_score)
        self._sure_connections = sure_connections
        self._pairs: dict[Pair, list[Any]] = {}
        self._rows: list[pd.DataFrame] = []

    def add(self, frame: pd.DataFrame, scores: Scores, stream: str) -> None:
        """Take in a batch (N rows of the batch schema) with its scores."""
        self.connections += len(frame)
        ends = frame["ts"].to_numpy() + frame["duration"].fillna(0.0).to_numpy()
        self.first = min(self.first, float(frame["ts"].min()))
        self.last = max(self.last, float(ends.max(initial=-np.inf)))
        counted = self._policy.counts(frame.loc[:, list(DECIDING)], stream)
        counted &= by_category(frame["id.orig_h"], _plain) & by_category(frame["id.resp_h"], _plain)
        counted &= by_category(frame["proto"], lambda names: names.str.fullmatch(_PROTO))
        counted &= frame["id.resp_p"].between(0, 65_535).to_numpy(dtype=np.bool_)
        rows = np.flatnonzero(counted)
        if not len(rows):
            return
        self._add_pairs(frame.iloc[rows])
        bad = rows[scores.score[rows] >= self._policy.evidence_floor]
        if len(bad):
            self._add_suspicious(frame.iloc[bad], scores, bad, ends[bad], stream)

    @property
    def suspicious(self) -> pd.DataFrame:
        """The suspicious connections that were kept, in the order of reading.

        Columns: those of `JUDGED_BY`, ``stream``, ``time`` (when it ended, epoch s), ``score``, ``class_index``.
        """
        if not self._rows:
            none = pd.DataFrame({name: pd.Series(dtype="object") for name in (*JUDGED_BY, "stream")})
            rows = none.assign(time=0.0, score=np.float32(0), class_index=0)
        else:
            rows = pd.concat(self._rows, ignore_index=True)
            over = [host for host, n in self.sure_hosts.items() if n > self._sure_connections]
            rows = rows[~rows["id.orig_h"].isin(over)].reset_index(drop=True)
        for name in ("id.orig_h", "id.resp_h", "proto", "conn_state", "stream"):
            rows[name] = rows[name].astype("category")
        return rows.astype({"id.resp_p": "int64"})

    @property
    def pairs(self) -> pd.DataFrame:
        """Who talks to whom: a line for each host, peer, port and protocol.

        Beside those: ``connections``, ``failed`` of them, ``first`` and ``last`` (began, epoch s), ``inside`` (the peer
        is), ``every`` (s, the mean gap) and ``spread`` (the deviation of the gaps as a share of it; NaN below 3).
        """
        values = [
            (*key, n, failed, first, last, inside, squares)
            for key, (n, failed, first, last, inside, squares) in self._pairs.items()
        ]
        names = [*PAIR, "connections", "failed", "first", "last", "inside", "squares"]
        table = pd.DataFrame(values, columns=pd.Index(names))
        n = table["connections"].to_numpy(dtype=np.float64)
        span = (table["last"] - table["first"]).to_numpy(dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            every = span / (n - 1)
            spread = (
                np.sqrt(np.maximum(table["squares"].to_numpy(dtype=np.float64) / (n - 1) - every**2, 0))
                / every
            )
        table["every"] = np.where(n > 1, every, np.nan)
        table["spread"] = np.where((n > 2) & (every > 0), spread, np.nan)
        return table.drop(columns="squares")

    def _add_pairs(self, frame: pd.DataFrame) -> None:
        given = Table.of(frame)
        part = frame.loc[:, [*PAIR, "ts"]].assign(
            failed=by_category(frame["conn_state"], lambda states: states.isin(FAILED_STATES)),
            inside=local_mask(given.said("local_resp"), given.label("id.resp_h")),
        )
        groups = part.groupby(list(PAIR), observed=True, sort=False)
        number = np.asarray(groups.ngroup(), dtype=np.int64)
        table = groups.agg(
            connections=("ts", "size"),
            failed=("failed", "sum"),
            first=("ts", "min"),
            last=("ts", "max"),
            inside=("inside", "first"),
        )
        table["squares"] = _squared_gaps(number, part["ts"].to_numpy(), len(table))
        for key, *new in table.itertuples(name=None):
            held = self._pairs.get(key)
            if held is None:
                self._pairs[key] = new
                continue
            between = new[2] - held[3]
            held[5] += new[5] + between * between
            held[0] += new[0]
            held[1] += new[1]
            held[2], held[3] = min(held[2], new[2]), max(held[3], new[3])
        if len(self._pairs) > _MOST_PAIRS:
            self._forget_pairs()

    def _forget_pairs(self) -> None:
        """Let those go that came least often, the older first, down to three quarters of the bound."""
        by_use = sorted(self._pairs.items(), key=lambda item: (item[1][0], item[1][3]), reverse=True)
        self._pairs = dict(by_use[: _MOST_PAIRS * 3 // 4])

    def _add_suspicious(
        self, frame: pd.DataFrame, scores: Scores, rows: npt.NDArray[np.int64], ends: Any, stream: str
    ) -> None:
        part = frame.loc[:, list(JUDGED_BY)].astype(
            dict.fromkeys(("id.orig_h", "id.resp_h", "proto", "conn_state"), "object")
        )
        part = part.assign(
            stream=stream, time=ends, score=scores.score[rows], class_index=scores.class_index[rows]
        )
        self.suspicious_of.update(part["id.orig_h"].tolist())
        sure = part[part["score"] >= self._sure_score]
        known = sure[~sure["id.orig_h"].isin(self._closed())].drop_duplicates(list(PAIR))
        for host, *peer in known[list(PAIR)].itertuples(index=False, name=None):
            if len(self.sure_peers) < _MOST_SURE:
                self.sure_peers.setdefault((peer[0], peer[1], peer[2]), host)
        self._rows.append(part[~part["id.orig_h"].isin(self._closed())])
        self.sure_hosts.update(sure["id.orig_h"].tolist())

    def _closed(self) -> list[str]:
        return [host for host, count in self.sure_hosts.items() if count >= self._sure_connections]


def _squared_gaps(number: npt.NDArray[np.int64], ts: npt.NDArray[np.float64], groups: int) -> Any:
    """The sum of the squared gaps (s²) within each group (G,)."""
    order = np.lexsort((ts, number))
    gaps = np.diff(ts[order]) ** 2
    same = number[order][1:] == number[order][:-1]
    return np.bincount(number[order][1:][same], weights=gaps[same], minlength=groups)


def _plain(names: pd.Index[str]) -> npt.NDArray[np.bool_]:
    """Which names could be addresses: a log may say anything."""
    return np.array([name.isascii() and len(name) <= _LONGEST_NAME for name in names], dtype=np.bool_)
