"""Blocks of a Zeek TSV log read by Arrow in one go; what is odd about a line is left to :mod:`zeek_line`.

Nothing is accepted here that the exact path would reject or read otherwise; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from zeekml.records import frame
from zeekml.records.escapes import unescape
from zeekml.records.schema import Column, Kind
from zeekml.records.values import MAX_PORT, MAX_TIME
from zeekml.records.zeek_header import JOINT, Header

Bools = npt.NDArray[np.bool_]

_BOM = b"\xef\xbb\xbf"  # Arrow takes one away at the start of every block
_NO_ODD = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class FastRows:
    """A table, the places of its rows among the block's lines, and of lines left to the exact path."""

    table: pa.Table
    places: frame.Lines
    odd: frame.Lines


class FastReader:
    """Reads whole blocks under one header."""

    def __init__(self, header: Header, columns: list[tuple[int, Column]]) -> None:
        self._header = header
        self._columns = columns
        self._joined_from = header.width - 1 if header.joined > 1 else len(header.names)
        self._empty = header.empty.decode()
        self._unset = header.unset.decode()
        self._names = [str(place) for place in range(header.width)]
        types = {str(place): _read_as(column) for place, column in columns if place < self._joined_from}
        if header.joined > 1:
            types[str(self._joined_from)] = frame.LABEL
        self._convert = arrow_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=["", self._unset],
            strings_can_be_null=True,
            true_values=["T"],
            false_values=["F"],
        )

    @classmethod
    def for_header(cls, header: Header, columns: list[tuple[int, Column]]) -> FastReader | None:
        """Return a reader, or None for a header that only the exact path can follow."""
        if header.missing or not header.plain:
            return None
        joined = [column for place, column in columns if header.joined > 1 and place >= header.width - 1]
        if any(column.kind != "label" or column.required for column in joined):
            return None
        return cls(header, columns)

    def read(self, data: bytes) -> FastRows | None:
        """Return the connections in ``data``, or None where it cannot be read this way as a whole."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if b"\r" in data or b"\0" in data or data.startswith(_BOM):
            return None
        try:
            raw, skipped = self._parsed(data)
        except pa.ArrowInvalid:
            return None
        places = np.arange(raw.num_rows + len(skipped), dtype=np.int64)
        if len(skipped):
            places = np.delete(places, skipped)
        odd = np.zeros(raw.num_rows, dtype=np.bool_)
        table = self._typed(raw, marks=b"\\" in data or self._header.empty in data, odd=odd)
        if not odd.any():
            return FastRows(table, places, skipped)
        return FastRows(
            table.filter(pa.array(~odd)), places[~odd], np.sort(np.concatenate([places[odd], skipped]))
        )

    def _parsed(self, data: bytes) -> tuple[pa.Table, frame.Lines]:
        """The raw table, and the places of lines with another number of columns."""
        skipped: list[int] = []

        def skip(row: arrow_csv.InvalidRow) -> str:
            skipped.append(row.number - 1)
            return "skip"

        raw = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=self._names
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._header.separator.decode(),
                quote_char=False,
                double_quote=False,
                escape_char=False,
                newlines_in_values=False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            convert_options=self._convert,
        )
        return raw, np.array(skipped, dtype=np.int64) if skipped else _NO_ODD

    def _typed(self, raw: pa.Table, *, marks: bool, odd: Bools) -> pa.Table:
        """The columns by name, in the kinds of the schema; ``odd`` is set where the exact path must judge.

        ``marks`` says that escapes or the mark of an empty value may stand in the text.
        """
        joined = self._split_joined(raw, odd) if self._header.joined > 1 else []
        columns: dict[str, pa.Array] = {}
        for place, column in self._columns:
            if place >= self._joined_from:
                columns[column.name] = joined[place - self._joined_from]
                continue
            array = raw.column(str(place)).combine_chunks()
            if column.kind in ("time", "number", "port"):
                array = _in_range(column.kind, array, odd)
            elif column.kind != "bool" and marks:
                array = self._unmarked(array)
            if column.name == "proto":
                array = _mapped(array, _lower)
            if column.required and column.name != "conn_state":
                _find_unset(array, odd)
            columns[column.name] = array
        return pa.table(columns)

    def _unmarked(self, array: pa.Array) -> pa.Array:
        """Text without escapes, and with the mark of an empty value read as one."""
        is_label = pa.types.is_dictionary(array.type)
        texts = array.dictionary if is_label else array
        marked = pc.or_(pc.match_substring(texts, "\\"), pc.equal(texts, self._empty))
        if not pc.any(marked).as_py():
            return array
        if is_label:
            return _mapped(array, self._text)
        return pa.array([self._text(text) for text in array.to_pylist()], pa.string())

    def _split_joined(self, raw: pa.Table, odd: Bools) -> list[pa.Array]:
        """The labels in the joined last column; only its distinct values are split."""
        array = raw.column(str(self._joined_from)).combine_chunks()
        count = self._header.joined
        split = [value.split(JOINT) for value in array.dictionary.to_pylist()]
        wrong = np.array([len(parts) != count for parts in split] + [True])
        odd |= wrong[array.indices.fill_null(len(split)).to_numpy(zero_copy_only=False)]
        return [
            _taken(
                [self._or_unset(parts[part]) if len(parts) == count else None for parts in split],
                array.indices,
            )
            for part in range(count)
        ]

    def _text(self, text: str | None) -> str | None:
        if text is None:
            return None
        return "" if text == self._empty else unescape(text.encode())

    def _or_unset(self, text: str) -> str | None:
        return None if text in ("", self._unset) else self._text(text)


def _in_range(kind: Kind, array: pa.Array, odd: Bools) -> pa.Array:
    numbers = array.to_numpy(zero_copy_only=False)  # NaN where unset
    if kind == "number":
        good = (numbers >= 0) & (numbers < np.inf)
    else:
        good = (numbers >= 0) & (numbers <= (MAX_TIME if kind == "time" else MAX_PORT))
    if kind == "port":
        good &= numbers == np.floor(numbers)
    if not good.all():
        odd |= ~good & array.is_valid().to_numpy(zero_copy_only=False)
    if kind == "port":
        return pa.array(
            np.where(good, numbers, 0).astype(np.int32), mask=array.is_null().to_numpy(zero_copy_only=False)
        )
    return array


def _find_unset(array: pa.Array, odd: Bools) -> None:
    if array.null_count:
        odd |= array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()) if array.dictionary.index("").as_py() >= 0 else None
    if array is not None and pa.types.is_string(array.type) and array.index("").as_py() >= 0:
        odd |= pc.equal(array, "").fill_null(False).to_numpy(zero_copy_only=False)


def _read_as(column: Column) -> pa.DataType:
    # Ports as floats: Arrow's integers would take 0x50 as well.
    return pa.float64() if column.kind == "port" else frame.arrow_type(column)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _mapped(array: pa.Array, change: Callable[[str | None], str | None]) -> pa.Array:
    texts = array.dictionary.to_pylist()
    changed = [change(text) for text in texts]
    return array if changed == texts else _taken(changed, array.indices)


def _taken(texts: list[str | None], indices: pa.Array) -> pa.Array:
    """A label array anew, as two spellings may have become one."""
    return pa.array(texts, pa.string()).take(indices).dictionary_encode()
