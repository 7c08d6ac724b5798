"""Columns of a batch turned into text, all rows at once.

A *cell* is one field as it stands in a line, with what leads it in: a tab in TSV; a comma, the key and a
colon in JSON, where an unset field has an empty cell. Lines are the cells of a row joined. Only distinct
values of category columns are escaped, and only values that hold something special take the slow way through
Python.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.sinks.escapes import JSON_SPECIAL, TSV_SPECIAL, UNSET, Format, escape_tsv, quote_json, write_list

_TEXT = pa.large_string()


class Cells:
    """Cells of one log format."""

    def __init__(self, fmt: Format) -> None:
        self._json = fmt == "json"

    def text(self, name: str, values: pd.Series | pd.Index[str] | Sequence[str]) -> pa.Array:
        """Cells of N texts."""
        try:
            written = self._escaped(_arrow(values))
        except UnicodeEncodeError:  # a byte that is no UTF-8 among them, carried as a lone surrogate
            written = pa.array([self._escape(value) for value in values], _TEXT)
        return self._lead(name, written)

    def labels(self, name: str, column: pd.Series, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Cells of rows of a category column, unset ones (NaN) included."""
        return self.choices(name, column.cat.categories, column.cat.codes.to_numpy()[rows])

    def choices(
        self, name: str, values: pd.Index[str] | Sequence[str], codes: npt.NDArray[np.integer]
    ) -> pa.Array:
        """Cells of ``values[codes]``; a code of -1 is unset."""
        return self._taken(self.text(name, values), codes)

    def lists(self, name: str, values: Sequence[Sequence[str]], codes: npt.NDArray[np.integer]) -> pa.Array:
        """Cells of ``values[codes]``, each a set or vector of texts; a code of -1 is unset."""
        return self._taken(pa.array([self.constant_list(name, value) for value in values], _TEXT), codes)

    def constant_list(self, name: str, value: Sequence[str]) -> str:
        """The cell of a set or vector of texts that is the same in every line."""
        return self._prefix(name) + write_list(value, "json" if self._json else "tsv")

    def unset(self) -> str:
        """The cell of a field that is unset in every line."""
        return self._unset()

    def whole(self, name: str, values: npt.NDArray[np.integer]) -> pa.Array:
        """Cells of N whole numbers."""
        return self._lead(name, pc.cast(pa.array(values), _TEXT))

    def decimal(self, name: str, values: npt.NDArray[np.floating]) -> pa.Array:
        """Cells of N finite numbers, at most 9e12 from 0, with six decimals."""
        return self._lead(name, _six_decimals(values))

    def constant(self, name: str, value: str) -> str:
        """The cell of a text that is the same in every line."""
        return str(self.text(name, [value])[0].as_py())

    def lines(self, cells: Sequence[pa.Array | str]) -> memoryview:
        """The lines made of these cells, in this order, each ending in a line feed, as one buffer."""
        begin, end = ("{", "}\n") if self._json else ("", "\n")
        # The first cell's leading tab or comma goes.
        first = pc.binary_replace_slice(cells[0], 0, 1, begin)
        joined = _join(first, *cells[1:], end)
        return _contents(joined)

    def _taken(self, cells: pa.Array, codes: npt.NDArray[np.integer]) -> pa.Array:
        codes = np.where(codes < 0, len(cells), codes)
        return pa.concat_arrays([cells, pa.array([self._unset()], cells.type)]).take(pa.array(codes))

    def _lead(self, name: str, values: pa.Array) -> pa.Array:
        return _join(self._prefix(name), values)

    def _prefix(self, name: str) -> str:
        return f',"{name}":' if self._json else "\t"

    def _unset(self) -> str:
        return "" if self._json else "\t" + UNSET

    def _escaped(self, array: pa.Array) -> pa.Array:
        plain = _join('"', array, '"') if self._json else array
        special = pc.match_substring_regex(array, JSON_SPECIAL if self._json else TSV_SPECIAL)
        if not pc.any(special).as_py():
            return plain
        written = [self._escape(value) for value in pc.filter(array, special).to_pylist()]
        return pc.replace_with_mask(plain, special, pa.array(written, _TEXT))

    def _escape(self, value: str) -> str:
        return quote_json(value) if self._json else escape_tsv(value)


def _join(*parts: pa.Array | str) -> pa.Array:
    """The parts of each row joined."""
    texts = [pa.scalar(part, _TEXT) if isinstance(part, str) else part for part in (*parts, "")]
    return pc.binary_join_element_wise(*texts)


def _arrow(values: pd.Series | pd.Index[str] | Sequence[str]) -> pa.Array:
    array = pa.array(values, from_pandas=True) if len(values) else pa.array([], _TEXT)
    return array.cast(_TEXT)


def _six_decimals(values: npt.NDArray[np.floating]) -> pa.Array:
    """Texts of N numbers with six decimals, by way of 128-bit decimals (low word, then sign) of scale 6."""
    words = np.empty((len(values), 2), dtype="<i8")
    words[:, 0] = np.rint(values.astype(np.float64) * 1e6)
    words[:, 1] = words[:, 0] >> 63
    decimals = pa.Array.from_buffers(pa.decimal128(24, 6), len(values), [None, pa.py_buffer(words)])
    return pc.cast(decimals, _TEXT)


def _contents(lines: pa.Array) -> memoryview:
    """The texts of an array without missing ones, end to end, without copying them."""
    _, offsets, data = lines.buffers()
    edges = np.frombuffer(offsets, dtype=np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[edges[0] : edges[-1]]
