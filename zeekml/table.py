"""Connections as the pure parts look at them: columns of plain arrays, whatever kind of frame they came in.

A batch that was read is in Arrow's memory, what a notebook gives is a pandas frame; both are seen through one
`Table`, which works out a column when somebody first asks for it. pandas is not imported here: a run of ``zeekml
score`` does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml import arrow
from zeekml.arrow_texts import as_texts, picked
from zeekml.code_kernels import mark, spread
from zeekml.text_kernels import hashes, kinds

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]
Rows: TypeAlias = slice | npt.NDArray[np.int64] | Mask

#: A batch frame of any kind.
Frame: TypeAlias = "Table | pd.DataFrame"

UNSET: Final = -1
_MANY: Final = 8


class Texts:
    """Distinct texts (D,), in Arrow's memory."""

    def __init__(self, array: pa.Array) -> None:
        self._held = array

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """These texts."""
        return cls(arrow.of_texts(list(texts)))

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __getitem__(self, places: npt.NDArray[np.int64]) -> Texts:
        return Texts(picked(self._held, places))

    def tolist(self) -> list[str]:
        """The texts one by one."""
        return self._held.to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def array(self) -> pa.Array:
        """The texts as an array of type `zeekml.arrow.TEXT`."""
        return as_texts(self._held)

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """64 bits of each text (D,), the same in every process."""
        return hashes(*arrow.texts_of(self._held))

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """What each text (D,) is as an address: the bits of `zeekml.text_kernels`."""
        return kinds(*arrow.texts_of(self._held))


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """N texts that occur many times: ``codes`` (N,), each the place of one in ``texts`` (D,), or `UNSET`."""

    codes: npt.NDArray[np.int32]
    texts: Texts

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Rows) -> Labels:
        return Labels(self.codes[rows], self.texts)

    def tolist(self) -> list[str | None]:
        """The texts, one by one; None where there is none."""
        used, places = np.unique(self.codes, return_inverse=True)
        known = used[used >= 0].astype(np.int64)
        texts = [*([None] * (len(used) - len(known))), *self.texts[known].tolist()]
        return [texts[place] for place in places.tolist()]

    def each(self, by_text: npt.NDArray[Any], unset: Any) -> npt.NDArray[Any]:
        """What holds for each row (N,): of what holds for each text (D,), and ``unset`` where there is none."""
        table = np.append(by_text, by_text.dtype.type(unset))
        if table.dtype.hasobject:
            return table.take(self.codes)
        each = np.empty(len(self), dtype=table.dtype)
        done = spread(table.view(np.uint8), np.ascontiguousarray(self.codes), each.view(np.uint8))
        return each if done else table.take(self.codes)

    def compact(self) -> Labels:
        """The same without texts that do not occur: a dictionary grows with the block that it was read from."""
        if len(self.texts) > _MANY * len(self):  # too many to go through them
            used, each = np.unique(self.codes, return_inverse=True)
            unset = int(len(used) and used[0] < 0)
            texts = self.texts[used[unset:].astype(np.int64)]
            return Labels((each - unset).astype(np.int32), texts)
        occurs = np.zeros(len(self.texts) + 1, dtype=np.bool_)  # code -1, unset, takes the last
        mark(np.ascontiguousarray(self.codes), occurs.view(np.uint8))
        if occurs[:-1].all():
            return self
        places = np.cumsum(occurs, dtype=np.int32) - 1
        places[-1] = UNSET
        return Labels(places.take(self.codes), self.texts[np.flatnonzero(occurs[:-1])])

    def test(self, test: Callable[[Texts], Mask]) -> Mask:
        """Which rows (N,) have a text that passes; ``test`` sees each once and tells of all of them (D,)."""
        return self.each(np.asarray(test(self.texts), dtype=np.bool_), False)


class Table:
    """N connections in log order, by Zeek's names; see `zeekml.records.schema` for kinds and units."""

    def __init__(self, length: int, read: Callable[[str, str], Any]) -> None:
        """``read(kind, name)`` gives a column as the method of that name does."""
        self._length = length
        self._read = read
        self._held: dict[tuple[str, str], Any] = {}

    @classmethod
    def of(cls, frame: Frame) -> Table:
        """The connections of a batch frame of any kind; a table as it is."""
        return frame if isinstance(frame, Table) else cls(len(frame), _OfPandas(frame))

    @classmethod
    def of_arrow(cls, table: pa.Table) -> Table:
        """Those of an Arrow table; a column that it lacks is unset."""

        def read(kind: str, name: str) -> Any:
            column = column_of(table, kind, name)
            return column.compact() if kind == "label" else column

        return cls(table.num_rows, read)

    def __len__(self) -> int:
        return self._length

    def number(self, name: str) -> npt.NDArray[np.float64]:
        """A column of times, durations or counts (N,), NaN where unset; not to be written to."""
        return self._column("number", name)  # type: ignore[no-any-return]

    def port(self, name: str) -> npt.NDArray[np.int32]:
        """A column of ports (N,)."""
        return self._column("port", name)  # type: ignore[no-any-return]

    def said(self, name: str) -> npt.NDArray[np.int8]:
        """A column of truth values (N,): 1, 0, and -1 where unset."""
        return self._column("said", name)  # type: ignore[no-any-return]

    def label(self, name: str) -> Labels:
        """A column of texts that occur many times (N,)."""
        return self._column("label", name)  # type: ignore[no-any-return]

    def text(self, name: str) -> pa.Array:
        """A column of texts that differ (N,), of type `zeekml.arrow.TEXT`."""
        return self._column("text", name)

    def part(self, rows: Rows) -> Table:
        """Some rows, in the order given."""
        chosen = np.arange(self._length)[rows]

        def read(kind: str, name: str) -> Any:
            whole = self._column(kind, name)
            return picked(whole, chosen) if kind == "text" else whole[rows]

        return Table(len(chosen), read)

    def _column(self, kind: str, name: str) -> Any:
        if (kind, name) not in self._held:
            self._held[kind, name] = self._read(kind, name)
        return self._held[kind, name]


def array_of(table: pa.Table, name: str) -> pa.Array | None:
    """A column of an Arrow table as it is, None where there is none."""
    return _whole(table.column(name)) if name in table.column_names else None


def column_of(table: pa.Table, kind: str, name: str) -> Any:
    """A column of an Arrow table as the `Table` method called ``kind`` gives it; labels may have texts that do not
    occur."""
    array = array_of(table, name)
    if array is None:
        return _UNSET[kind](table.num_rows)
    match kind:
        case "number":
            return arrow.numbers_of(array, np.nan)
        case "port":
            return arrow.numbers_of(array, 0)
        case "said":
            return np.where(arrow.nulls_of(array), np.int8(UNSET), arrow.bools_of(array).view(np.int8))
        case "label":
            coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            indices = coded.indices if coded.indices.type == pa.int32() else coded.indices.cast(pa.int32())
            texts = coded.dictionary
            if pa.types.is_null(texts.type):  # nothing in the column was set
                texts = texts.cast(arrow.TEXT)
            return Labels(arrow.codes_of(indices, UNSET), Texts(texts))
        case _:
            return as_texts(array)


_UNSET: Final[dict[str, Callable[[int], Any]]] = {
    "number": lambda count: np.full(count, np.nan),
    "port": lambda count: np.zeros(count, dtype=np.int32),
    "said": lambda count: np.full(count, UNSET, dtype=np.int8),
    "label": lambda count: Labels(np.full(count, UNSET, dtype=np.int32), Texts.of(())),
    "text": lambda count: arrow.of_texts([None] * count),
}


class _OfPandas:
    """Columns of a pandas frame of the batch schema."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __call__(self, kind: str, name: str) -> Any:
        column = self.frame[name]
        match kind:
            case "number":
                exact = column.dtype == np.float64
                values = column.to_numpy() if exact else column.to_numpy(dtype=np.float64, na_value=np.nan)
                return np.ascontiguousarray(values)
            case "port":
                return np.ascontiguousarray(column.to_numpy(dtype=np.int32))
            case "said":
                return np.ascontiguousarray(column.to_numpy(dtype=np.int8, na_value=UNSET))
            case "label":
                column = column if column.dtype == "category" else column.astype("category")
                texts = pa.array(column.cat.categories, type=arrow.TEXT, from_pandas=True)
                return Labels(column.cat.codes.to_numpy().astype(np.int32), Texts(_whole(texts)))
            case _:
                return _whole(pa.array(column, type=arrow.TEXT, from_pandas=True))


def _whole(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(array, pa.ChunkedArray):
        return array
    return (
        array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    )  # which copies even a single one
