"""The memory that kernels read the lines of a block into, and Arrow's arrays over it without a copy."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.arrow import of_bools, of_numbers, of_texts
from zeekml.records.frame import Lines
from zeekml.records.kernels import texts
from zeekml.records.schema import Kind

NUMBER: Final = 0
PORT: Final = 1
BOOL: Final = 2
LABEL: Final = 3
TEXT: Final = 4
KINDS: Final[dict[Kind, int]] = {
    "time": NUMBER,
    "number": NUMBER,
    "port": PORT,
    "bool": BOOL,
    "label": LABEL,
    "string": TEXT,
}
"""Which array a column is read into; there is one text column at most."""

Array = npt.NDArray[Any]
Arrays: TypeAlias = tuple[Array, Array, Array, Array, Array, Array, Array, Array, Array]
_SLACK: Final = 32  # bytes: copies may go on behind the last text


@dataclass(frozen=True, slots=True)
class FastRows:
    """A table, the places of its rows among the ``count`` lines read, and the lines left to the exact path.

    ``odd`` (M, 2): the place of such a line and where in the block it begins. ``stop``: where reading ended, at the end
    or at a header.
    """

    table: pa.Table
    places: Lines
    odd: Lines
    count: int
    stop: int


class Tables:
    """Where the labels of a block are looked up, in memory that is used again: between two blocks nothing is in it.

    ``entries`` (labels, N, 4) and ``slots`` (labels, S) are as `zeekml.records.kernels.texts` has them.
    """

    def __init__(self) -> None:
        self.slots = np.zeros((0, 0), dtype=np.int32)
        self.entries = np.zeros((0, 0, 4), dtype=np.uint64)

    def fit(self, labels: int, most: int) -> None:
        """Room for ``most`` texts in as many columns."""
        if self.slots.shape[0] < labels or self.entries.shape[1] <= most:
            slots = 1 << (texts.SPARE * most + texts.LEAST_SLOTS).bit_length()
            self.slots = _untouched((labels, slots), np.int32)
            self.entries = _untouched((labels, slots // texts.SPARE, 4), np.uint64)
            self.entries[:, 0] = ~np.uint64(0)  # like no text


def _untouched(shape: tuple[int, ...], kind: type[np.generic]) -> Array:
    """Zeros, of which those that nobody writes take no memory: numpy asks for pages of 2 MiB."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    pages = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, dtype=kind, count=math.prod(shape)).reshape(shape)


class Columns:
    """Room for ``most`` rows, and ``size`` bytes of texts, in as many columns of each kind as ``used`` says.

    ``tables`` are those that the labels of the block before were read with.
    """

    def __init__(self, used: Sequence[int], most: int, size: int, tables: Tables) -> None:
        labels = used[LABEL]
        tables.fit(labels, most)
        self._tables = tables
        self._numbers = np.empty((used[NUMBER], most), dtype=np.float64)
        self._ports = np.empty((used[PORT], most), dtype=np.int32)
        self._bools = np.empty((used[BOOL], most), dtype=np.int8)
        self._codes = np.empty((labels, most), dtype=np.int32)
        self._labels = np.zeros((labels, 3), dtype=np.int64)
        self._labels[:, texts.MASK] = texts.LEAST_SLOTS - 1
        self._text = np.empty(size + _SLACK, dtype=np.uint8)
        self._ends = np.zeros(most + 1, dtype=np.int32)
        self._label_ends = np.empty((labels, most + 1), dtype=np.int32)

    @property
    def arrays(self) -> Arrays:
        """In the order in which the kernels take them."""
        return (self._numbers, self._ports, self._bools, self._codes, self._tables.entries, self._tables.slots,
                self._labels, self._text, self._ends)  # fmt: skip

    def close(self, written: int) -> None:
        """The block was read, and is still there; ``written`` bytes of text came of it."""
        tables = self._tables
        texts.keep_texts(self._labels, tables.slots, tables.entries, self._text, written, self._label_ends)
        self._pool = pa.py_buffer(self._text)

    def numbers(self, column: int, rows: int) -> npt.NDArray[np.float64]:
        """A column (rows,) of numbers, NaN where unset."""
        return self._numbers[column, :rows]

    def array(self, kind: Kind, column: int, rows: int) -> pa.Array:
        """The first ``rows`` of a column of any kind but label."""
        match kind:
            case "time" | "number":
                return of_numbers(self._numbers[column, :rows])
            case "port":
                return of_numbers(self._ports[column, :rows])
            case "bool":
                values = self._bools[column, :rows]
                return of_bools(values == 1, values < 0)
            case _:
                ends = self._ends[: rows + 1]
                read = self._array(pa.string(), ends)
                unset = ends[1:] == ends[:-1]
                # Empty is what a text column has where it is unset.
                return pc.if_else(of_bools(unset), pa.NULL, read) if unset.any() else read

    def codes(self, column: int, rows: int) -> pa.Array:
        """The numbers (rows,) of a column's labels."""
        codes = self._codes[column, :rows]
        return of_numbers(codes, codes < 0)

    def labels(self, column: int) -> pa.Array:
        """The different labels of a column, as they stand in the block."""
        return self._array(pa.string(), self._ends_of(column))

    def raw_labels(self, column: int) -> list[bytes]:
        """As `labels`; they may be no UTF-8."""
        return self._array(pa.binary(), self._ends_of(column)).to_pylist()  # type: ignore[no-any-return]

    def labelled(self, column: int, rows: int, *, lower: bool) -> pa.Array:
        """A column of labels as they stand in the block, in lower case if wanted."""
        codes, read = self.codes(column, rows), self.labels(column)
        if lower and not (changed := pc.utf8_lower(read)).equals(read):
            return taken(changed, codes)
        return pa.DictionaryArray.from_arrays(codes, read)

    def met(self, column: int) -> int:
        """What was met among a column's labels."""
        return int(self._labels[column, texts.MET])

    def _ends_of(self, column: int) -> npt.NDArray[np.int32]:
        return self._label_ends[column, : int(self._labels[column, texts.COUNT]) + 1]

    def _array(self, kind: pa.DataType, ends: npt.NDArray[np.int32]) -> pa.Array:
        return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends), self._pool])


def taken(labels: Sequence[str | None] | pa.Array, indices: pa.Array) -> pa.Array:
    """A label array of these; two of them may be the same."""
    held = labels if isinstance(labels, pa.Array) else of_texts(labels, pa.string())
    return held.take(indices).dictionary_encode()
