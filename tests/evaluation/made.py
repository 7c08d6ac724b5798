"""A small evaluation made by hand: two captures, four hosts, scores that are written down."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from tests.builders import frame_of, row
from zeekml.alerts import AlertPolicy, Notice
from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE
from zeekml.evaluation.evaluate import Asked, Gathered, assembled
from zeekml.evaluation.parts import Part
from zeekml.evaluation.verdicts import Verdicts

CLASSES = ("Benign", "PortScan", "C&C")
POLICY = AlertPolicy(connection_threshold=0.8, host_threshold=5.0, evidence_floor=0.5, half_life=3600.0)
BOT, QUIET, CLEAN, LOUD = "192.168.1.66", "192.168.1.67", "10.0.0.1", "10.0.0.2"


class StandIn:
    """Gives verdicts that were written down instead of judging."""

    def __init__(self, name: str, verdicts: dict[str, Verdicts], trained: tuple[str, ...] = ()) -> None:
        logs = tuple(SimpleNamespace(name=log, sha256="0" * 64) for log in trained)
        manifest = SimpleNamespace(
            files={"weights.safetensors": "ab" * 32}, training=SimpleNamespace(logs=logs), tuning=None
        )
        self.bundle = SimpleNamespace(name=name, version="1", classes=CLASSES, manifest=manifest)
        self.policy = POLICY
        self.cut = POLICY.connection_threshold
        self._verdicts = verdicts

    def judge(self, frame: pd.DataFrame, stream: str) -> Verdicts:
        assert len(frame) == len(self._verdicts[stream].score)
        return self._verdicts[stream]


def part(name: str, hosts: list[str], labels: list[int], known: dict[str, bool]) -> Part:
    """A log of these originators, a connection a minute that takes a second."""
    frame = frame_of(
        [
            row(ts=1.7e9 + 60.0 * at, id_orig_h=host, duration=1.0, uid=f"C{name}{at}")
            for at, host in enumerate(hosts)
        ]
    )
    rows = pd.DataFrame(
        {
            "capture": name,
            "group": name,
            "host": hosts,
            "local": True,
            "kind": "log",
            "label": np.array(labels, dtype=np.int64),
            "of_bot": True,
            "event_time": (frame["ts"] + frame["duration"]).to_numpy(),
        }
    )
    return Part(name, name, frame, rows, known, {})


def verdicts(score: list[float], class_index: list[int], notices: list[Notice]) -> Verdicts:
    """Verdicts with every connection watched."""
    held = np.array(score)
    return Verdicts(
        held,
        np.array(class_index, dtype=np.int64),
        held >= POLICY.connection_threshold,
        np.ones(len(held), dtype=bool),
        notices,
        ["why, in words"] * len(notices),
    )


def notice(row: int, note: str, class_name: str, score: float) -> Notice:
    return Notice(row, note, class_name, score, 2, 5.5 if note == HOST_NOTE else None, 3600.0)


PARTS = (
    part(
        "bots",
        [BOT, QUIET, BOT, BOT, QUIET, BOT],
        [0, 2, 1, 1, 2, -1],
        {BOT: True, QUIET: True},
    ),
    part("clean", [CLEAN, LOUD, CLEAN, LOUD], [0, 0, 0, 0], {CLEAN: False, LOUD: False}),
)

A = {
    "bots": verdicts(
        [0.1, 0.3, 0.9, 0.95, 0.7, 0.99],
        [1, 1, 1, 2, 2, 1],
        [notice(2, CONNECTION_NOTE, "PortScan", 0.9), notice(3, HOST_NOTE, "PortScan", 0.95)],
    ),
    "clean": verdicts(
        [0.05, 0.2, 0.15, 0.85],
        [2, 2, 2, 2],
        [notice(3, CONNECTION_NOTE, "C&C", 0.85), notice(3, HOST_NOTE, "C&C", 0.85)],
    ),
}
B = {
    "bots": verdicts(
        [0.1, 0.9, 0.9, 0.95, 0.7, 0.99], [1, 2, 1, 1, 2, 1], [notice(1, HOST_NOTE, "C&C", 0.9)]
    ),
    "clean": verdicts([0.05, 0.2, 0.15, 0.25], [2, 2, 2, 2], []),
}
LOGS: list[dict[str, Any]] = [
    {"capture": "bots", "name": "bots", "files": {"bots.conn.log": "1" * 64}, "labelled": True, "connections": 6,
     "counted": 5, "malicious": 4},
    {"capture": "clean", "name": "clean", "files": {"clean.conn.log": "0" * 64}, "labelled": True, "connections": 4,
     "counted": 4, "malicious": 0},
]  # fmt: skip


def document(
    *, pair: bool = False, trained: tuple[str, ...] = (), names: tuple[str, str] = ("one", "two")
) -> Any:
    """The document of model A, or of both."""
    judges = [StandIn(names[0], A, trained), StandIn(names[1], B)][: 2 if pair else 1]
    gathered = [Gathered(cast(Any, judge)) for judge in judges]
    for each in gathered:
        for one in PARTS:
            each.add(one)
    rows = pd.concat([one.rows for one in PARTS], ignore_index=True)
    asked = Asked(fprs=(0.2, 0.01), draws=100)
    return assembled(rows, gathered, [dict(log) for log in LOGS], CLASSES, asked)
