"""The judges written down once more, one block and one host at a time, to hold against those that judge many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from zeekml.addresses import group_mask, private_mask
from zeekml.arrays import Arrays, pack_texts, under
from zeekml.health import CODES
from zeekml.health.flags import (
    ANSWERED,
    BAD,
    BOTH_DATA,
    DATA,
    HALF,
    INSIDE,
    KNOWN,
    MISSED,
    OUTWARD,
    REVERSED,
    TCP,
    UNICAST,
)
from zeekml.health.monitor import BLOCK, WINDOW

Verdict = tuple[float, float, bool, str] | None
"""Bad ones, of how many, whether they are too many, and the host that most come from; None: too little to judge."""


@dataclass(frozen=True)
class Connection:
    flags: int
    ts: float
    end: float
    orig: str
    resp: str
    orig_p: int

    def has(self, bits: int) -> bool:
        return self.flags & bits == bits


Part = list[Connection]


def connections_of(frame: pd.DataFrame) -> Part:
    return [_connection(row) for row in frame.to_dict("records")]


def _connection(row: Mapping[Any, Any]) -> Connection:
    def text(name: str) -> str:
        return "" if pd.isna(row[name]) else str(row[name])

    history, proto, state = text("history"), text("proto"), text("conn_state")
    letters = set(history) - set("Cc")
    above = {name: bool(row[name] > 0) for name in ("orig_bytes", "resp_bytes", "missed_bytes", "resp_pkts")}
    known, bad = history != "", bool(set(history) & set("Cc"))
    unicast = proto in ("tcp", "udp") and not _group(row["id.resp_h"])
    one_side = any(map(str.isupper, letters)) != any(map(str.islower, letters))
    alone = proto == "tcp" and one_side and bool(letters & set("ADFadf"))
    alone = alone and bool(row["orig_pkts"] >= 3 or row["resp_pkts"] >= 3)
    midstream = proto == "tcp" and known and not bad and not letters & set("SsHh")
    answered = state in ("SF", "S1", "S2", "S3", "RSTO", "RSTR", "RSTRH", "REJ", "SHR")
    inside = _inside(row["local_orig"], row["id.orig_h"])
    told = {
        KNOWN: known,
        BAD: bad,
        TCP: proto == "tcp",
        UNICAST: unicast,
        ANSWERED: above["resp_pkts"] or answered or any(map(str.islower, letters)),
        DATA: above["orig_bytes"] or above["resp_bytes"],
        BOTH_DATA: above["orig_bytes"] and above["resp_bytes"],
        MISSED: above["missed_bytes"],
        HALF: unicast and known and not bad and (alone or state == "SHR"),
        REVERSED: midstream and row["id.orig_p"] < 1024 <= row["id.resp_p"],
        INSIDE: inside,
        OUTWARD: inside and not _inside(row["local_resp"], row["id.resp_h"]),
    }
    duration = 0.0 if pd.isna(row["duration"]) else row["duration"]
    return Connection(
        sum(bit for bit, true in told.items() if true),
        row["ts"],
        row["ts"] + duration,
        row["id.orig_h"],
        row["id.resp_h"],
        row["id.orig_p"],
    )


def _inside(said: Any, address: str) -> bool:
    return bool(private_mask([address])[0]) if pd.isna(said) else bool(said)


def _group(address: str) -> bool:
    return bool(group_mask([address])[0])


def _leading(rows: Part) -> tuple[str, int]:
    return min(Counter(row.orig for row in rows).items(), key=lambda item: (-item[1], item[0]))


def _share(block: Part, bad: int, of: int, most: float, never: int = 0) -> Verdict:
    counted = [row for row in block if row.has(bad)]
    total = sum(row.has(of) and not row.flags & never for row in block)
    if total < 48:
        return None
    affected = len(counted) >= most * total
    return len(counted), total, affected, _leading(counted)[0] if affected else ""


def _no_answers(window: Part) -> Verdict:
    rows = [row for row in window if row.has(UNICAST | INSIDE)]
    tries = Counter(row.orig for row in rows)
    answered = {row.orig for row in rows if row.has(ANSWERED)}
    asking = [host for host, count in tries.items() if count >= 5]
    silent = sum(host not in answered for host in asking)
    return None if len(asking) < 3 else (silent, len(asking), silent >= max(3, 0.8 * len(asking)), "")


def _shared_address(window: Part) -> Verdict:
    rows = [row for row in window if row.has(TCP | OUTWARD | BOTH_DATA)]
    if len(rows) < 48:
        return None
    host, count = _leading(rows)
    ports = [row.orig_p for row in rows if row.orig == host]

    def within(low: int, high: int) -> float:
        return sum(low <= port < high for port in ports) / len(ports)

    mixed = min(within(32768, 49152), within(61000, 65536)) >= 0.05 and within(5001, 32768) <= 0.1
    return count, len(rows), count >= 0.9 * len(rows) and mixed, host


def _proxy(window: Part) -> Verdict:
    rows = [row for row in window if row.has(TCP | INSIDE | BOTH_DATA)]
    outward = [row for row in rows if row.has(OUTWARD)]
    if len(outward) < 48:
        return None
    host, count = _leading(outward)
    others = [row for row in rows if row.orig != host]
    through = [row for row in others if row.resp == host]
    clients = {row.orig for row in through}
    most = len(clients) >= 3 and len(through) / len(others) >= 0.8
    return count, len(outward), count >= 0.9 * len(outward) and most, host


_BY_BLOCK: dict[str, Callable[[Part], Verdict]] = {
    "bad-checksums": lambda block: _share(block, BAD, KNOWN, 0.5),
    "one-sided": lambda block: _share(block, HALF, UNICAST | KNOWN, 0.5, never=BAD),
    "reversed": lambda block: _share(block, REVERSED, TCP, 0.1),
    "missed-bytes": lambda block: _share(block, MISSED | TCP | DATA, TCP | DATA, 0.2),
}
_BY_WINDOW: dict[str, Callable[[Part], Verdict]] = {
    "no-answers": _no_answers,
    "shared-address": _shared_address,
    "proxy": _proxy,
}


@dataclass
class Reference:
    """One stream: counts by code of parts, parts judged, bad ones, of how many, first, last, worst."""

    rows: Part = field(default_factory=list)
    lines: int = 0
    left: np.ndarray = field(default_factory=lambda: np.zeros(len(CODES), dtype=np.int64))
    whole: np.ndarray = field(default_factory=lambda: np.zeros((len(CODES), 7)))
    lately: np.ndarray = field(default_factory=lambda: np.zeros((len(CODES), 7)))
    hosts: list[str] = field(default_factory=lambda: [""] * len(CODES))
    latest: float = -np.inf
    busy: list[float] = field(default_factory=lambda: [np.inf] * 4)
    early: list[tuple[float, float]] = field(default_factory=lambda: [(-np.inf, -np.inf)] * 2)

    def process(self, frame: pd.DataFrame) -> list[tuple[str, ...]]:
        """What stood when each connection came."""
        marks = []
        for row in connections_of(frame):
            marks.append(tuple(code for code, left in zip(CODES, self.left, strict=True) if left))
            self.rows.append(row)
            if len(self.rows) % BLOCK == 0:
                self.judge_block(self.rows[-BLOCK:])
            if len(self.rows) == WINDOW:
                self.judge_window(self.rows)
                self.rows = []
        return marks

    def end(self) -> None:
        if rest := self.rows[len(self.rows) // BLOCK * BLOCK :]:
            self.judge_block(rest)
        if self.rows:
            self.judge_window(self.rows)

    def export(self) -> Arrays:
        """What is told of the stream, as `SensorHealth.export` gives it."""
        return {
            "left": self.left,
            "whole": self.whole,
            "lately": self.lately,
            "times/latest": np.array(self.latest),
            "times/busy": np.array(self.busy),
            "times/early": np.array(self.early),
            **under("hosts", pack_texts(self.hosts)),
            **under("rows/orig", pack_texts([row.orig for row in self.rows])),
            **under("rows/resp", pack_texts([row.resp for row in self.rows])),
        }

    def judge_block(self, block: Part) -> None:
        for code, judge in _BY_BLOCK.items():
            self.take(code, judge(block), block, 4)
        back = self.jump(block)
        gap = self.gap(block)
        self.take("gap", (1, 1, gap > 0, ""), block, 4, gap)
        self.take("clock", (1, 1, back > 0, ""), block, 4, back)

    def judge_window(self, window: Part) -> None:
        for code, judge in _BY_WINDOW.items():
            self.take(code, judge(window), window, 1)

    def take(self, code: str, verdict: Verdict, part: Part, stands: int, worst: float = 0.0) -> None:
        if verdict is None:
            return
        place, (bad, of, affected, host) = CODES.index(code), verdict
        if affected and not self.left[place]:
            self.lately[place] = 0
        first, last = min(row.ts for row in part), max(row.end for row in part)
        for counts in (self.whole[place], self.lately[place]):
            counts[1] += 1
            if affected:
                counts[4] = min(first, counts[4]) if counts[0] else first
                counts[5] = max(last, counts[5]) if counts[0] else last
                counts[[0, 2, 3]] += (1, bad, of)
                counts[6] = max(worst, counts[6])
        if affected:
            self.left[place], self.hosts[place] = stands, host
        elif self.left[place]:
            self.left[place] -= 1

    def jump(self, block: Part) -> float:
        if len(block) < 48:
            return 0.0
        times = sorted(row.ts for row in block), sorted(row.end for row in block)
        few = len(block) // 10
        early, late = (times[0][few], times[1][few]), (times[0][-1 - few], times[1][-1 - few])
        behind = max(min(was[0] - late[0], was[1] - late[1]) for was in self.early)
        if behind < 600:
            self.early = [self.early[1], early]
            return 0.0
        self.early = [(-np.inf, -np.inf), early]
        self.latest = -np.inf
        return behind

    def gap(self, block: Part) -> float:
        silent, steps = [0.0], []
        for row in block:
            if np.isfinite(self.latest):
                silent.append(row.ts - self.latest)
                steps.append(min(max(self.latest, row.end) - self.latest, 600.0))
            self.latest = max(self.latest, row.end)
        longest = max(silent)
        found = longest if longest >= max(600.0, sum(self.busy)) else 0.0
        self.busy = [*self.busy[1:], float(np.sum(steps))]
        return found
