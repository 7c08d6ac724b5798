"""What the page shows, as one JSON object of columns: hosts, their peers, counts over time, notices.

Texts stand in one list, ``strings``, and everywhere else their places in it; -1 is none. Each is on one line and
without controls, as ``sinks.text`` makes it. Times are epoch seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from zeekml.drift.file import DriftFile
from zeekml.drift.report import DriftReport
from zeekml.report.gather import BIN, PAIR, Gathered
from zeekml.report.hosts import host_table
from zeekml.report.logs import Source
from zeekml.report.schema import LISTS
from zeekml.report.used import Used
from zeekml.sinks.text import printable

FORMAT: Final = 1
_MOST_CHARACTERS = 2048
_MOST_MOVED = 5
_STEPS: Final = (60, 120, 300, 600, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a page holds, so that a browser opens it at once; what is left off is said on it.

    ``pairs``, ``ports``: of one host, fewer where all hosts together would have more than ``rows``. ``shared``: peers
    on the map. ``bars``: steps of the period, longer ones where hosts and classes would have more than ``rows``.
    """

    hosts: int = 2000
    notices: int = 20_000
    pairs: int = 60
    ports: int = 30
    shared: int = 40
    bars: int = 240
    rows: int = 40_000

    def each(self, most: int, hosts: int) -> int:
        """How many of ``most`` rows each of so many hosts may have."""
        return min(most, max(5, self.rows // max(1, hosts)))


class Strings:
    """The texts of a document, each once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: object) -> int:
        """The place of a text made fit to be shown; -1 for none and for an empty one."""
        if not isinstance(text, str) or not text:
            return -1
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self.texts)
            self.texts.append(printable(text, _MOST_CHARACTERS))
        return place

    def places(self, texts: pd.Series) -> list[int]:
        """The places of a column of texts."""
        return [self.place(text) for text in texts.tolist()]


def document(
    gathered: Gathered,
    sources: Sequence[Source],
    models: Sequence[Used],
    *,
    made: float,
    version: str,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """The page's content; ``made``: epoch s, ``version``: zeekml's."""
    limits = limits or Limits()
    strings = Strings()
    notices = gathered.all_notices()
    pairs = _all_pairs(gathered, notices)
    hosts = host_table(gathered, notices, pairs)
    listed = hosts.head(limits.hosts)
    pairs = pairs[pairs["host"].isin(set(listed["host"]))]
    first, last = _period(hosts)
    return {
        "format": FORMAT,
        "made": made,
        "version": version,
        "period": [first, last],
        "least": gathered.least,
        "scored": gathered.scored,
        "otherNotices": gathered.other_notices,
        "totals": {
            "hosts": len(hosts),
            "named": int((hosts["notices"] > 0).sum()),
            "notices": len(notices),
            "connections": int(hosts["n"].sum()),
            "pairsLeftOff": gathered.pairs.left_off,
        },
        "sources": [
            {
                "name": strings.place(source.name),
                "kind": source.kind,
                "lines": source.lines,
                "rejected": source.rejected,
                "problem": strings.place(None if source.problem is None else str(source.problem)),
            }
            for source in sources
        ],
        "models": [
            {
                "name": strings.place(model.name),
                "lines": model.lines,
                "hostThreshold": model.host_threshold,
                "facts": [[strings.place(name), strings.place(value)] for name, value in model.facts],
            }
            for model in models
        ],
        "health": [
            [
                strings.place(host),
                strings.place(code),
                gathered.health[host, code],
                gathered.marked[host, code],
            ]
            for host, code in _marks(gathered)[: limits.hosts]
        ],
        "drift": [
            _drift(file, log, report, strings) for file in gathered.drift for log, report in file.logs.items()
        ][: limits.hosts],
        "hosts": _hosts(listed, strings),
        "pairs": _columns(
            _strongest(pairs, limits.each(limits.pairs, len(listed))),
            strings,
            (*PAIR, "n", "score", "first", "last"),
        ),
        "ports": _columns(
            _strongest(_by_port(pairs), limits.each(limits.ports, len(listed))),
            strings,
            ("host", "port", "proto", "class", "peers", "n", "score", "first", "last", "peer"),
        ),
        "shared": _shared(pairs, listed, limits.shared, strings),
        "bars": _bars(gathered, notices, listed, (first, last), limits, strings),
        "notices": _columns(
            notices.tail(limits.notices),
            strings,
            (
                "ts",
                "uid",
                "host",
                "peer",
                "port",
                "proto",
                "note",
                "class",
                "score",
                "evidence",
                "n",
                "why",
                "sensor",
                "more",
                *LISTS,
            ),
        ),
        "strings": strings.texts,
    }


def _marks(gathered: Gathered) -> list[tuple[str, str]]:
    """Hosts and what was wrong with their logs, those with the most notices and then connections first."""
    known = {*gathered.health, *gathered.marked}
    return sorted(known, key=lambda mark: (-gathered.health[mark], -gathered.marked[mark], mark))


def _drift(file: DriftFile, log: str, report: DriftReport, strings: Strings) -> dict[str, Any]:
    """How far one log is from what its model was trained on."""
    return {
        "log": strings.place(log),
        "model": strings.place(file.model),
        "made": file.made,
        "lookedAt": round(report.looked_at),
        "near": report.near,
        "nearExpected": report.near_expected,
        "movedMuch": len(report.moved_much),
        "features": len(report.index),
        "most": [
            [strings.place(name), round(value, 2)] for name, value in list(report.index.items())[:_MOST_MOVED]
        ],
    }


def _all_pairs(gathered: Gathered, notices: pd.DataFrame) -> pd.DataFrame:
    """Host, peer, port, protocol and class: by zeekml.log, and by the notices' connections where it has none."""
    logged = gathered.pairs.table()
    carried = notices.rename(columns={"ts": "first"}).assign(last=notices["ts"], carried=1)
    groups = carried.groupby(list(PAIR), sort=False, dropna=False)
    told = groups.agg(
        n=("carried", "sum"), score=("score", "max"), first=("first", "min"), last=("last", "max")
    )
    told = told.reset_index()
    if logged.empty or told.empty:
        return told if logged.empty else logged
    keys = list(PAIR[:-1])
    known = pd.MultiIndex.from_frame(logged[keys])
    return pd.concat([logged, told[~pd.MultiIndex.from_frame(told[keys]).isin(known)]], ignore_index=True)


def _period(hosts: pd.DataFrame) -> tuple[float, float]:
    return (0.0, 0.0) if hosts.empty else (float(hosts["first"].min()), float(hosts["last"].max()))


def _strongest(pairs: pd.DataFrame, most: int) -> pd.DataFrame:
    """Of each host the pairs with the most connections, then the highest score."""
    ordered = pairs.sort_values(["n", "score", "first"], ascending=[False, False, True], kind="stable")
    return ordered.groupby("host", sort=False).head(most)


def _by_port(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs joined over their peers: a scan is one row. ``peer``: where it is only one."""
    groups = pairs.groupby(["host", "port", "proto", "class"], sort=False, dropna=False)
    ports = groups.agg(
        peers=("peer", "nunique"), n=("n", "sum"), score=("score", "max"), first=("first", "min"),
        last=("last", "max"), peer=("peer", "first"),
    ).reset_index()  # fmt: skip
    return ports.assign(peer=ports["peer"].where(ports["peers"] == 1, ""))


def _hosts(hosts: pd.DataFrame, strings: Strings) -> dict[str, list[Any]]:
    columns = _columns(
        hosts,
        strings,
        ("host", "evidence", "score", "notices", "n", "peers", "pairs", "first", "last", "why", "model"),
    )
    columns["classes"] = [
        [[strings.place(name), count] for name, count in classes] for classes in hosts["classes"]
    ]
    return columns


def _shared(pairs: pd.DataFrame, hosts: pd.DataFrame, most: int, strings: Strings) -> dict[str, list[Any]]:
    """Edges from hosts to the peers that two of them or more talk to, those first that matter most.

    Where there are notices, only hosts that have one count: whoever scans a network from outside shares its hosts.
    """
    named = hosts[hosts["notices"] > 0]
    chosen = set((named if len(named) else hosts)["host"])
    mine = pairs[pairs["host"].isin(chosen) & (pairs["peer"] != "")]
    mine = mine[~_by_chance(mine)]
    # Two hosts that call the same peer all day come before two that met there once.
    weight = mine.groupby(["peer", "host"], sort=False)["n"].sum().transform(np.log1p).reset_index()
    by_peer = (
        weight.groupby("peer", sort=False).agg(hosts=("host", "nunique"), weight=("n", "sum")).reset_index()
    )
    by_peer = by_peer[by_peer["hosts"] > 1].sort_values(["weight", "peer"], ascending=[False, True])
    place = {peer: i for i, peer in enumerate(by_peer["peer"].head(most))}
    edges = mine[mine["peer"].isin(place)]
    edges = edges.assign(place=edges["peer"].map(place)).sort_values(["place", "n"], ascending=[True, False])
    return _columns(edges, strings, ("host", "peer", "port", "proto", "class", "n", "score"))


def _by_chance(pairs: pd.DataFrame) -> pd.Series:
    """Which pairs are but a hit of a scan: one or two connections, by a host with more than 100 peers on that port."""
    breadth = pairs.groupby(["host", "port", "proto"], sort=False)["peer"].transform("nunique")
    return (pairs["n"] < 3) & (breadth > 100)


def _bars(
    gathered: Gathered,
    notices: pd.DataFrame,
    hosts: pd.DataFrame,
    period: tuple[float, float],
    limits: Limits,
    strings: Strings,
) -> dict[str, Any]:
    """Connections of each host by class over time; without a zeekml.log those that the notices count."""
    moments = gathered.moments.table()
    if moments.empty and len(notices):
        moments = notices.assign(bin=(notices["ts"] // BIN).astype(np.int64))[["host", "class", "bin", "n"]]
    moments = moments[moments["host"].isin(set(hosts["host"]))]
    first, last = period
    step = next((step for step in _STEPS if (last - first) / step < limits.bars - 1), 0)
    step = step or math.ceil((last - first) / (limits.bars - 1) / BIN) * int(BIN)
    counted = _counted(moments, first, step)
    while len(counted) > limits.rows and step < last - first:
        step *= 2
        counted = _counted(moments, first, step)
    start = int(first // step) * step
    return {
        "start": start,
        "step": step,
        "count": int((last - start) // step) + 1,
        **_columns(counted, strings, ("host", "class", "at", "n")),
    }


def _counted(moments: pd.DataFrame, first: float, step: int) -> pd.DataFrame:
    """Connections by host, class and step (``at``) since the one that ``first`` is in."""
    at = (moments["bin"] * BIN // step - first // step).clip(lower=0)
    groups = moments.assign(at=at).groupby(["host", "class", "at"], sort=False, dropna=False)
    return groups["n"].sum().reset_index()


_TEXTS = frozenset(
    {"host", "peer", "proto", "class", "note", "uid", "why", "model", "sensor", "more", *LISTS}
)
_DECIMALS = {"score": 4, "evidence": 2, "ts": 6, "first": 6, "last": 6}


def _columns(frame: pd.DataFrame, strings: Strings, names: Sequence[str]) -> dict[str, list[Any]]:
    """Columns as lists that JSON can hold; a missing number is null."""
    return {
        name: strings.places(frame[name]) if name in _TEXTS else _numbers(frame[name], _DECIMALS.get(name))
        for name in names
    }


def _numbers(column: pd.Series, decimals: int | None) -> list[Any]:
    if decimals is None:
        return [int(value) for value in column.tolist()]
    return [
        None if not math.isfinite(value) else round(value, decimals)
        for value in column.astype(np.float64).tolist()
    ]
