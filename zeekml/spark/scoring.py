"""The second step on the executors: a place's hosts are scored in log order, and streams looked at as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyarrow as pa

from zeekml.alerts import AlertEngine, AlertPolicy, Alerts, Explained, Notice
from zeekml.health import SensorHealth
from zeekml.pipeline.summary import HostCount
from zeekml.scoring import Scorer, Scores, StateLimits
from zeekml.sinks import Format
from zeekml.sinks.zeekml_log import ZeekmlLog
from zeekml.spark import parcels, tables
from zeekml.spark.model import ShippedModel
from zeekml.spark.parcels import STREAM_END, Kinds, Lines, Parcel

BATCH_ROWS: Final = 32_768
"""Connections that are scored at once."""
_TOLD: Final = (Kinds.REJECT, Kinds.END)
_CONNECTION: Final = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")


@dataclass(frozen=True, slots=True)
class Work:
    """What every task needs to know. ``streams``: their names by number; ``format`` None: Parquet."""

    policy: AlertPolicy
    limits: StateLimits
    threads: int
    log_threshold: float
    format: Format | None
    streams: Sequence[str]


def scores(model: Any, work: Any) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for ``mapInArrow``: the sorted parcels of one place in, results out.

    ``model``: a broadcast `ShippedModel`; ``work``: a broadcast `Work`.
    """

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = (row for batch in batches for row in parcels.parcels_in(batch))
        return _Place(model.value, work.value).results(rows)

    return score


class _Place:
    """One task. Its parcels come sorted by stream, kind, part and sequence."""

    def __init__(self, model: ShippedModel, work: Work) -> None:
        self._model = model
        self._work = work

    def results(self, rows: Iterator[Parcel]) -> Iterator[pa.RecordBatch]:
        stream: int | None = None
        scored: _ScoredStream | None = None
        health: _HealthOfStream | None = None
        for row in rows:
            if row.stream != stream:
                yield from self._ends(scored, health)
                stream, scored, health = row.stream, None, None
            if row.kind in _TOLD:
                yield parcels.batch_of([row])
            elif row.kind == Kinds.HEALTH:
                health = health or _HealthOfStream(row.stream)
                yield from _batch(health.marks(row))
            else:
                scored = scored or _ScoredStream(self._model, self._work, row.stream)
                yield from scored.add(row)
        yield from self._ends(scored, health)

    def _ends(self, scored: _ScoredStream | None, health: _HealthOfStream | None) -> Iterator[pa.RecordBatch]:
        if scored is not None:
            yield from scored.end()
        if health is not None:
            yield from _batch(health.findings())


class _HealthOfStream:
    """Looks at all connections of a stream, whatever their hosts."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self._health = SensorHealth()
        self._codes: tuple[str, ...] = ()

    def marks(self, parcel: Parcel) -> list[Parcel]:
        """From which lines on other findings stand than before."""
        rows, lines = parcels.unpack_health(parcel.data)
        marks = self._health.process_rows(rows, "")
        found = []
        for start, codes in zip(marks.starts, marks.codes, strict=True):
            if codes != self._codes and start < len(lines):
                self._codes = codes
                line = int(lines[start])
                found.append(Parcel(0, self._stream, parcel.part, line, Kinds.MARK, 0, orjson.dumps(codes)))
        return found

    def findings(self) -> list[Parcel]:
        """What was wrong with any part of the stream."""
        return [
            Parcel(0, self._stream, STREAM_END, place, Kinds.FINDING, 0, orjson.dumps(asdict(finding)))
            for place, finding in enumerate(self._health.end_stream(""))
        ]


class _ScoredStream:
    """Scores the hosts of one stream that are in this place."""

    def __init__(self, model: ShippedModel, work: Work, stream: int) -> None:
        bundle = model.load()
        self._work = work
        self._stream, self._name = stream, work.streams[stream]
        self._classes = bundle.classes
        self._model = bundle.name
        self._scorer = Scorer(bundle, limits=work.limits, threads=work.threads)
        self._engine = AlertEngine(work.policy, bundle.classes)
        self._held: list[Parcel] = []
        self._rows = 0
        self._hosts = HostCount()
        self._counts: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._notices: Counter[tuple[str, str]] = Counter()
        self._rendered: list[bytes] = []
        self._log = ZeekmlLog(
            lambda data: self._rendered.append(bytes(data)),
            work.format or "tsv",
            model=bundle.name,
            classes=bundle.classes,
        )

    def add(self, parcel: Parcel) -> Iterator[pa.RecordBatch]:
        """Take the next parcel, and score when there is enough for a batch."""
        rows = pa.ipc.read_record_batch(parcel.data, parcels.CONNECTIONS).num_rows
        self._held.append(parcel)
        self._rows += rows
        if self._rows >= BATCH_ROWS:
            yield from self._score()

    def end(self) -> Iterator[pa.RecordBatch]:
        """The rest, and the counts."""
        if self._held:
            yield from self._score()
        tally = {
            "connections": self._counts["connections"],
            "logged": self._counts["logged"],
            "alerts": dict(self._alerts),
            "notices": [[*what, count] for what, count in self._notices.items()],
            "hosts": len(self._hosts),
            "caps_acted": self._scorer.caps_acted + self._engine.caps_acted,
        }
        yield from _batch([Parcel(0, self._stream, STREAM_END, 0, Kinds.TALLY, 0, orjson.dumps(tally))])

    def _score(self) -> Iterator[pa.RecordBatch]:
        frame, lines, counts = parcels.unpack_connections([held.data for held in self._held])
        parts = np.repeat(np.array([held.part for held in self._held], dtype=np.int32), counts)
        self._held, self._rows = [], 0
        for start in range(0, len(frame), 2 * BATCH_ROWS):
            rows = slice(start, start + 2 * BATCH_ROWS)
            part = frame if len(frame) <= 2 * BATCH_ROWS else frame.iloc[rows].reset_index(drop=True)
            yield from self._score_batch(part, parts[rows], lines[rows])

    def _score_batch(
        self, frame: pd.DataFrame, parts: npt.NDArray[np.int32], lines: Lines
    ) -> Iterator[pa.RecordBatch]:
        scores = self._scorer.score(frame, self._name)
        alerts = self._engine.process(frame, scores, self._name)
        rows = np.flatnonzero(scores.score >= self._work.log_threshold)
        explained_rows = alerts.rows_to_explain(rows)
        explained = Explained(explained_rows, self._scorer.reasons(scores, explained_rows))
        self._count(frame, scores, alerts, len(rows))
        if len(rows):
            yield self._logged(
                frame, scores, rows, explained.where(alerts.above), alerts.notices, parts, lines
            )
        yield from _batch(self._noticed(alerts, frame, explained, parts, lines))

    def _logged(
        self,
        frame: pd.DataFrame,
        scores: Scores,
        rows: npt.NDArray[np.int64],
        explained: Explained,
        notices: Sequence[Notice],
        parts: npt.NDArray[np.int32],
        lines: Lines,
    ) -> pa.RecordBatch:
        """The lines of zeekml.log, a row each; for Parquet one row with all of them."""
        if self._work.format is None:
            table = tables.verdicts(
                frame,
                scores,
                rows,
                explained,
                notices,
                stream=self._name,
                classes=self._classes,
                model=self._model,
                parts=parts[rows],
                lines=lines[rows],
            )
            data = table.serialize().to_pybytes()
            return parcels.batch_of(
                [Parcel(0, self._stream, int(parts[0]), int(lines[0]), Kinds.LOGGED, 0, data)]
            )
        self._log.write(frame, scores, rows, explained, notices)
        written = [line + b"\n" for line in b"".join(self._rendered).split(b"\n")[:-1]]
        self._rendered.clear()
        count = len(rows)
        columns = {
            "place": np.zeros(count, dtype=np.int32),
            "stream": np.full(count, self._stream, dtype=np.int32),
            "part": parts[rows],
            "line": lines[rows],
            "kind": np.full(count, Kinds.LOGGED, dtype=np.int32),
            "seq": np.zeros(count, dtype=np.int32),
            "data": pa.array(written, type=pa.binary()),
        }
        return pa.RecordBatch.from_pydict(columns, schema=parcels.ARROW_SCHEMA)

    def _noticed(
        self,
        alerts: Alerts,
        frame: pd.DataFrame,
        explained: Explained,
        parts: npt.NDArray[np.int32],
        lines: Lines,
    ) -> list[Parcel]:
        found = []
        for seq, notice in enumerate(alerts.notices):
            row = notice.row
            told = {
                "connection": [_own(frame[name].iloc[row]) for name in _CONNECTION],
                "notice": asdict(notice) | {"row": 0},
                "reasons": explained.of(row),
            }
            data = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
            found.append(Parcel(0, self._stream, int(parts[row]), int(lines[row]), Kinds.NOTICE, seq, data))
        return found

    def _count(self, frame: pd.DataFrame, scores: Scores, alerts: Alerts, logged: int) -> None:
        self._counts["connections"] += len(frame)
        self._counts["logged"] += logged
        self._hosts.add(self._name, frame["id.orig_h"])
        by_class = np.bincount(scores.class_index[alerts.alerting], minlength=len(self._classes))
        self._alerts += Counter(dict(zip(self._classes, by_class.tolist(), strict=True)))
        self._notices += Counter((notice.note, notice.class_name) for notice in alerts.notices)


def _own(value: Any) -> Any:
    """A value as one of Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _batch(rows: Sequence[Parcel]) -> Iterator[pa.RecordBatch]:
    if rows:
        yield parcels.batch_of(rows)
