"""A small batch with its scores, notices and reasons, hostile texts among them, and its outputs written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from tests.alerts.logs import CLASSES, frame_of
from zeekml.alerts import AlertEngine, AlertPolicy, Explained
from zeekml.health import Marks
from zeekml.scoring.scores import Scores
from zeekml.sinks import Format, Outputs, open_outputs

MODEL = "sample-1"
OPENED = datetime(2026, 11, 23, 18, 30, 5)

POLICY = AlertPolicy(connection_threshold=0.9, host_threshold=5.0, evidence_floor=0.5, half_life=600.0)

CONNECTIONS: Sequence[Mapping[str, object]] = (
    {"ts": 1700000000.000001, "uid": "C1", "service": "dns", "proto": "udp", "id.resp_p": 53},
    {"ts": 1700000001.5, "uid": "C2", "duration": 0.25, "service": "http"},
    {"ts": 1700000002.999999, "uid": "C3"},
    {"ts": 1700000003.0, "uid": "C4", "id.orig_h": "fd00::1", "id.resp_h": "2001:db8::2", "id.resp_p": 443},
    {"ts": 1700000004.0, "uid": "C5", "proto": "icmp", "id.orig_p": 8, "id.resp_p": 0},
    {"ts": 0.0, "uid": "tab\there", "service": "-"},
    {"ts": 1700000006.0, "uid": "line\nbreak", "service": "(empty)"},
    {"ts": 1700000007.0, "uid": "back\\slash", "service": ""},
    {"ts": 1700000008.0, "uid": "-", "service": "\x1b[31mred\x1b[0m", "id.orig_h": "192.168.1.\t11"},
    {"ts": 1700000009.0, "uid": "(empty)", "service": "ssl,http"},
    {"ts": 1700000010.0, "uid": "naïve 漢 \x85", "service": "\x00\x7f\r"},
)
SCORE = (0.01, 0.95, 0.997, 0.92, 0.6, 0.5, 0.5, 0.5, 0.93, 0.5, 1.0)
MARKS = Marks((0, 2, 3), ((), ("bad-checksums", "one-sided"), ()))
"""What was wrong with the log when rows came: something with the third."""

CLASS_INDEX = (1, 1, 3, 1, 2, 1, 1, 1, 1, 1, 2)


def sample() -> tuple[pd.DataFrame, Scores]:
    score = np.array(SCORE, dtype=np.float32)
    return frame_of(CONNECTIONS), Scores(score, np.array(CLASS_INDEX), score * np.float32(0.75))


def write_all(outputs: Outputs, frame: pd.DataFrame, scores: Scores) -> None:
    """Everything a driver does with a batch."""
    alerts = AlertEngine(POLICY, CLASSES).process(frame, scores, "conn").marked(MARKS.at)
    rows = np.arange(len(frame))
    explained_rows = alerts.rows_to_explain(rows)
    reasons = [f"failed_share=0.98, tries={row}" if row != 3 else "" for row in explained_rows]
    explained = Explained(explained_rows, reasons)
    outputs.zeekml_log.write(frame, scores, rows, explained.where(alerts.above), alerts.notices, MARKS)
    outputs.notice_log.write(alerts.notices, frame, explained)
    outputs.rejects_log.write("#conn.log", 17, "11 fields, expected 21", r"1700000000.0\x09\x1b[31m\\")
    outputs.rejects_log.write("conn.log", 18, "no number in ts: 'x'", "-")


def written(folder: Path, fmt: Format) -> Path:
    """The folder, with the outputs of the sample in it."""
    with open_outputs(folder, fmt, model=MODEL, classes=CLASSES, clock=lambda: OPENED) as outputs:
        write_all(outputs, *sample())
        outputs.commit()
    return folder
