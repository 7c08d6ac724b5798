"""What goes through Spark's shuffle: many connections packed into one row, so that Spark moves bytes and not fields.

A parcel holds the connections of some hosts from one stretch of a log, in log order. Its ``place`` is the partition
that all of these hosts' connections go to. Results take the same form on their way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from zeekml.features.keyed import mix
from zeekml.health.coded import Coded
from zeekml.health.rows import Rows
from zeekml.records.frame import to_frame
from zeekml.records.schema import COLUMNS, Column, Kind
from zeekml.text_kernels import hashes_of

Lines = npt.NDArray[np.int64]

SCHEMA: Final = "place int, stream int, part int, line bigint, kind int, seq int, data binary"
"""Of parcels and results, for Spark. ``stream`` and ``part``: their numbers; ``line``: in its part, of what it says."""

ARROW_SCHEMA: Final = pa.schema(
    [
        ("place", pa.int32()),
        ("stream", pa.int32()),
        ("part", pa.int32()),
        ("line", pa.int64()),
        ("kind", pa.int32()),
        ("seq", pa.int32()),
        ("data", pa.binary()),
    ]
)
PART_END: Final = 1 << 62
"""The line of what is told of a whole part: after all others."""
STREAM_END: Final = (1 << 31) - 1
"""The part of what is told of a whole stream."""


class Kinds(IntEnum):
    """What a row is; at one line, the lower number comes first."""

    CONNECTIONS = 0
    HEALTH = 1
    MARK = 2
    LOGGED = 3
    NOTICE = 4
    REJECT = 5
    END = 6
    FINDING = 7
    TALLY = 8


@dataclass(frozen=True, slots=True)
class Parcel:
    """One row of `SCHEMA`."""

    place: int
    stream: int
    part: int
    line: int
    kind: int
    seq: int
    data: Any


_ARROW: Final[dict[Kind, pa.DataType]] = {
    "time": pa.float64(),
    "string": pa.string(),
    "label": pa.string(),
    "port": pa.int32(),
    "number": pa.float64(),
    "bool": pa.bool_(),
}
CONNECTIONS: Final = pa.schema(
    [*((column.name, _ARROW[column.kind]) for column in COLUMNS), ("line", pa.int64())]
)
HEALTH: Final = pa.schema(
    [
        ("flags", pa.int32()),
        ("ts", pa.float64()),
        ("end", pa.float64()),
        ("orig", pa.string()),
        ("resp", pa.string()),
        ("orig_p", pa.int32()),
        ("line", pa.int64()),
    ]
)


def batch_of(rows: Sequence[Parcel]) -> pa.RecordBatch:
    """Rows as Spark takes them."""
    names = ARROW_SCHEMA.names
    columns = [
        pa.array([getattr(row, name) for row in rows], type=field.type)
        for name, field in zip(names[:-1], ARROW_SCHEMA, strict=False)
    ]
    columns.append(pa.array([bytes(row.data) for row in rows], type=pa.binary()))
    return pa.RecordBatch.from_arrays(columns, schema=ARROW_SCHEMA)


def parcels_in(batch: pa.RecordBatch) -> Iterator[Parcel]:
    """The rows of what Spark gives; ``data`` is a view of its memory."""
    numbers = [batch.column(name).to_pylist() for name in ARROW_SCHEMA.names[:-1]]
    data = batch.column("data")
    for at, (place, stream, part, line, kind, seq) in enumerate(zip(*numbers, strict=True)):
        yield Parcel(place, stream, part, line, kind, seq, memoryview(data[at].as_buffer()))


def pack_connections(frame: pd.DataFrame, lines: Lines) -> pa.RecordBatch:
    """A batch frame (N rows) and its lines (N,) as columns of plain values."""
    arrays = [_plain(column, frame[column.name]) for column in COLUMNS]
    return pa.RecordBatch.from_arrays([*arrays, pa.array(lines)], schema=CONNECTIONS)


def unpack_connections(buffers: Sequence[Any]) -> tuple[pd.DataFrame, Lines, Lines]:
    """Parcels of connections, in order: a batch frame (N rows), their lines (N,) and how many each parcel had."""
    batches = [pa.ipc.read_record_batch(buffer, CONNECTIONS) for buffer in buffers]
    table = pa.Table.from_batches(batches).combine_chunks()
    counts = np.array([batch.num_rows for batch in batches], dtype=np.int64)
    return to_frame(table, extra=False), table.column("line").to_numpy(), counts


def split(table: pa.Table, places: npt.NDArray[np.int64]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut rows (N) by the place (N,) that each goes to, in their order."""
    order = np.argsort(places, kind="stable")
    batch = table.take(pa.array(order)).combine_chunks().to_batches()[0]
    sorted_places = places[order]
    starts = np.flatnonzero(np.append(True, sorted_places[1:] != sorted_places[:-1]))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        yield int(sorted_places[start]), batch.slice(start, stop - start)


def places_of(hosts: pd.Series, stream: int, places: int) -> npt.NDArray[np.int64]:
    """The place of each connection (N,) by its host (a column of categories) and the number of its stream."""
    keys = hashes_of(hosts.cat.categories)
    by_host = mix(keys, np.full(len(keys), stream)) % np.uint64(places)
    return by_host.astype(np.int64)[hosts.cat.codes.to_numpy()]


def pack_health(rows: Rows, lines: Lines) -> pa.RecordBatch:
    """What the judges of a sensor look at, with the lines (N,)."""
    columns = [
        rows.flags,
        rows.ts,
        rows.end,
        _decoded(rows.orig),
        _decoded(rows.resp),
        rows.orig_p,
        lines,
    ]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, HEALTH, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=HEALTH)


def unpack_health(buffer: Any) -> tuple[Rows, Lines]:
    """What `pack_health` packed."""
    batch = pa.ipc.read_record_batch(buffer, HEALTH)
    values = {name: batch.column(name) for name in HEALTH.names}
    numbers = {name: values[name].to_numpy(zero_copy_only=False) for name in ("flags", "ts", "end", "orig_p")}
    rows = Rows(orig=_coded(values["orig"]), resp=_coded(values["resp"]), **numbers)
    return rows, values["line"].to_numpy()


def _decoded(texts: Coded) -> pa.Array:
    return _one_piece(pa.array(texts.texts, type=pa.string())).take(pa.array(texts.codes))


def _coded(texts: pa.Array) -> Coded:
    encoded = texts.dictionary_encode()
    return Coded(encoded.indices.to_numpy(), pd.Index(encoded.dictionary.to_pylist(), dtype=object))


def _plain(column: Column, values: pd.Series) -> pa.Array:
    match column.kind:
        case "label":
            codes = values.cat.codes.to_numpy()
            categories = _one_piece(pa.array(values.cat.categories, type=pa.string()))
            indices = pa.array(codes.astype(np.int32), mask=codes < 0)
            return categories.take(indices)
        case "string" | "bool":
            return _one_piece(pa.array(values, type=_ARROW[column.kind], from_pandas=True))
        case _:
            return pa.array(values.to_numpy(), type=_ARROW[column.kind])


def _one_piece(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """What pandas holds in Arrow's memory may be in pieces."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
