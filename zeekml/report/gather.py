"""Adds up the frames of notice.log and zeekml.log into what a report needs, in whatever order they come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from zeekml.drift.file import DriftFile
from zeekml.report.facts import parse_facts
from zeekml.report.schema import LISTS
from zeekml.report.tally import Tally

OURS: Final = "ZeekML::"
"""How our notes begin, also where Zeek itself raised them."""

SENSOR: Final = "sensor"
"""The fact of a notice that says what was wrong with its log."""

PAIR: Final = ("host", "peer", "port", "proto", "class")
BIN: Final = 60.0
"""Seconds; the steps in which connections are counted over time."""

_MOST_PAIRS = 500_000
_SPAN = {"n": "sum", "score": "max", "first": "min", "last": "max"}


def _pairs() -> Tally:
    return Tally(PAIR, _SPAN, _MOST_PAIRS)


@dataclass
class Gathered:
    """All that was added. ``least``: the score (0..1) from which a line of zeekml.log is a finding.

    ``notices`` has one row each: ``ts uid host peer port proto note class score evidence model why sensor more n`` and
    `LISTS`, what carries the evidence; ``sensor`` is what was wrong with its log, ``more`` what else its facts say. The
    tallies have ``n``, ``score`` (highest), ``first`` and ``last`` (epoch s) of the connections that score ``least`` or
    more.
    """

    least: float = 0.5
    notices: list[pd.DataFrame] = field(default_factory=list)
    pairs: Tally = field(default_factory=_pairs)
    hosts: Tally = field(default_factory=lambda: Tally(("host", "class"), _SPAN))
    moments: Tally = field(default_factory=lambda: Tally(("host", "class", "bin"), {"n": "sum"}))
    best: list[pd.DataFrame] = field(default_factory=list)
    """For each host the connection of the highest score that has reasons: ``host score why``."""
    scored: int = 0
    """Lines of zeekml.log, whatever their score."""
    other_notices: int = 0
    """Notices that are not zeekml's."""
    models: Counter[str] = field(default_factory=Counter)
    drift: list[DriftFile] = field(default_factory=list)
    """What is said of drift beside the logs."""
    health: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Notices by host and what was wrong with the log when they came."""
    marked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Likewise the connections that score ``least`` or more."""

    def add_notices(self, frame: pd.DataFrame) -> None:
        """Add lines of a notice.log."""
        ours = frame["note"].str.startswith(OURS).to_numpy(dtype=bool)
        self.other_notices += int((~ours).sum())
        frame = frame[ours]
        if frame.empty:
            return
        facts = [parse_facts(sub) for sub in frame["sub"]]
        notices = pd.DataFrame(
            {
                "ts": frame["ts"].to_numpy(),
                **_ends(frame),
                "note": frame["note"].str.removeprefix(OURS).to_numpy(),
                "class": _text([each.class_name for each in facts]),
                "score": [each.score for each in facts],
                "evidence": [each.evidence for each in facts],
                "model": _text([each.model for each in facts]),
                "why": _text([each.why for each in facts]),
                "sensor": _text([each.get(SENSOR) for each in facts]),
                "more": _text([each.others(SENSOR) for each in facts]),
                **{name: frame[name].fillna("").to_numpy() for name in LISTS},
                "n": frame["n"].fillna(1).clip(1, 2**53).astype(np.int64).to_numpy(),
            }
        )
        self.notices.append(notices)
        self.models.update(each.model for each in facts if each.model)
        _count_marks(self.health, notices["host"], notices["sensor"])

    def add_scored(self, frame: pd.DataFrame) -> None:
        """Add lines of a zeekml.log."""
        self.scored += len(frame)
        self.models.update(Counter(frame["model"].dropna().tolist()))
        frame = frame[(frame["score"] >= self.least).to_numpy()]
        if frame.empty:
            return
        rows = pd.DataFrame(
            {
                **_ends(frame),
                "class": frame["class"].to_numpy(),
                "score": frame["score"].to_numpy(),
                "first": frame["ts"].to_numpy(),
                "last": frame["ts"].to_numpy(),
                "bin": (frame["ts"] // BIN).astype(np.int64).to_numpy(),
                "why": frame["reasons"].to_numpy(),
                "n": 1,
            }
        )
        for tally in (self.pairs, self.hosts, self.moments):
            tally.add(rows)
        _count_marks(self.marked, rows["host"], frame["sensor"])
        self.best = [best_of([*self.best, rows.loc[rows["why"].notna(), ["host", "score", "why"]]])]

    def all_notices(self) -> pd.DataFrame:
        """The notices of all frames, in the order of their time."""
        columns = (
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
            "model",
        )
        if not self.notices:
            return pd.DataFrame(
                {name: pd.Series(dtype=object) for name in (*columns, "why", "sensor", "more", *LISTS, "n")}
            )
        return pd.concat(self.notices, ignore_index=True).sort_values("ts", kind="stable", ignore_index=True)


def best_of(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The row of the highest ``score`` for each ``host``, the first of equal ones."""
    joined = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    return joined.sort_values("score", ascending=False, kind="stable").drop_duplicates("host")


def _ends(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Who spoke with whom; what is unset is an empty text."""
    return {
        "uid": frame["uid"].fillna("").to_numpy(),
        "host": frame["id.orig_h"].to_numpy(),
        "peer": frame["id.resp_h"].fillna("").to_numpy(),
        "port": frame["id.resp_p"].to_numpy(),
        "proto": frame["proto"].fillna("").to_numpy(),
    }


def _count_marks(counter: Counter[tuple[str, str]], hosts: pd.Series, said: pd.Series) -> None:
    """Count lines (N,) by host and by each of the codes that stand in ``said``, with commas between them."""
    lines = pd.DataFrame({"host": hosts.to_numpy(), "said": said.fillna("").to_numpy()})
    counts = lines[lines["said"] != ""].value_counts(["host", "said"], sort=False).reset_index()
    for host, codes, number in counts.itertuples(index=False, name=None):
        counter.update({(host, code): int(number) for code in codes.split(",")})


def _text(values: list[str]) -> pd.Series:
    return pd.Series(values, dtype=object)
