"""Scores Spark DataFrames of connections, whatever they were read from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from zeekml.alerts import AlertEngine, Alerts, Explained
from zeekml.alerts.message import facts, sentence
from zeekml.config import Settings
from zeekml.errors import FormatError
from zeekml.health import SensorHealth
from zeekml.pipeline.batch import alert_policy, state_limits
from zeekml.scoring import Scorer
from zeekml.scoring.columns import as_batch, check_names, from_arrow
from zeekml.spark.model import ShippedModel
from zeekml.spark.scoring import BATCH_ROWS, Work
from zeekml.spark.session import check_installed, prepare

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Key = tuple[Any, ...]
Marks = dict[str, tuple[list[Key], list[tuple[str, ...]]]]
"""By stream: from which places on other findings stand, and their codes."""

_NAMED: Final = ("id.orig_h", "id.resp_h", "id.resp_p", "proto")
_NOTICE_FIELDS: Final = ("note", "msg", "sub", "n", "suppress_for")
_NOTICE: Final = pa.struct(
    list(zip(_NOTICE_FIELDS, [pa.string(), pa.string(), pa.string(), pa.int64(), pa.float64()], strict=True))
)
_ADDED: Final = [
    ("score", pa.float32()),
    ("class", pa.string()),
    ("class_score", pa.float32()),
    ("reasons", pa.string()),
    ("notices", pa.list_(_NOTICE)),
]
_ADDED_DDL: Final = (
    "score float, class string, class_score float, reasons string, "
    "notices array<struct<note: string, msg: string, sub: string, n: bigint, suppress_for: double>>"
)
_KEPT: Final = (
    "stream", "line", "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service"
)  # fmt: skip
_TOLD: Final = pa.schema([("stream", pa.string()), ("seq", pa.int32()), ("told", pa.string())])
_STREAM: Final = "frame"
_DOT: Final = "__dot__"


def score_frame(
    frame: DataFrame,
    *,
    model: str | Path | None = None,
    settings: Settings | None = None,
    places: int | None = None,
) -> DataFrame:
    """The verdicts of ``zeekml score`` on a DataFrame of connections, each of them once.

    ``frame`` has Zeek's column names (``id.orig_h`` and so on); times may be timestamps. Two further columns say how
    the connections lie: ``stream`` (a text; without it all are one stream) and ``line`` (a number, the log order
    within the stream). Without ``line`` the order is that of ts + duration, ts, uid. ``uid`` may be absent where
    ``line`` is not.

    Returns the columns that a connection is known by, as they are in ``frame`` (of ``stream``, ``line``, ``ts``,
    ``uid``, ``id.*``, ``proto``, ``service`` those that it has), and ``score``, ``class``, ``class_score``,
    ``reasons`` (null below the threshold for notices) and ``notices``: those written with this connection, with
    ``note``, ``msg``, ``sub``, ``n``, ``suppress_for``. ``places``: partitions that score; None: as many as Spark has
    for shuffles.

    The health of the sensors, which is told from all connections of a stream, is looked at in a pass of its own, at
    once; the rest is lazy, as Spark is. Raises ModelError, ConfigError, and MissingColumnError or FormatError for the
    columns.
    """
    check_installed()
    from pyspark.sql import functions  # noqa: PLC0415  an extra

    chosen = settings or Settings()
    shipped = ShippedModel.of(model or chosen.score.model)
    bundle = shipped.load()
    check_names(frame.columns)
    if not {"uid", "line"} & set(frame.columns):
        raise FormatError(
            "the frame has neither a column 'uid' nor 'line'; connections need one to be told apart"
        )
    spark = frame.sparkSession
    prepare(spark)
    kept = [name for name in frame.columns if name in _KEPT]
    frame = frame.toDF(*map(_without_dots, frame.columns))
    send = spark.sparkContext.broadcast
    work = Work(
        alert_policy(chosen, bundle),
        state_limits(chosen),
        chosen.score.threads,
        chosen.score.log_threshold,
        None,
        [],
    )
    order = _order(frame)
    stream = functions.col("stream") if "stream" in frame.columns else functions.lit(_STREAM)
    count = places or int(spark.conf.get("spark.sql.shuffle.partitions") or 200)
    marks = _marks(frame.repartition(count, stream).sortWithinPartitions(stream, *order))
    together = frame.repartition(count, stream, functions.col(_without_dots("id.orig_h")))
    in_order = together.sortWithinPartitions(stream, *order)
    types = dict(frame.dtypes)
    schema = ", ".join(f"{name} {types[name]}" for name in map(_without_dots, kept))
    scored = in_order.mapInArrow(
        _scores(send(shipped), send(work), send(marks), kept), f"{schema}, {_ADDED_DDL}"
    )
    return scored.toDF(*kept, *(name for name, _ in _ADDED))


def _without_dots(name: str) -> str:
    """A column's name on its way through Spark, which takes what follows a dot for a field."""
    return name.replace(".", _DOT)


def _order(frame: DataFrame) -> list[Column]:
    from pyspark.sql import functions  # noqa: PLC0415  an extra

    if "line" in frame.columns:
        return [functions.col("line")]
    ts = _seconds(frame, "ts")
    ends = ts
    if "duration" in frame.columns:
        ends = ts + functions.coalesce(_seconds(frame, "duration"), functions.lit(0.0))
    return [ends, ts, functions.col("uid")]


def _seconds(frame: DataFrame, name: str) -> Column:
    """A time as a number of seconds, whatever it is in the frame."""
    from pyspark.sql import functions  # noqa: PLC0415  an extra

    kind, column = dict(frame.dtypes)[name], functions.col(name)
    if kind.startswith("timestamp"):
        return functions.unix_micros(column.cast("timestamp")) / 1e6
    if kind.startswith("interval"):
        return functions.expr(f"extract(EPOCH FROM `{name}`)").cast("double")
    return column.cast("double")


def _marks(by_stream: DataFrame) -> Marks:
    """A first pass over the columns that the health of a sensor is told from."""
    found: Marks = {}
    told = by_stream.mapInArrow(_look, "stream string, seq int, told string").collect()
    for row in sorted(told, key=lambda each: (each.stream, each.seq)):
        keys, codes = found.setdefault(row.stream, ([], []))
        key, standing = orjson.loads(row.told)
        keys.append(tuple(key))
        codes.append(tuple(standing))
    return found


def _look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For ``mapInArrow``: whole streams in order in, the marks of their sensors out."""
    health = SensorHealth()
    last: dict[str, tuple[str, ...]] = {}
    seq = 0
    for stream, table, frame in _runs(batches):
        keys = _Keys(table, frame)
        marks = health.process(frame, stream)
        rows = []
        for start, codes in zip(marks.starts, marks.codes, strict=True):
            if start < len(frame) and codes != last.get(stream, ()):
                last[stream] = codes
                seq += 1
                told = orjson.dumps([keys[start], codes]).decode()
                rows.append({"stream": stream, "seq": seq, "told": told})
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema=_TOLD)


def _scores(
    model: Any, work: Any, marks: Any, kept: Sequence[str]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for ``mapInArrow``: hosts in order in, verdicts out."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scored: _ScoredRuns | None = None
        for stream, table, frame in _runs(batches):
            scored = scored or _ScoredRuns(model.value, work.value, marks.value)
            added = scored.verdicts(stream, table, frame)
            columns = [*(table.column(name) for name in kept), *added]
            names = [*map(_without_dots, kept), *(name for name, _ in _ADDED)]
            yield from pa.table(columns, names=names).to_batches()

    return score


class _ScoredRuns:
    """Scores runs of connections that come by stream."""

    def __init__(self, model: ShippedModel, work: Work, marks: Marks) -> None:
        bundle = model.load()
        self._name, self._classes = bundle.name, bundle.classes
        self._marks = marks
        self._scorer = Scorer(bundle, limits=work.limits, threads=work.threads)
        self._engine = AlertEngine(work.policy, bundle.classes)
        self._stream: str | None = None

    def verdicts(self, stream: str, table: pa.Table, frame: pd.DataFrame) -> list[pa.Array]:
        """The columns that are added to ``table``, of which ``frame`` is the batch frame."""
        if self._stream is not None and self._stream != stream:
            self._scorer.end_stream(self._stream)
            self._engine.end_stream(self._stream)
        self._stream = stream
        scores = self._scorer.score(frame, stream)
        alerts = self._engine.process(frame, scores, stream)
        if alerts.notices:
            starts, codes = self._marks.get(stream, ([], []))
            keys = _Keys(table, frame)
            alerts = alerts.marked(
                lambda row: codes[at - 1] if (at := bisect_right(starts, keys[row])) else ()
            )
        rows = alerts.rows_to_explain(np.arange(len(frame)))
        explained = Explained(rows, self._scorer.reasons(scores, rows))
        added = [
            scores.score,
            [self._classes[index] for index in scores.class_index.tolist()],
            scores.class_score,
            _spread(explained.where(alerts.above), len(frame)),
            self._noticed(alerts, frame, explained),
        ]
        return [pa.array(values, type=kind) for values, (_, kind) in zip(added, _ADDED, strict=True)]

    def _noticed(
        self, alerts: Alerts, frame: pd.DataFrame, explained: Explained
    ) -> list[list[dict[str, object]]]:
        notices: list[list[dict[str, object]]] = [[] for _ in range(len(frame))]
        for notice in alerts.notices:
            orig_h, resp_h, resp_p, proto = (frame[name].iloc[notice.row] for name in _NAMED)
            msg = sentence(notice, orig_h=orig_h, resp_h=resp_h, resp_p=int(resp_p), proto=proto)
            sub = facts(notice, model=self._name, reasons=explained.of(notice.row))
            values = (notice.note, msg, sub, notice.n, float(notice.suppress_for))
            notices[notice.row].append(dict(zip(_NOTICE_FIELDS, values, strict=True)))
        return notices


def _spread(explained: Explained, count: int) -> list[str | None]:
    reasons: list[str | None] = [None] * count
    for row, reason in zip(explained.rows.tolist(), explained.reasons, strict=True):
        reasons[row] = reason or None
    return reasons


def _runs(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, pa.Table, pd.DataFrame]]:
    """What Spark gives, gathered to batches of one stream: its name, the table as it is, and as a batch frame."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= BATCH_ROWS:
            yield from _cut(pa.Table.from_batches(held))
            held, count = [], 0
    if count:
        yield from _cut(pa.Table.from_batches(held))


def _cut(table: pa.Table) -> Iterator[tuple[str, pa.Table, pd.DataFrame]]:
    table = table.rename_columns([name.replace(_DOT, ".") for name in table.column_names])
    if "stream" not in table.column_names:
        yield _STREAM, table, _frame_of(table)
        return
    names = np.array([name or "" for name in table.column("stream").to_pylist()], dtype=object)
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(names)], strict=True):
        part = table.slice(start, stop - start)
        yield str(names[start]), part, _frame_of(part)


def _frame_of(table: pa.Table) -> pd.DataFrame:
    columns = {
        name: from_arrow(table.column(name)) for name in table.column_names if name not in ("stream", "line")
    }
    frame = as_batch(pd.DataFrame(columns))
    if "uid" not in columns:
        frame["uid"] = pd.Series([f"line-{line}" for line in table.column("line").to_pylist()], dtype="str")
    return frame


class _Keys:
    """The places of connections in their stream, by which marks are found again."""

    def __init__(self, table: pa.Table, frame: pd.DataFrame) -> None:
        self._lines = table.column("line") if "line" in table.column_names else None
        self._frame = frame

    def __getitem__(self, row: int) -> Key:
        if self._lines is not None:
            return (self._lines[row].as_py(),)
        ts, duration, uid = (self._frame[name].iloc[row] for name in ("ts", "duration", "uid"))
        ends = float(ts) + (0.0 if np.isnan(duration) else float(duration))
        return (ends, float(ts), str(uid))
