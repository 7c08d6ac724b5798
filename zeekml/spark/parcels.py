"""What goes through Spark's shuffles: many connections packed into one row, so that Spark moves bytes and not fields.

A parcel holds the connections of some hosts from one stretch of a log, in log order. Its ``place`` is the partition
that all of these hosts' connections go to. Results take the same form on their way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.features.keyed import mix
from zeekml.health.coded import Coded
from zeekml.health.rows import Rows
from zeekml.records.frame import LABEL
from zeekml.records.schema import COLUMNS, Column, Kind
from zeekml.table import Labels, Table

Lines = npt.NDArray[np.int64]

SCHEMA: Final = "place int, stream int, part int, line bigint, kind int, seq int, data binary"
"""Of parcels and results, as a DataFrame. ``stream`` and ``part``: their numbers; ``line``: in its part, of what it
says."""

_NUMBERS: Final = ("place", "stream", "part", "line", "kind", "seq")
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


class Parcel(NamedTuple):
    """One row of `SCHEMA`; on one machine its data may be a `zeekml.spark.aside.Lying` while Spark has it."""

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
    "label": LABEL,
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
        ("orig", LABEL),
        ("resp", LABEL),
        ("orig_p", pa.int32()),
        ("line", pa.int64()),
    ]
)
_SMALLER: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""To make it smaller costs less than to move it from machine to machine."""
_AS_IT_IS: Final = pa.ipc.IpcWriteOptions(use_threads=False)
_MANY: Final = 4
"""A dictionary of so many times more values than a parcel has rows is not counted through for each parcel."""


def parcels_in(batch: pa.RecordBatch) -> Iterator[Parcel]:
    """The rows of what Spark gives of a DataFrame; ``data`` is a view of its memory."""
    numbers = [batch.column(name).to_pylist() for name in _NUMBERS]
    data = batch.column("data")
    for at, (place, stream, part, line, kind, seq) in enumerate(zip(*numbers, strict=True)):
        yield Parcel(place, stream, part, line, kind, seq, memoryview(data[at].as_buffer()))


def pack_connections(
    table: Table, lines: Lines, places: npt.NDArray[np.int64], *, smaller: bool = True
) -> Iterator[tuple[int, bytes]]:
    """Connections (N rows) and their lines (N,), cut by the place (N,) that each goes to: places, and connections in
    their order; compressed if ``smaller``."""
    if not len(lines):
        return
    order = np.argsort(places.astype(np.int16 if places.max() < 1 << 15 else np.int64), kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])).tolist()
    columns = [_Column(column, table, order) for column in COLUMNS]
    lines = lines[order]
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        arrays = [column.cut(start, stop) for column in columns]
        packed = _packed([*arrays, pa.array(lines[start:stop])], CONNECTIONS, smaller=smaller)
        yield int(ordered[start]), packed


def unpack_connections(data: bytes) -> pa.Table:
    """A parcel of connections as a table; see `joined` and `connections_of`."""
    return _unpacked(data)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of connections, one after the other."""
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def connections_of(table: pa.Table) -> tuple[Table, Lines]:
    """Of such a table, or a slice of it, the connections (N rows) and their lines (N,)."""
    return Table.of_arrow(table), table.column("line").to_numpy()


def places_of(hosts: Labels, stream: int, places: int) -> npt.NDArray[np.int64]:
    """The place of each connection (N,) by its host and the number of its stream."""
    keys = hosts.texts.hashes
    by_host = mix(keys, np.full(len(keys), stream)) % np.uint64(places)
    return by_host.astype(np.int64)[hosts.codes]


def pack_health(rows: Rows, lines: Lines, *, smaller: bool = True) -> bytes:
    """What the judges of a sensor look at, with the lines (N,); compressed if ``smaller``."""
    columns = [
        rows.flags, rows.ts, rows.end, _encoded(rows.orig.codes, rows.orig.texts),
        _encoded(rows.resp.codes, rows.resp.texts), rows.orig_p, lines,
    ]  # fmt: skip
    return _packed(
        [
            values if isinstance(values, pa.Array) else pa.array(values, type=field.type)
            for values, field in zip(columns, HEALTH, strict=True)
        ],
        HEALTH,
        smaller=smaller,
    )


def unpack_health(data: bytes) -> tuple[Rows, Lines]:
    """What `pack_health` packed."""
    (batch,) = _unpacked(data).to_batches()
    numbers = {name: batch.column(name).to_numpy() for name in ("flags", "ts", "end", "orig_p")}
    rows = Rows(orig=_coded(batch.column("orig")), resp=_coded(batch.column("resp")), **numbers)
    return rows, batch.column("line").to_numpy()


class _Column:
    """One column of connections, put into an order and then cut."""

    def __init__(self, column: Column, table: Table, order: npt.NDArray[np.intp]) -> None:
        self._kind = column.kind
        self._values: Any
        match column.kind:
            case "label":
                labels = table.label(column.name)
                self._values, self._texts = labels.codes[order], labels.texts.array.cast(pa.string())
            case "string":
                self._values = table.text(column.name).cast(pa.string()).take(pa.array(order))
            case "bool":
                self._values = table.said(column.name)[order]
            case "port":
                self._values = table.port(column.name)[order]
            case _:
                self._values = table.number(column.name)[order]

    def cut(self, start: int, stop: int) -> pa.Array:
        """The rows from ``start`` to ``stop``, as Arrow has them."""
        match self._kind:
            case "label":
                return _compact(self._values[start:stop], self._texts)
            case "string":
                return self._values.slice(start, stop - start)
            case "bool":
                said = self._values[start:stop]
                return pa.array(said == 1, mask=said < 0)
            case kind:
                return pa.array(self._values[start:stop], type=_ARROW[kind])


def _compact(codes: npt.NDArray[np.int32], texts: pa.Array) -> pa.DictionaryArray:
    """Codes (N,), -1 where unset, with those texts only that occur."""
    if len(texts) > _MANY * len(codes):
        used, places = np.unique(codes, return_inverse=True)
        unset = int(len(used) and used[0] < 0)
        return _encoded(places - unset, texts.take(pa.array(used[unset:])))
    occurs = np.flatnonzero(np.bincount(codes + 1, minlength=len(texts) + 1)[1:])
    if len(occurs) == len(texts):
        return _encoded(codes, texts)
    new = np.empty(len(texts) + 1, dtype=np.int32)
    new[occurs] = np.arange(len(occurs), dtype=np.int32)
    new[-1] = -1  # code -1, unset, takes the last
    return _encoded(new[codes], texts.take(pa.array(occurs)))


def _encoded(codes: npt.NDArray[Any], texts: pa.Array | npt.NDArray[np.object_]) -> pa.DictionaryArray:
    codes = codes.astype(np.int32, copy=False)
    unset = codes < 0
    indices = pa.array(codes, mask=unset) if unset.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def _coded(array: pa.DictionaryArray) -> Coded:
    return Coded(array.indices.to_numpy(), array.dictionary.to_numpy(zero_copy_only=False))


def _packed(arrays: Sequence[pa.Array], schema: pa.Schema, *, smaller: bool) -> bytes:
    """A table as a stream of Arrow's, which has its dictionaries with it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_SMALLER if smaller else _AS_IT_IS) as stream:
        stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()
