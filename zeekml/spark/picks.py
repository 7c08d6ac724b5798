"""Connections picked from several tables of Arrow's: gathered column by column when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml import arrow
from zeekml.arrow_texts import as_texts, picked
from zeekml.memory import Memory
from zeekml.records.schema import COLUMNS
from zeekml.table import UNSET, Labels, Table, Texts, array_of

_APART: Final = 64  # bytes that each column's place is a multiple of
_NUMBERS: Final[dict[str, tuple[npt.DTypeLike, float]]] = {
    "number": (np.float64, np.nan),
    "port": (np.int32, 0),
    "said": (np.int8, UNSET),
}
"""What columns of numbers are gathered as, and what is unset among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """Rows (N,) of a table as `zeekml.records` reads it."""

    table: pa.Table
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, some: slice) -> Pick:
        return Pick(self.table, self.rows[some])


def table_of(picks: Sequence[Pick], memory: Memory | None = None) -> Table:
    """The connections of all picks (one at least), one after the other; numbers lie in ``memory``."""
    count = sum(map(len, picks))
    room = _Room(memory or Memory(), count)

    def read(kind: str, name: str) -> Any:
        match kind:
            case "label":
                return _labels(name, picks, room.array(np.int32))
            case "text":
                return pa.concat_arrays([_texts(pick, name) for pick in picks])
            case _:
                dtype, unset = _NUMBERS[kind]
                return _gathered(
                    [array_of(pick.table, name) for pick in picks], picks, room.array(dtype), unset
                )

    return Table(count, read)


def _texts(pick: Pick, name: str) -> pa.Array:
    array = array_of(pick.table, name)
    return arrow.of_texts([None] * len(pick)) if array is None else as_texts(picked(array, pick.rows))


class _Room:
    """Memory for the columns of N rows, one after the other."""

    def __init__(self, memory: Memory, count: int) -> None:
        self._column = -(-count * 8 // _APART) * _APART
        # Looked into from now on: else who asks for memory before a column was read would be given the same.
        self._memory = memoryview(memory.take(max(self._column * len(COLUMNS), 1)))
        self._count = count
        self._taken = 0

    def array(self, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Room (N,) for one more; of memory of its own if there are more than a log has."""
        if self._taken == len(COLUMNS):
            return np.empty(self._count, dtype=dtype)
        at = self._taken * self._column
        self._taken += 1
        return np.frombuffer(self._memory, dtype, self._count, at)


def _gathered(
    arrays: Sequence[pa.Array | None], picks: Sequence[Pick], out: npt.NDArray[Any], unset: float
) -> npt.NDArray[Any]:
    """What is picked of arrays of numbers, into ``out``; a column that is not there is unset."""
    at = 0
    for array, pick in zip(arrays, picks, strict=True):
        stop = at + len(pick)
        if array is None:
            out[at:stop] = unset
        else:
            arrow.values_at(array, pick.rows, out[at:stop], unset)
        at = stop
    return out


def _labels(name: str, picks: Sequence[Pick], out: npt.NDArray[Any]) -> Labels:
    """Labels of which each text occurs, and is there once."""
    columns = [array_of(pick.table, name) for pick in picks]
    codes = _gathered([None if column is None else column.indices for column in columns], picks, out, UNSET)
    some, at = [], 0
    for column, pick in zip(columns, picks, strict=True):
        texts = Texts.of(()) if column is None else Texts(column.dictionary)
        some.append(Labels(codes[at : at + len(pick)], texts).compact())
        at += len(pick)
    if len(some) == 1:
        return some[0]
    coded = pa.concat_arrays([labels.texts.array for labels in some]).dictionary_encode()
    places, begin, at = arrow.numbers_of(coded.indices, UNSET), 0, 0
    for labels in some:
        # Code -1, unset, takes the last.
        known = np.append(places[begin : begin + len(labels.texts)], np.int32(UNSET))
        its_codes = labels.codes.astype(np.int64)  # which may lie where the new ones are written to
        known.take(its_codes, out=codes[at : at + len(labels)], mode="wrap")
        begin, at = begin + len(labels.texts), at + len(labels)
    return Labels(codes, Texts(coded.dictionary))
