"""The second step on the executors: a place's hosts are scored in log order, and streams looked at as a whole."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from zeekml.alerts import AlertEngine, AlertPolicy, Alerts, Explained, Notice
from zeekml.health import SensorHealth
from zeekml.memory import Memory
from zeekml.pipeline.summary import HostCount
from zeekml.records.to_arrow import to_arrow
from zeekml.scoring import Scorer, Scores, StateLimits
from zeekml.sinks import Format
from zeekml.sinks.connections import connections_of
from zeekml.sinks.zeekml_log import ZeekmlLog
from zeekml.spark import spool, tables
from zeekml.spark.aside import Aside
from zeekml.spark.model import ShippedModel
from zeekml.spark.order import Lanes, pack_lines, stretches
from zeekml.spark.packing import connections_in, health_in
from zeekml.spark.parcels import STREAM_END, Kinds, Lines, Parcel
from zeekml.spark.picks import Pick, table_of
from zeekml.table import Table

BATCH_ROWS: Final = 65_536
"""Connections that are scored at once."""
_MOST_SCATTERED: Final = 64
"""Batches of which a task holds some connections; of very many hosts or logs it has a few of each."""
_PLACE_ORDER: Final = attrgetter("stream", "kind", "part", "seq")
_TOLD: Final = (Kinds.REJECT, Kinds.END)
_NEWLINE: Final = ord("\n")


@dataclass(frozen=True, slots=True)
class Work:
    """What every task needs to know. ``streams``: their names by number; ``format`` None: Parquet; ``folder``: where
    lines of logs are put aside, None: they are in the results."""

    policy: AlertPolicy
    limits: StateLimits
    threads: int
    log_threshold: float
    format: Format | None
    streams: Sequence[str]
    lanes: Lanes = field(default_factory=Lanes)
    folder: str | None = None


def scores(model: Any, work: Any) -> Callable[[Iterable[tuple[int, Parcel]]], Iterator[tuple[int, Parcel]]]:
    """The function for ``mapPartitions``: the parcels of one place in any order in, results by their lane out.

    ``model``: a broadcast `ShippedModel`; ``work``: a broadcast `Work`.
    """

    def score(keyed: Iterable[tuple[int, Parcel]]) -> Iterator[tuple[int, Parcel]]:
        rows = spool.in_order((parcel for _, parcel in keyed), _PLACE_ORDER)
        lanes = work.value.lanes
        for result in _Place(model.value, work.value).results(rows):
            yield lanes.of(result), result

    return score


class _Place:
    """One task. Its parcels come sorted by stream, kind, part and sequence."""

    def __init__(self, model: ShippedModel, work: Work) -> None:
        self._model = model
        self._work = work

    def results(self, rows: Iterator[Parcel]) -> Iterator[Parcel]:
        stream: int | None = None
        scored: _ScoredStream | None = None
        health: _HealthOfStream | None = None
        for row in rows:
            if row.stream != stream:
                yield from self._ends(scored, health)
                stream, scored, health = row.stream, None, None
            if row.kind in _TOLD:
                yield row
            elif row.kind == Kinds.HEALTH:
                health = health or _HealthOfStream(row.stream)
                yield from health.marks(row)
            else:
                scored = scored or _ScoredStream(self._model, self._work, row.stream)
                yield from scored.add(row)
        yield from self._ends(scored, health)

    def _ends(self, scored: _ScoredStream | None, health: _HealthOfStream | None) -> Iterator[Parcel]:
        if scored is not None:
            yield from scored.end()
        if health is not None:
            yield from health.findings()


class _HealthOfStream:
    """Looks at all connections of a stream, whatever their hosts."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self._health = SensorHealth()
        self._codes: tuple[str, ...] = ()

    def marks(self, parcel: Parcel) -> list[Parcel]:
        """From which lines on other findings stand than before."""
        rows, lines = health_in(parcel.data)
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


class _Held(NamedTuple):
    """Connections (N) that wait, with their parts (N,) and lines (N,)."""

    pick: Pick
    parts: npt.NDArray[np.int32]
    lines: Lines

    def part(self, rows: slice) -> _Held:
        return _Held(self.pick[rows], self.parts[rows], self.lines[rows])


def _joined(held: Sequence[_Held]) -> tuple[npt.NDArray[np.int32], Lines]:
    return np.concatenate([each.parts for each in held]), np.concatenate([each.lines for each in held])


class _ScoredStream:
    """Scores the hosts of one stream that are in this place."""

    def __init__(self, model: ShippedModel, work: Work, stream: int) -> None:
        bundle = model.load()
        self._work, self._aside = work, Aside(work.folder)
        self._stream, self._name = stream, work.streams[stream]
        self._classes = bundle.classes
        self._model = bundle.name
        self._scorer = Scorer(bundle, limits=work.limits, threads=work.threads)
        self._engine = AlertEngine(work.policy, bundle.classes)
        self._held: deque[_Held] = deque()
        self._scattered = 0
        self._rows = 0
        self._memory = Memory()
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

    def add(self, parcel: Parcel) -> Iterator[Parcel]:
        """Take the next parcel, and score when there is enough for a batch."""
        pick, lines = connections_in(parcel.data)
        self._held.append(_Held(pick, np.full(len(pick), parcel.part, dtype=np.int32), lines))
        self._rows += len(pick)
        self._scattered += 1
        if self._scattered == _MOST_SCATTERED:
            self._gather()
        while self._rows >= BATCH_ROWS:
            yield from self._score_batch(*self._taken(BATCH_ROWS))

    def end(self) -> Iterator[Parcel]:
        """The rest, and the counts."""
        if self._rows:
            yield from self._score_batch(*self._taken(self._rows))
        tally = {
            "connections": self._counts["connections"],
            "logged": self._counts["logged"],
            "alerts": dict(self._alerts),
            "notices": [[*what, count] for what, count in self._notices.items()],
            "hosts": len(self._hosts),
            "caps_acted": self._scorer.caps_acted + self._engine.caps_acted,
        }
        yield Parcel(0, self._stream, STREAM_END, 0, Kinds.TALLY, 0, orjson.dumps(tally))

    def _taken(self, count: int) -> tuple[Table, npt.NDArray[np.int32], Lines]:
        """The first ``count`` of the connections that are held, with their parts (N,) and lines (N,)."""
        self._rows -= count
        taken: list[_Held] = []
        while count:
            held = self._held.popleft()
            if len(held.pick) > count:
                self._held.appendleft(held.part(slice(count, None)))
                held = held.part(slice(count))
            taken.append(held)
            count -= len(held.pick)
        self._scattered = len(self._held)
        return table_of([held.pick for held in taken], self._memory), *_joined(taken)

    def _gather(self) -> None:
        """Let go of the batches of which the last few connections are: each holds memory, or a file open."""
        few = [self._held.pop() for _ in range(self._scattered)][::-1]
        gathered = to_arrow(table_of([held.pick for held in few]))
        self._held.append(_Held(Pick(gathered, np.arange(gathered.num_rows)), *_joined(few)))
        self._scattered = 0

    def _score_batch(self, table: Table, parts: npt.NDArray[np.int32], lines: Lines) -> Iterator[Parcel]:
        scores = self._scorer.score(table, self._name)
        alerts = self._engine.process(table, scores, self._name)
        rows = np.flatnonzero(scores.score >= self._work.log_threshold)
        explained_rows = alerts.rows_to_explain(rows)
        explained = Explained(explained_rows, self._scorer.reasons(scores, explained_rows))
        self._count(table, scores, alerts, len(rows))
        if len(rows):
            yield from self._logged(
                table, scores, rows, explained.where(alerts.above), alerts.notices, parts, lines
            )
        yield from self._noticed(alerts, table, explained, parts, lines)

    def _logged(
        self,
        table: Table,
        scores: Scores,
        rows: npt.NDArray[np.int64],
        explained: Explained,
        notices: Sequence[Notice],
        parts: npt.NDArray[np.int32],
        lines: Lines,
    ) -> Iterator[Parcel]:
        """The lines of zeekml.log, those of a stretch in one result; for Parquet all of them in one."""
        if self._work.format is None:
            packed = tables.verdicts(
                table,
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
            data = packed.serialize().to_pybytes()
            yield Parcel(0, self._stream, int(parts[0]), int(lines[0]), Kinds.LOGGED, 0, data)
            return
        self._log.write(table, scores, rows, explained, notices)
        text = self._rendered[0] if len(self._rendered) == 1 else b"".join(self._rendered)
        self._rendered.clear()
        ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE) + 1
        begins = np.append(0, ends)
        for part, line, within in stretches(parts[rows], lines[rows]):
            start, stop = int(begins[within.start]), int(begins[within.stop])
            pieces = pack_lines(
                lines[rows][within],
                ends[within] - start,
                memoryview(text)[start:stop],
                smaller=self._aside.moves,
            )
            yield Parcel(0, self._stream, part, line, Kinds.LOGGED, 0, self._aside.put(*pieces))

    def _noticed(
        self,
        alerts: Alerts,
        table: Table,
        explained: Explained,
        parts: npt.NDArray[np.int32],
        lines: Lines,
    ) -> list[Parcel]:
        connections = connections_of(alerts.notices, table) if alerts.notices else ()
        found = []
        for seq, (notice, connection) in enumerate(zip(alerts.notices, connections, strict=True)):
            row = notice.row
            told = {
                "connection": tuple(connection),
                "notice": asdict(notice) | {"row": 0},
                "reasons": explained.of(row),
            }
            data = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
            found.append(Parcel(0, self._stream, int(parts[row]), int(lines[row]), Kinds.NOTICE, seq, data))
        return found

    def _count(self, table: Table, scores: Scores, alerts: Alerts, logged: int) -> None:
        self._counts["connections"] += len(table)
        self._counts["logged"] += logged
        self._hosts.add(self._name, table.label("id.orig_h"))
        by_class = np.bincount(scores.class_index[alerts.alerting], minlength=len(self._classes))
        self._alerts += Counter(dict(zip(self._classes, by_class.tolist(), strict=True)))
        self._notices += Counter((notice.note, notice.class_name) for notice in alerts.notices)
