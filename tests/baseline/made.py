"""Logs of a small site, made by hand, with the scores that a model gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.alerts.logs import frame_of, scores_of
from zeekml.alerts import AlertPolicy
from zeekml.baseline import Baseline
from zeekml.baseline.gather import Gathered
from zeekml.baseline.learn import learn
from zeekml.baseline.usual import Asked, Words

START = 1_699_920_000.0  # midnight
DAY = 86_400.0
MODEL = {"name": "made", "version": "1", "weights_sha256": "ab" * 32}
POLICY = AlertPolicy(connection_threshold=0.99, host_threshold=10.0, evidence_floor=0.8, half_life=3600.0)

Line = tuple[float, Mapping[str, object]]


def line(at: float, score: float, orig: str, resp: str, port: int = 443, **more: object) -> Line:
    """A connection ``at`` so many seconds after START, with its score."""
    ends = {"id.orig_h": orig, "id.resp_h": resp, "id.resp_p": port}
    return score, {"ts": START + at, "conn_state": "SF", "local_orig": True, **ends, **more}


def gathered(lines: Iterable[Line], asked: Asked | None = None, batch: int = 1000) -> Gathered:
    """What is kept of these lines, read in batches of so many."""
    asked = asked or Asked()
    held = sorted(lines, key=lambda each: float(str(each[1]["ts"])))
    found = Gathered(POLICY, sure_score=asked.sure_score, sure_connections=asked.sure_connections)
    for begin in range(0, len(held), batch):
        part = held[begin : begin + batch]
        found.add(frame_of([row for _, row in part]), scores_of([score for score, _ in part]), "conn.log")
    return found


def learned(
    lines: Iterable[Line], asked: Asked | None = None, words: Words | None = None, **more: Any
) -> Baseline:
    """The baseline of these lines."""
    asked = asked or Asked()
    return learn(
        gathered(lines, asked, **more),
        POLICY,
        asked,
        words or Words(),
        model=MODEL,
        logs=1,
        made=START + 10 * DAY,
        version="0",
    )


def week(score: float = 0.9, orig: str = "10.0.0.5", resp: str = "198.51.100.7", **more: Any) -> list[Line]:
    """One suspicious connection a day to one peer, and ordinary ones each hour."""
    lines = [line(day * DAY + 43_200.5, score, orig, resp, **more) for day in range(7)]
    return lines + [
        line(hour * 3600.0, 0.01, orig, "198.51.100.1", 53, proto="udp") for hour in range(7 * 24)
    ]
