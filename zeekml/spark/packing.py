"""How the connections of a batch go from the task that read them to those that look at them.

From machine to machine they are packed by their place. On one machine the batch is put aside as it was read, and told
is which of its rows are for which place: to pack them costs as much as to read them. Where places are many the rows
are first sorted by place, or every place would look through the memory of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import numbers_of, of_numbers
from zeekml.health.coded import Coded
from zeekml.health.rows import Rows
from zeekml.records import Batch
from zeekml.records.frame import LABEL, arrow_type
from zeekml.records.schema import COLUMNS, Column
from zeekml.spark.aside import Aside, Lying, taken
from zeekml.spark.parcels import Lines
from zeekml.spark.picks import Pick, table_of
from zeekml.table import Labels, Table, Texts

Places = npt.NDArray[np.int64]


class Picked(NamedTuple):
    """Where connections lie: ``rows`` (uint32, ascending) of the batch ``whole``, a stream of Arrow's with the
    column ``line``."""

    whole: Lying
    rows: Lying


class Cut(NamedTuple):
    """Where connections lie together: the rows ``start`` to ``stop`` of such a batch."""

    whole: Lying
    start: int
    stop: int


_LINE: Final = "line"
_FEW: Final = 8
"""Places, at most, that look for their rows all over a batch."""
_ROW: Final = np.dtype(np.uint32)
CONNECTIONS: Final = pa.schema(
    [*((column.name, arrow_type(column)) for column in COLUMNS), (_LINE, pa.int64())]
)
HEALTH: Final = pa.schema(
    [
        ("flags", pa.int32()),
        ("ts", pa.float64()),
        ("end", pa.float64()),
        ("orig", LABEL),
        ("resp", LABEL),
        ("orig_p", pa.int32()),
        (_LINE, pa.int64()),
    ]
)
_SMALLER: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""To make it smaller costs less than to move it from machine to machine."""


def packed(batch: Batch, places: Places, aside: Aside) -> tuple[Any, Iterator[tuple[int, Any]]]:
    """A batch for the judges of its sensor, and its connections by the place (N,) that each goes to; as data of
    parcels. Raises OSError where the disk is full."""
    if aside.moves:
        return pack_health(Rows.of(batch.table), batch.lines), pack_connections(
            batch.table, batch.lines, places
        )
    table = batch.arrow.append_column(_LINE, of_numbers(batch.lines))
    order, cuts = _by_place(places)
    if len(cuts) > _FEW:
        whole = aside.put_table(table.take(pa.array(order)))
        return whole, ((place, Cut(whole, start, stop)) for place, start, stop in cuts)
    whole = aside.put_table(table)
    rows = aside.put(order.astype(_ROW).tobytes())
    return whole, (
        (place, Picked(whole, rows.part(start * _ROW.itemsize, stop * _ROW.itemsize)))
        for place, start, stop in cuts
    )


def connections_in(data: Any) -> tuple[Pick, Lines]:
    """The connections (N rows) of a parcel and their lines (N,). Raises OSError."""
    if not isinstance(data, Picked):
        table = _cut_out(data) if isinstance(data, Cut) else _unpacked(data)
        return Pick(table, np.arange(table.num_rows)), _lines(table)
    table = _unpacked(taken(data.whole))
    pick = Pick(table, np.frombuffer(data.rows.read(), dtype=_ROW).astype(np.int64))
    return pick, _lines(table)[pick.rows]


def health_in(data: Any) -> tuple[Rows, Lines]:
    """What the judges of a sensor look at in a parcel, and the lines (N,). Raises OSError."""
    if not isinstance(data, Lying):
        return unpack_health(data)
    table = _unpacked(taken(data))
    lines = _lines(table)
    if (np.diff(lines) >= 0).all():
        return Rows.of(Table.of_arrow(table)), lines
    order = np.argsort(lines)  # no two connections are in one line
    return Rows.of(table_of([Pick(table, order)])), lines[order]


def pack_connections(table: Table, lines: Lines, places: Places) -> Iterator[tuple[int, bytes]]:
    """Connections (N rows) and their lines (N,), cut by the place (N,) that each goes to: places, and connections in
    their order, compressed."""
    order, cuts = _by_place(places)
    columns = [_Column(column, table, order) for column in COLUMNS]
    lines = lines[order]
    for place, start, stop in cuts:
        arrays = [column.cut(start, stop) for column in columns]
        yield place, _packed([*arrays, pa.array(lines[start:stop])], CONNECTIONS)


def _by_place(places: Places) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
    """Rows (N,) sorted by their place, in order within it; and each place with where its rows start and stop."""
    if not len(places):
        return np.empty(0, dtype=np.intp), []
    order = np.argsort(places.astype(np.int16 if places.max() < 1 << 15 else np.int64), kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return order, list(
        zip(ordered[starts].tolist(), starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True)
    )


def pack_health(rows: Rows, lines: Lines) -> bytes:
    """What the judges of a sensor look at, with the lines (N,); compressed."""
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
    )


def unpack_health(data: bytes) -> tuple[Rows, Lines]:
    """What `pack_health` packed."""
    table = _unpacked(data)
    (batch,) = table.to_batches()
    numbers = {name: numbers_of(batch.column(name), 0) for name in ("flags", "ts", "end", "orig_p")}
    rows = Rows(orig=_coded(batch.column("orig")), resp=_coded(batch.column("resp")), **numbers)
    return rows, _lines(table)


class _Column:
    """One column of connections, put into an order and then cut."""

    def __init__(self, column: Column, table: Table, order: npt.NDArray[np.intp]) -> None:
        self._kind, self._type = column.kind, arrow_type(column)
        self._values: Any
        match column.kind:
            case "label":
                self._values = table.label(column.name)[order]
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
                labels = self._values[start:stop].compact()
                return _encoded(labels.codes, labels.texts.array.cast(pa.string()))
            case "string":
                return self._values.slice(start, stop - start)
            case "bool":
                said = self._values[start:stop]
                return pa.array(said == 1, mask=said < 0)
            case _:
                return pa.array(self._values[start:stop], type=self._type)


def _encoded(codes: npt.NDArray[Any], texts: pa.Array | npt.NDArray[np.object_]) -> pa.DictionaryArray:
    codes = codes.astype(np.int32, copy=False)
    unset = codes < 0
    indices = pa.array(codes, mask=unset) if unset.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def _coded(array: pa.DictionaryArray) -> Coded:
    return Coded.of(Labels(numbers_of(array.indices, 0), Texts(array.dictionary)))


def _packed(arrays: Sequence[pa.Array], schema: pa.Schema) -> bytes:
    """A table as a stream of Arrow's, which has its dictionaries with it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_SMALLER) as stream:
        stream.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue().to_pybytes())


def _cut_out(cut: Cut) -> pa.Table:
    return _unpacked(taken(cut.whole)).slice(cut.start, cut.stop - cut.start)


def _lines(table: pa.Table) -> Lines:
    (chunk,) = table.column(_LINE).chunks
    return numbers_of(chunk, 0)


def _unpacked(data: bytes | memoryview) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()
