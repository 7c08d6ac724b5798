"""Objects with Zeek's keys made into rows: all of a block at once, or one by one where something is odd.

The way one by one is the definition that the way at once is held to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from zeekml.records import frame, times, values
from zeekml.records.frame import Rows
from zeekml.records.lines import Block, line_at, line_starts, split_lines
from zeekml.records.rejects import Rejects
from zeekml.records.schema import COLUMNS, NAMES, REQUIRED, Column, Kind
from zeekml.records.values import BadLine, UidMaker

if TYPE_CHECKING:
    from zeekml.records.columns import FastRows

Object = dict[str, Any]  # what a JSON object holds is only known once it is looked at

SMALL = 4 << 10  # bytes: below this, object by object costs less than what the fast path needs for itself

_NEEDED = tuple(name for name in REQUIRED if name != "conn_state")
_NUMERIC = ("time", "port", "number")


class Found:
    """Objects taken from lines: from all of a block, or from some of them, each with its number and offset.

    ``places`` are those of the objects' lines in ``lines``.
    """

    def __init__(self, block: Block, some: npt.NDArray[np.int64] | None = None) -> None:
        """``some`` (N, 2): the places of lines in the block, and where in it they begin."""
        if some is None:
            self.data = bytes(block.data)
            self.lines = split_lines(self.data)
            self.numbers = np.arange(block.line, block.line + len(self.lines))
            self._starts = None
        else:
            self.lines = [line_at(block.data, int(start)) for start in some[:, 1]]
            self.numbers = some[:, 0] + block.line
            self.data = b"\n".join(self.lines)
            self._starts = some[:, 1] + block.offset
        self._offset = block.offset
        self.objects: list[Object] = []
        self.places: list[int] = []

    def offsets(self) -> list[int]:
        """Byte offset of each object's line in the content."""
        starts = self._starts
        if starts is None:
            starts = np.cumsum([self._offset, *(len(line) + 1 for line in self.lines)])
        return [int(starts[place]) for place in self.places]


def completed(fast: FastRows, block: Block, make_uid: UidMaker) -> Rows:
    """What was read fast from a block, with uids; not the lines that were left out."""
    table = fast.table
    if frame.lacks_uids(table):
        table = frame.with_uids(table, make_uid, line_starts(block.data, 0)[fast.places] + block.offset)
    return Rows(table, fast.lines_from(block.line), len(block.data))


class Builder:
    """Makes rows of objects. ``extra`` names keys beyond the schema, read as labels."""

    def __init__(
        self,
        source: str,
        rejects: Rejects,
        make_uid: UidMaker,
        extra: tuple[str, ...] = (),
        *,
        fast: bool = True,
    ) -> None:
        self._source = source
        self._rejects = rejects
        self._make_uid = make_uid
        self._extra = tuple(Column(name, "label") for name in extra)
        self._fast = fast

    def rows(self, found: Found) -> Rows:
        """Return the connections among the objects; what cannot be read is rejected."""
        numbers = found.numbers[np.array(found.places, dtype=np.int64)]
        size = len(found.data)
        columns = _at_once(found) if self._fast else None
        if columns is None:
            return self._one_by_one(found, numbers, size)
        uids = columns["uid"]
        if uids.null_count or uids.index("").as_py() >= 0:
            made = [
                uid or self._make_uid(at) for uid, at in zip(uids.to_pylist(), found.offsets(), strict=True)
            ]
            columns["uid"] = pa.array(made, pa.string())
        for column in self._extra:
            columns[column.name] = pa.array(
                [_as_text(one.get(column.name)) for one in found.objects], frame.LABEL
            )
        return Rows(pa.table(columns), numbers, size)

    def _one_by_one(self, found: Found, numbers: frame.Lines, size: int) -> Rows:
        kept: list[int] = []
        rows: list[list[object]] = []
        for place, (one, offset) in enumerate(zip(found.objects, found.offsets(), strict=True)):
            try:
                row = [_value(column, one.get(column.name)) for column in COLUMNS]
            except BadLine as reason:
                line = found.lines[found.places[place]]
                self._rejects.add(self._source, int(numbers[place]), str(reason), line)
                continue
            row[_UID] = row[_UID] or self._make_uid(offset)
            rows.append(row + [_as_text(one.get(column.name)) for column in self._extra])
            kept.append(place)
        return Rows(frame.table_of((*COLUMNS, *self._extra), rows), numbers[kept], size)


_UID = NAMES.index("uid")


def _at_once(found: Found) -> dict[str, pa.Array] | None:
    """The columns of the schema, or None where the objects must be looked at one by one."""
    objects = found.objects
    types = {column.name: _taken_as(column) for column in COLUMNS}
    if objects and isinstance(objects[0].get("ts"), str):
        types["ts"] = pa.string()
    try:
        flat = pa.array(objects, pa.struct(list(types.items()))).flatten()
        columns: dict[str, pa.Array] = dict(zip(types, flat, strict=True))
        if types["ts"] == pa.string():
            # Arrow wants an offset; a time without one is read one by one.
            moments = columns["ts"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
            columns["ts"] = pa.array(moments.to_numpy(zero_copy_only=False) / 1e6, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None
    if not _numbers_are_numbers(found, columns):
        return None
    for column in COLUMNS:
        array = columns[column.name]
        if column.name in _NEEDED and (array.null_count or _has_empty(array)):
            return None
        if column.kind in _NUMERIC:
            checked = _if_in_range(column.kind, array)
            if checked is None:
                return None
            columns[column.name] = checked
    proto = columns["proto"]
    if any(text != text.lower() for text in proto.dictionary.to_pylist()):
        columns["proto"] = pa.array([text.lower() for text in proto.to_pylist()], frame.LABEL)
    return columns


def _taken_as(column: Column) -> pa.DataType:
    # Ports as floats: Arrow cuts the fraction off a number that is to be an integer.
    return pa.float64() if column.kind == "port" else frame.arrow_type(column)


def _numbers_are_numbers(found: Found, columns: dict[str, pa.Array]) -> bool:
    """Whether no number is a truth value in the log: Arrow takes ``true`` for 1.

    As a rule the words stand in the text as often as there are truth values, and no object need be looked at.
    """
    known = sum(
        len(found.objects) - columns[column.name].null_count for column in COLUMNS if column.kind == "bool"
    )
    data = found.data
    if data.count(b"true") + data.count(b"false") == known:
        return True
    numeric = [column.name for column in COLUMNS if column.kind in _NUMERIC]
    return not any(bool in set(map(type, [one.get(name) for one in found.objects])) for name in numeric)


def _has_empty(array: pa.Array) -> bool:
    texts = array.dictionary if pa.types.is_dictionary(array.type) else array
    return bool(pa.types.is_string(texts.type) and texts.index("").as_py() >= 0)


def _if_in_range(kind: Kind, array: pa.Array) -> pa.Array | None:
    """The array in its final unit and type; None where a value is out of range."""
    numbers = array.to_numpy(zero_copy_only=False)  # NaN where unset
    if kind == "time":
        late = numbers >= times.MILLISECONDS_FROM
        if late.any():
            numbers = np.where(late, numbers / 1000, numbers)
            array = pa.array(numbers)
    limit = {"time": values.MAX_TIME, "port": values.MAX_PORT}.get(kind, np.finfo(np.float64).max)
    good = (numbers >= 0) & (numbers <= limit)
    if kind == "port":
        good &= numbers == np.floor(numbers)
    if np.count_nonzero(good) + array.null_count != len(array):
        return None
    return pa.array(numbers.astype(np.int32)) if kind == "port" else array


def _value(column: Column, value: object) -> object:
    """One value, None where unset. Raises BadLine."""
    name = column.name
    if value is None or (value == "" and name in _NEEDED):
        if name in _NEEDED:
            raise BadLine(values.unset(name))
        return None
    return _READ[column.kind](name, value)


def _as_text(value: object) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "T" if value else "F"
        case list():
            return ",".join(text for item in value if (text := _as_text(item)) is not None)
        case _:
            return orjson.dumps(value).decode()


def _number(name: str, value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadLine(values.expected(name, what))
    return float(value)


def _time(name: str, value: object) -> float:
    try:
        moment = times.seconds(value if isinstance(value, str) else _number(name, value, values.TIME))
    except ValueError as error:
        raise BadLine(values.expected(name, values.TIME)) from error
    return values.check_time(name, moment)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadLine(values.expected(name, values.TEXT))
    return value.lower() if name == "proto" else value


def _bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadLine(values.expected(name, values.BOOL))
    return value


_READ: dict[Kind, Callable[[str, object], object]] = {
    "time": _time,
    "string": _text,
    "label": _text,
    "port": lambda name, value: values.check_port(name, _number(name, value, values.PORT)),
    "number": lambda name, value: values.check_number(name, _number(name, value, values.NUMBER)),
    "bool": _bool,
}
