"""Rows on their way to a batch: Arrow tables of one schema, gathered, cut to size and made into a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from zeekml.records.schema import COLUMNS, Column, Kind

LABEL = pa.dictionary(pa.int32(), pa.string())
_ARROW: dict[Kind, pa.DataType] = {
    "time": pa.float64(),
    "string": pa.string(),
    "label": LABEL,
    "port": pa.int32(),
    "number": pa.float64(),
    "bool": pa.bool_(),
}
# Arrow's dictionaries have each text once: looking for that once more takes pandas as long as all else about them.
_CATEGORIES: Callable[..., Any] = getattr(pd.CategoricalDtype, "_from_fastpath", pd.CategoricalDtype)
MAX_HELD = 64 << 20  # bytes of log text held before a batch is closed early
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)

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
    return Rows(table.unify_dictionaries().combine_chunks().take(pa.array(order)), lines[order], one.size)


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


def to_frame(table: pa.Table, *, extra: bool) -> pd.DataFrame:
    """Make the batch frame: the schema's columns in order and dtype, then with ``extra`` the others."""
    names = set(table.column_names)
    columns: dict[str, object] = {}
    for column in COLUMNS:
        if column.name in names:
            array = table.column(column.name)
        else:
            array = pa.chunked_array([pa.nulls(table.num_rows, arrow_type(column))])
        columns[column.name] = _to_pandas(column.kind, array)
    if extra:
        for name in table.column_names:
            if name not in columns:
                columns[name] = _to_pandas("label", table.column(name))
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)


def _to_pandas(kind: Kind, array: pa.ChunkedArray) -> object:
    match kind:
        case "string":
            return _text(array)
        case "label":
            return _categorical(array)
        case "bool":
            whole = array.combine_chunks()
            values = whole.fill_null(False).to_numpy(zero_copy_only=False)
            return pd.arrays.BooleanArray(values, whole.is_null().to_numpy(zero_copy_only=False))
        case _:
            # A copy where Arrow's memory is read-only: a batch frame may be changed in place.
            values = array.to_numpy()
            return values if values.flags.writeable else values.copy()


def _text(array: pa.ChunkedArray) -> pd.api.extensions.ExtensionArray:
    # pandas documents __from_arrow__ for extension types; its stubs leave it out.
    return _TEXT.__from_arrow__(array)  # type: ignore[attr-defined,no-any-return]


def _categorical(array: pa.ChunkedArray) -> pd.Categorical[str]:
    whole = array.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    indices = whole.indices.fill_null(-1) if whole.null_count else whole.indices
    codes = indices.to_numpy(zero_copy_only=False)
    dictionary = whole.dictionary
    used = np.bincount(codes + 1, minlength=len(dictionary) + 1)[1:] > 0
    if not used.all():
        # Only the categories of this batch: a dictionary grows with the block that it was read from.
        places = np.cumsum(used, dtype=np.int32) - 1
        codes = np.where(codes >= 0, places[codes], -1)
        dictionary = dictionary.filter(pa.array(used))
    categories = pd.Index(_text(pa.chunked_array([dictionary])))
    dtype: pd.CategoricalDtype[str] = _CATEGORIES(categories, ordered=False)
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
