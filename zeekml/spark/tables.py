"""Results as columns: the tables that are written as Parquet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from zeekml.alerts import Explained, Notice
from zeekml.alerts.message import facts, sentence
from zeekml.scoring import Scores
from zeekml.spark import parcels
from zeekml.spark.parcels import Parcel
from zeekml.table import Table

_CONNECTION: Final = [
    ("ts", pa.float64()),
    ("uid", pa.string()),
    ("id.orig_h", pa.string()),
    ("id.orig_p", pa.int32()),
    ("id.resp_h", pa.string()),
    ("id.resp_p", pa.int32()),
    ("proto", pa.string()),
]
_CARRYING: Final = [("evidence_peers", pa.list_(pa.string())), ("evidence_ports", pa.list_(pa.string()))]
VERDICTS: Final = pa.schema(
    [
        ("stream", pa.string()),
        *_CONNECTION,
        ("service", pa.string()),
        ("score", pa.float32()),
        ("class", pa.string()),
        ("class_score", pa.float32()),
        ("reasons", pa.string()),
        ("model", pa.string()),
        *_CARRYING,
        ("sensor", pa.list_(pa.string())),
    ]
)
"""The columns of zeekml.log, with the stream; ``ts`` in epoch seconds."""

_PACKED: Final = pa.schema([*list(VERDICTS)[:-1], ("part", pa.int32()), ("line", pa.int64())])
"""What is known of verdicts where they are made: not yet what was wrong with the log, but where in it they are."""

NOTICES: Final = pa.schema(
    [
        ("stream", pa.string()),
        *_CONNECTION,
        ("note", pa.string()),
        ("msg", pa.string()),
        ("sub", pa.string()),
        ("n", pa.int64()),
        ("suppress_for", pa.float64()),
        *_CARRYING,
    ]
)
"""Those columns of notice.log that zeekml sets, with the stream."""

REJECTS: Final = pa.schema(
    [("source", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())]
)
"""The columns of rejects.log."""

_SPARK: Final = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.list_(pa.string()): "array<string>",
}

Marks = Mapping[int, Sequence[tuple[int, int, list[str]]]]
"""By stream what stands (codes) from which part and line on, ascending."""
Function = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def ddl(schema: pa.Schema) -> str:
    """A schema in Spark's words."""
    return ", ".join(f"`{field.name}` {_SPARK[field.type]}" for field in schema)


def verdicts(
    table: Table,
    scores: Scores,
    rows: npt.NDArray[np.int64],
    explained: Explained,
    notices: Sequence[Notice],
    *,
    stream: str,
    classes: Sequence[str],
    model: str,
    parts: npt.NDArray[np.integer],
    lines: npt.NDArray[np.integer],
) -> pa.RecordBatch:
    """Verdicts of some rows (ascending) of a batch, packed for `unpacked`; those with which ``notices`` are
    written say what carries the evidence. ``parts`` and ``lines``: where each row is."""
    noticed = {notice.row: notice for notice in notices}
    carrying = [noticed.get(row) for row in rows.tolist()]
    reasons = np.full(len(rows), None, dtype=object)
    if len(explained.rows):
        at = np.searchsorted(rows, explained.rows)
        within = at < len(rows)
        within[within] &= rows[at[within]] == explained.rows[within]
        given = np.array([reason or None for reason in explained.reasons], dtype=object)
        reasons[at[within]] = given[within]
    some = table.part(rows)
    columns: dict[str, Any] = {
        "ts": some.number("ts"),
        "uid": some.text("uid").cast(pa.string()),
        "id.orig_p": some.port("id.orig_p"),
        "id.resp_p": some.port("id.resp_p"),
        **{name: some.label(name).tolist() for name in ("id.orig_h", "id.resp_h", "proto", "service")},
        "stream": [stream] * len(rows),
        "score": scores.score[rows],
        "class": np.array(classes, dtype=object)[scores.class_index[rows]],
        "class_score": scores.class_score[rows],
        "reasons": reasons,
        "model": [model] * len(rows),
        "evidence_peers": [None if notice is None else list(notice.peers) for notice in carrying],
        "evidence_ports": [None if notice is None else list(notice.ports) for notice in carrying],
        "part": parts,
        "line": lines,
    }
    arrays = [_array(columns[field.name], field.type) for field in _PACKED]
    return pa.RecordBatch.from_arrays(arrays, schema=_PACKED)


def unpacked(marks: Marks) -> Function:
    """The function for ``mapInArrow``: rows of verdicts packed in results in, `VERDICTS` out."""

    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in parcels.parcels_in(batch):
                packed = pa.ipc.read_record_batch(row.data, _PACKED)
                places = zip(packed["part"].to_pylist(), packed["line"].to_pylist(), strict=True)
                standing = marks.get(row.stream, ())
                sensor = [_codes_at(standing, *place) or None for place in places] if standing else None
                yield pa.RecordBatch.from_arrays(
                    [
                        *packed.columns[:-2],
                        pa.array(sensor or [None] * packed.num_rows, type=VERDICTS.field("sensor").type),
                    ],
                    schema=VERDICTS,
                )

    return unpack


def _codes_at(standing: Sequence[tuple[int, int, list[str]]], part: int, line: int) -> Sequence[str]:
    """What stood in a stream when this line came."""
    at = bisect_right(standing, (part, line), key=lambda mark: mark[:2])
    return standing[at - 1][2] if at else ()


def noticed(streams: Sequence[str], marks: Marks, model: str) -> Function:
    """The function for ``mapInArrow``: notices among the results in, `NOTICES` out."""

    def made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [_notice(row, streams, marks, model) for row in parcels.parcels_in(batch)]
            if rows:
                yield pa.RecordBatch.from_pylist(rows, schema=NOTICES)

    return made


def rejected(sources: Sequence[str], lines_before: Sequence[int]) -> Function:
    """The function for ``mapInArrow``: rejected lines among the results in, `REJECTS` out.

    ``sources``: the log of each part; ``lines_before``: how many of its lines come before the part.
    """

    def made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for row in parcels.parcels_in(batch):
                for told in orjson.loads(row.data):
                    told["line"] += lines_before[row.part]
                    rows.append({"source": sources[row.part], **told})
            if rows:
                yield pa.RecordBatch.from_pylist(rows, schema=REJECTS)

    return made


def notice_of(data: Any, sensor: Sequence[str]) -> tuple[list[Any], Notice, str]:
    """The connection, the notice and the reasons that a result holds."""
    told = orjson.loads(data)
    values = told["notice"]
    lists = {"sensor": tuple(sensor), "peers": tuple(values["peers"]), "ports": tuple(values["ports"])}
    return told["connection"], Notice(**values | lists), told["reasons"]


def _notice(
    row: Parcel,
    streams: Sequence[str],
    marks: Marks,
    model: str,
) -> dict[str, Any]:
    sensor = _codes_at(marks.get(row.stream, ()), row.part, row.line)
    connection, notice, reasons = notice_of(row.data, sensor)
    values = {
        name: value for (name, _), value in zip(_CONNECTION, connection, strict=False)
    }  # it ends in the service
    return {
        "stream": streams[row.stream],
        **values,
        "note": notice.note,
        "msg": sentence(
            notice,
            orig_h=values["id.orig_h"],
            resp_h=values["id.resp_h"],
            resp_p=values["id.resp_p"],
            proto=values["proto"],
        ),
        "sub": facts(notice, model=model, reasons=reasons),
        "n": notice.n,
        "suppress_for": float(notice.suppress_for),
        "evidence_peers": list(notice.peers),
        "evidence_ports": list(notice.ports),
    }


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    array = pa.array(values, type=kind, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
