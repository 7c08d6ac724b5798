"""Rows on their way to a batch: Arrow tables of one schema, gathered and cut to size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import of_numbers
from zeekml.records.schema import Column, Kind

LABEL = pa.dictionary(pa.int32(), pa.string())
_ARROW: dict[Kind, pa.DataType] = {
    "time": pa.float64(),
    "string": pa.string(),
    "label": LABEL,
    "port": pa.int32(),
    "number": pa.float64(),
    "bool": pa.bool_(),
}
MAX_HELD = 64 << 20  # bytes of log text held before a batch is closed early

Lines = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Connections read: a table of the columns found, line numbers, and the bytes of text they took."""

    table: pa.Table
    lines: Lines
    size: int


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column's values until the frame is made."""
    return _ARROW[column.kind]


def table_of(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> pa.Table:
    """Make a table of row-wise values that have been checked."""
    by_column = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pa.table(
        {
            column.name: pa.array(list(values), type=arrow_type(column))
            for column, values in zip(columns, by_column, strict=True)
        }
    )


def lacks_uids(table: pa.Table) -> bool:
    """Whether there are rows without a uid."""
    return "uid" not in table.column_names or table.column("uid").null_count > 0


def with_uids(table: pa.Table, make_uid: Callable[[int], str], offsets: Lines) -> pa.Table:
    """The table with uids made up where there are none; ``offsets`` (N,) are those of the lines in the content."""
    place = table.schema.get_field_index("uid")
    given = table.column(place).to_pylist() if place >= 0 else [None] * table.num_rows
    made = [uid or make_uid(int(offset)) for uid, offset in zip(given, offsets, strict=True)]
    uids = pa.array(made, pa.string())
    return table.set_column(place, "uid", uids) if place >= 0 else table.append_column("uid", uids)


def merged(one: Rows, other: Rows) -> Rows:
    """Rows of the same block in line order."""
    if not len(other.lines):
        return one
    lines = np.concatenate([one.lines, other.lines])
    table = pa.concat_tables([one.table, other.table.select(one.table.column_names)])
    order = np.argsort(lines, kind="stable")
    return Rows(table.unify_dictionaries().combine_chunks().take(of_numbers(order)), lines[order], one.size)


class Gatherer:
    """Gathers rows into batches of ``batch_rows``, fewer in the last and where lines are very long."""

    def __init__(self, batch_rows: int) -> None:
        self._batch_rows = batch_rows
        self._held: list[Rows] = []
        self._count = 0
        self._size = 0

    @property
    def missing(self) -> int:
        """Rows that the next batch still lacks."""
        return self._batch_rows - self._count

    def add(self, rows: Rows) -> Iterator[tuple[pa.Table, Lines]]:
        """Take ``rows`` and yield the batches that are full."""
        if not len(rows.lines):
            return
        self._held.append(rows)
        self._count += len(rows.lines)
        self._size += rows.size
        if self._count < self._batch_rows and self._size < MAX_HELD:
            return
        table, lines = self._joined()
        whole = len(lines) if self._size >= MAX_HELD else len(lines) - len(lines) % self._batch_rows
        for start in range(0, whole, self._batch_rows):
            stop = min(start + self._batch_rows, whole)
            yield table.slice(start, stop - start), lines[start:stop]
        rest = len(lines) - whole
        self._held = [Rows(table.slice(whole), lines[whole:], 0)] if rest else []
        self._count = rest
        self._size = 0

    def rest(self) -> Iterator[tuple[pa.Table, Lines]]:
        """Yield what is left, at the end of the input."""
        if self._count:
            yield self._joined()
        self._held, self._count, self._size = [], 0, 0

    def _joined(self) -> tuple[pa.Table, Lines]:
        if len(self._held) == 1:
            return self._held[0].table, self._held[0].lines
        tables = [rows.table for rows in self._held]
        table = pa.concat_tables(tables, promote_options="default").unify_dictionaries().combine_chunks()
        return table, np.concatenate([rows.lines for rows in self._held])
