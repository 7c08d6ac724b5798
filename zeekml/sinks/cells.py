"""Columns of a batch turned into text, all rows at once.

A *cell* is one field as it stands in a line, with what leads it in: a tab in TSV; a comma, the key and a
colon in JSON, where an unset field has an empty cell. Lines are the cells of a row joined. Only distinct
values of category columns are escaped, and only values that hold something special take the slow way through
Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml import arrow
from zeekml.arrow import TEXT, of_texts
from zeekml.arrow_texts import wrapped
from zeekml.sinks.escapes import JSON_SPECIAL, TSV_SPECIAL, UNSET, Format, escape_tsv, quote_json, write_list
from zeekml.sinks.lines import LONGEST_NUMBER, all_plain, write_lines, write_numbers
from zeekml.table import Labels
from zeekml.text_kernels import Bytes

_FEW = 64


@dataclass(frozen=True, slots=True)
class Column:
    """Cells of N rows, ``cells[codes]``; as many rows as there are where ``codes`` is one number, of one cell."""

    cells: pa.Array
    codes: npt.NDArray[np.integer] | int


class Cells:
    """Cells of one log format."""

    def __init__(self, fmt: Format) -> None:
        self._json = fmt == "json"
        self._unset = of_texts([self.unset()])
        self._begin, self._end = (_bytes(text) for text in (("{", "}\n") if self._json else ("", "\n")))

    def text(self, name: str, values: pa.Array | Sequence[str]) -> Column:
        """Cells of N texts; an array is of type `zeekml.arrow.TEXT`."""
        cells = self._texts(name, values)
        return Column(cells, np.arange(len(cells)))

    def labels(self, name: str, labels: Labels) -> Column:
        """Cells of N labels, unset ones included."""
        texts, codes = labels.texts, labels.codes.astype(np.int64)
        if len(texts) > _FEW:  # most of them may be in other rows
            occurs = np.bincount(codes + 1, minlength=len(texts) + 1)[1:] > 0
            codes = np.append(np.cumsum(occurs) - 1, -1)[codes]
            texts = texts[np.flatnonzero(occurs)]
        return self.choices(name, texts.array, codes)

    def choices(self, name: str, values: pa.Array | Sequence[str], codes: npt.NDArray[np.integer]) -> Column:
        """Cells of ``values[codes]``; a code of -1 is unset."""
        return self._chosen(self._texts(name, values), codes)

    def lists(self, name: str, values: Sequence[Sequence[str]], codes: npt.NDArray[np.integer]) -> Column:
        """Cells of ``values[codes]``, each a set or vector of texts; a code of -1 is unset."""
        return self._chosen(of_texts([self.constant_list(name, value) for value in values]), codes)

    def whole(self, name: str, values: npt.NDArray[np.integer]) -> Column:
        """Cells of N whole numbers."""
        return self._numbers(name, values.astype(np.int64), 0)

    def decimal(self, name: str, values: npt.NDArray[np.floating]) -> Column:
        """Cells of N finite numbers, at most 9e12 from 0, with six decimals."""
        return self._numbers(name, np.rint(values.astype(np.float64) * 1e6).astype(np.int64), 6)

    def constant(self, name: str, value: str) -> Column:
        """Cells of a text that is the same in every line."""
        return Column(self._texts(name, [value]), 0)

    def lines(self, columns: Sequence[Column]) -> memoryview:
        """The lines made of these cells, in this order, each ending in a line feed, as one buffer.

        The first column is set in every row, and no constant.
        """
        rows = len(np.atleast_1d(columns[0].codes))
        codes, base = np.empty((len(columns), rows), dtype=np.int64), 0
        for place, column in enumerate(columns):
            codes[place] = column.codes
            codes[place] += base
            base += len(column.cells)
        starts, text = arrow.texts_of(pa.concat_arrays([column.cells for column in columns]))
        # The first cell's leading tab or comma goes.
        size = int(np.diff(starts)[codes].sum()) + rows * (len(self._begin) - 1 + len(self._end))
        out = np.empty(size, dtype=np.uint8)
        write_lines(codes, starts, text, self._begin, self._end, out)
        return out.data

    def _chosen(self, cells: pa.Array, codes: npt.NDArray[np.integer]) -> Column:
        return Column(pa.concat_arrays([cells, self._unset]), np.where(codes < 0, len(cells), codes))

    def _texts(self, name: str, values: pa.Array | Sequence[str]) -> pa.Array:
        prefix = self._prefix(name)
        try:
            array = values if isinstance(values, pa.Array) else of_texts(values)
        except UnicodeEncodeError:  # a byte that is no UTF-8 among them, carried as a lone surrogate
            return of_texts([prefix + self._escape(value) for value in values])
        plain = wrapped(array, f'{prefix}"', '"') if self._json else wrapped(array, prefix, "")
        if not array.null_count and all_plain(*arrow.texts_of(array), self._json):
            return plain
        import pyarrow.compute as pc  # noqa: PLC0415 - it wraps every function of Arrow: 20 ms

        special = pc.match_substring_regex(array, JSON_SPECIAL if self._json else TSV_SPECIAL)
        if not pc.any(special).as_py():
            return plain
        written = [prefix + self._escape(value) for value in pc.filter(array, special).to_pylist()]
        return pc.replace_with_mask(plain, special, of_texts(written))

    def unset(self) -> str:
        """The cell of a field that is unset."""
        return "" if self._json else "	" + UNSET

    def constant_list(self, name: str, value: Sequence[str]) -> str:
        """The cell of one set or vector of texts."""
        return self._prefix(name) + write_list(value, "json" if self._json else "tsv")

    def _prefix(self, name: str) -> str:
        return f',"{name}":' if self._json else "\t"

    def _numbers(self, name: str, values: npt.NDArray[np.int64], decimals: int) -> Column:
        lead = _bytes(self._prefix(name))
        starts = np.empty(len(values) + 1, dtype=np.int64)
        text = np.empty(len(values) * (len(lead) + LONGEST_NUMBER), dtype=np.uint8)
        used = write_numbers(values, decimals, lead, starts, text)
        buffers = [None, pa.py_buffer(starts), pa.py_buffer(text[:used])]
        return Column(pa.Array.from_buffers(TEXT, len(values), buffers), np.arange(len(values)))

    def _escape(self, value: str) -> str:
        return quote_json(value) if self._json else escape_tsv(value)


def _bytes(text: str) -> Bytes:
    return np.frombuffer(text.encode(), dtype=np.uint8)
