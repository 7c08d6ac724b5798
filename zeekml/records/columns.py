"""The memory that kernels read the lines of a block into, and Arrow's arrays over it without a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import of_bools, of_numbers, of_texts
from zeekml.memory import Memory, Spare, fresh
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
_APART: Final = 64  # bytes that each array's place is a multiple of
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

    def lines_from(self, line: int) -> Lines:
        """The numbers of the rows' lines, of which the first that was read has this one; ``places`` are lost."""
        return np.add(self.places, line, out=self.places)


_LIKE_NO_TEXT: Final = ~np.uint64(0)
_MOST_KEPT: Final = 64 << 20
"""Bytes of tables of texts, touched or not: larger ones go with their reader."""
_ROOMS: Final = 16
"""Blocks that are read ahead of what is worked out of them, and some more."""


class Room:
    """What the columns of one block after the other are read with, in memory that is used again.

    ``entries`` (labels, N, 4) and ``slots`` (labels, S) are as `zeekml.records.kernels.texts` has them, all slots free
    between two blocks.
    """

    def __init__(self) -> None:
        self.is_tidy = True
        """Whether it is between two blocks."""
        self.slots = np.zeros((0, 0), dtype=np.int32)
        self.entries = np.zeros((0, 0, 4), dtype=np.uint64)
        self._memory = Memory(_ROOMS)

    def settle(self) -> None:
        """Forget what the logs of its reader were, and keep little of the memory that they were read with."""
        self.entries[:, :1] = _LIKE_NO_TEXT  # where a log's mark of an unset value may stand
        self._memory.settle()

    def fit(self, labels: int, most: int) -> None:
        """Let ``most`` texts fit into the tables of as many columns."""
        if self.slots.shape[0] < labels or self.entries.shape[1] <= most:
            slots = 1 << (texts.SPARE * most + texts.LEAST_SLOTS).bit_length()
            self.slots = _few((labels, slots), np.int32)
            self.entries = _few((labels, slots // texts.SPARE, 4), np.uint64)
            self.entries[:, :1] = _LIKE_NO_TEXT

    def arrays(self, shapes: Sequence[tuple[type[np.generic], tuple[int, ...]]]) -> list[Array]:
        """Arrays of these kinds and shapes side by side, whatever stands in them."""
        sizes = [-(-np.dtype(kind).itemsize * math.prod(shape) // _APART) * _APART for kind, shape in shapes]
        size = sum(sizes) + 1
        memory = self._memory.take(size)
        made, at = [], 0
        for (kind, shape), taken in zip(shapes, sizes, strict=True):
            made.append(np.frombuffer(memory, kind, math.prod(shape), at).reshape(shape))
            at += taken
        return made


def _may_be_lent(room: Room) -> bool:
    room.settle()
    return room.is_tidy and room.entries.nbytes <= _MOST_KEPT


_rooms: Final = Spare(Room, _may_be_lent)


def room_for(reader: object) -> Room:
    """Room for a reader as long as it lives: of many small logs, one after the other uses the same."""
    return _rooms.lend(reader)


def _few(shape: tuple[int, ...], kind: type[np.generic]) -> Array:
    """Zeros of which few are touched."""
    size = np.dtype(kind).itemsize * math.prod(shape)
    return np.frombuffer(fresh(size + 1), kind, math.prod(shape)).reshape(shape)


class Columns:
    """Room for ``most`` rows, and ``size`` bytes of texts, in as many columns of each kind as ``used`` says.

    ``room`` is what the block before was read with.
    """

    def __init__(self, used: Sequence[int], most: int, size: int, room: Room) -> None:
        labels = used[LABEL]
        room.is_tidy = False
        room.fit(labels, most)
        self._room = room
        self._numbers, self._codes, self._ports, self._bools, self._ends, self.places, self._text = (
            room.arrays(
                [
                    (np.float64, (used[NUMBER], most)),
                    (np.int32, (labels, most)),
                    (np.int32, (used[PORT], most)),
                    (np.int8, (used[BOOL], most)),
                    (np.int32, (most + 1,)),
                    (np.int64, (most,)),
                    (np.uint8, (size + _SLACK,)),
                ]
            )
        )
        self._ends[0] = 0
        self._labels = np.zeros((labels, 3), dtype=np.int64)
        self._labels[:, texts.MASK] = texts.LEAST_SLOTS - 1
        self._label_ends = np.empty((labels, most + 1), dtype=np.int32)

    @property
    def arrays(self) -> Arrays:
        """In the order in which the kernels take them."""
        return (self._numbers, self._ports, self._bools, self._codes, self._room.entries, self._room.slots,
                self._labels, self._text, self._ends)  # fmt: skip

    def close(self, written: int) -> None:
        """The block was read, and is still there; ``written`` bytes of text came of it."""
        room = self._room
        texts.keep_texts(self._labels, room.slots, room.entries, self._text, written, self._label_ends)
        self._pool = pa.py_buffer(self._text)
        room.is_tidy = True

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
                if not unset.any():
                    return read
                import pyarrow.compute as pc  # noqa: PLC0415 - it wraps every function of Arrow: 20 ms

                # Empty is what a text column has where it is unset.
                return pc.if_else(of_bools(unset), pa.NULL, read)

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
        if lower:
            import pyarrow.compute as pc  # noqa: PLC0415 - as above

            if not (changed := pc.utf8_lower(read)).equals(read):
                return taken(changed, codes)
        return coded(codes, read)

    def met(self, column: int) -> int:
        """What was met among a column's labels."""
        return int(self._labels[column, texts.MET])

    def _ends_of(self, column: int) -> npt.NDArray[np.int32]:
        return self._label_ends[column, : int(self._labels[column, texts.COUNT]) + 1]

    def _array(self, kind: pa.DataType, ends: npt.NDArray[np.int32]) -> pa.Array:
        return pa.Array.from_buffers(kind, len(ends) - 1, [None, pa.py_buffer(ends), self._pool])


def coded(codes: pa.Array, labels: pa.Array) -> pa.Array:
    """A label array of these, all of them different; where each code comes from, nobody has to look whether it fits."""
    return pa.DictionaryArray.from_arrays(codes, labels, safe=False)


def taken(labels: Sequence[str | None] | pa.Array, indices: pa.Array) -> pa.Array:
    """A label array of these; two of them may be the same."""
    held = labels if isinstance(labels, pa.Array) else of_texts(labels, pa.string())
    return held.take(indices).dictionary_encode()
