"""The memory that kernels read the lines of a block into, and Arrow's arrays over it without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import of_bools, of_numbers, of_texts
from zeekml.records.frame import Lines
from zeekml.records.kernels import fields
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
_SLACK: Final = 8  # bytes: copies may go on to the end of a word


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


class Columns:
    """Room for ``most`` rows, and ``size`` bytes of texts, in as many columns of each kind as ``used`` says.

    ``entries`` (labels, S, 4) is the table of labels that the block before was read with, all of them free.
    """

    def __init__(self, used: Sequence[int], most: int, size: int, entries: npt.NDArray[np.uint64]) -> None:
        labels = used[LABEL]
        if entries.shape[1] < 2 * most:
            entries = np.zeros((labels, 1 << (2 * most).bit_length(), 4), dtype=np.uint64)
        self.entries = entries
        self._numbers = np.empty((used[NUMBER], most), dtype=np.float64)
        self._ports = np.empty((used[PORT], most), dtype=np.int32)
        self._bools = np.empty((used[BOOL], most), dtype=np.int8)
        self._codes = np.empty((labels, most), dtype=np.int32)
        self._slots = np.empty((labels, most), dtype=np.int32)
        self._labels = np.zeros((labels, 2), dtype=np.int64)
        self._text = np.empty(size + _SLACK, dtype=np.uint8)
        self._ends = np.zeros(most + 1, dtype=np.int32)
        self._label_ends = np.empty((labels, most + 1), dtype=np.int32)

    @property
    def arrays(self) -> Arrays:
        """In the order in which the kernels take them."""
        return (self._numbers, self._ports, self._bools, self._codes, self.entries, self._slots, self._labels,
                self._text, self._ends)  # fmt: skip

    def close(self, written: int, block: npt.NDArray[np.uint8]) -> None:
        """The block was read; ``written`` bytes of text came of it."""
        stop = block.ctypes.data + len(block)
        fields.keep_texts(
            self._labels, self._slots, self.entries, self._text, written, stop, self._label_ends
        )
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
                texts = self._array(pa.string(), ends)
                unset = ends[1:] == ends[:-1]
                if not unset.any():
                    return texts
                import pyarrow.compute as pc  # noqa: PLC0415 - it wraps every function of Arrow: 20 ms

                # Empty is what a text column has where it is unset.
                return pc.if_else(of_bools(unset), pa.NULL, texts)

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
        codes, texts = self.codes(column, rows), self.labels(column)
        if lower:
            import pyarrow.compute as pc  # noqa: PLC0415 - as above

            if not (changed := pc.utf8_lower(texts)).equals(texts):
                return taken(changed, codes)
        return pa.DictionaryArray.from_arrays(codes, texts)

    def met(self, column: int) -> int:
        """What was met among a column's labels."""
        return int(self._labels[column, 1])

    def _ends_of(self, column: int) -> npt.NDArray[np.int32]:
        return self._label_ends[column, : int(self._labels[column, 0]) + 1]

    def _array(self, kind: pa.DataType, ends: npt.NDArray[np.int32]) -> pa.Array:
        return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends), self._pool])


def taken(texts: Sequence[str | None] | pa.Array, indices: pa.Array) -> pa.Array:
    """A label array of these texts; two of them may be the same."""
    held = texts if isinstance(texts, pa.Array) else of_texts(texts, pa.string())
    return held.take(indices).dictionary_encode()
