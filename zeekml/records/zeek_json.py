"""Zeek JSON logs: one object a line, dotted or nested keys, unset keys absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from zeekml.records import frame, times, values
from zeekml.records.frame import Rows
from zeekml.records.lines import Block
from zeekml.records.rejects import Rejects
from zeekml.records.schema import COLUMNS, NAMES, REQUIRED, Column, Kind
from zeekml.records.values import BadLine, UidMaker

Object = dict[str, Any]  # what a JSON object holds is only known once it is looked at
_NEEDED = tuple(name for name in REQUIRED if name != "conn_state")
# Who wrote the object: Corelight and Zeek's JSON streaming say _path, older Corelight exports @stream.
_PATH_KEYS = ("_path", "@stream")
_NONE = type(None)


@dataclass(slots=True)
class Found:
    """Objects taken from a block, each with its line number, offset and line."""

    objects: list[Object] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    def add(self, found: Object, number: int, offset: int, line: bytes) -> None:
        """Append one."""
        self.objects.append(found)
        self.numbers.append(number)
        self.offsets.append(offset)
        self.lines.append(line)


class ZeekJsonReader:
    """Reads the blocks of one file. ``extra`` names further keys to read as labels."""

    def __init__(self, source: str, rejects: Rejects, make_uid: UidMaker, extra: tuple[str, ...] = ()) -> None:
        self._source = source
        self._rejects = rejects
        self._builder = Builder(source, rejects, make_uid, extra)

    def read(self, block: Block) -> Iterator[Rows]:
        """Yield the connections of ``block`` in line order."""
        found = Found()
        loads = orjson.loads
        for number, offset, line in block.lines():
            try:
                parsed = loads(line)
            except orjson.JSONDecodeError:
                parsed = parse_odd(line, number, self._source, self._rejects)
                if parsed is None:
                    continue
            if type(parsed) is not dict:
                self._rejects.add(self._source, number, "not a JSON object", line)
                continue
            if "id" in parsed:
                parsed = flattened(parsed)
            if ("conn_state" not in parsed or "id.orig_h" not in parsed) and is_other_log(parsed):
                self._rejects.passed_over += 1
                continue
            found.add(parsed, number, offset, line)
        yield self._builder.rows(found, len(block.data))


def parse_odd(line: bytes, number: int, source: str, rejects: Rejects) -> object:
    """Parse a line that is no JSON as it stands: blank, after NUL bytes, or broken (None, counted)."""
    stripped = line.lstrip(b"\0")
    if not stripped.strip():
        rejects.passed_over += 1
        return None
    try:
        parsed: object = orjson.loads(stripped) if stripped != line else None
    except orjson.JSONDecodeError:
        parsed = None
    if parsed is None:
        rejects.add(source, number, "not JSON", line)
    return parsed


def flattened(found: Object) -> Object:
    """Bring ``{"id": {"orig_h": ...}}`` to dotted keys."""
    inner = found.get("id")
    if not isinstance(inner, dict):
        return found
    return {**{f"id.{key}": value for key, value in inner.items()}, **found}


def is_other_log(found: Object) -> bool:
    """Whether the object says that it belongs to another log than conn."""
    path = next((found[key] for key in _PATH_KEYS if key in found), None)
    return isinstance(path, str) and not path.startswith("conn")


class Builder:
    """Makes rows of objects with Zeek's keys: all at once, or one by one where something is odd."""

    def __init__(self, source: str, rejects: Rejects, make_uid: UidMaker, extra: tuple[str, ...] = ()) -> None:
        self._source = source
        self._rejects = rejects
        self._make_uid = make_uid
        self._columns = (*COLUMNS, *(Column(name, "label") for name in extra))

    def rows(self, found: Found, size: int) -> Rows:
        """Return the connections among the objects; what cannot be read is rejected."""
        numbers = np.array(found.numbers, dtype=np.int64)
        table = self._at_once(found)
        if table is not None:
            return Rows(table, numbers, size)
        kept: list[int] = []
        rows: list[list[object]] = []
        for place, one in enumerate(found.objects):
            try:
                rows.append(self._one(one, found.offsets[place]))
            except BadLine as reason:
                self._rejects.add(self._source, found.numbers[place], str(reason), found.lines[place])
            else:
                kept.append(place)
        return Rows(frame.table_of(self._columns, rows), numbers[kept], size)

    def _at_once(self, found: Found) -> pa.Table | None:
        columns: dict[str, pa.Array] = {}
        try:
            for column in self._columns:
                array = self._column(column, [one.get(column.name) for one in found.objects], found.offsets)
                if array is None or (column.name in _NEEDED and array.null_count):
                    return None
                columns[column.name] = array
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            return None
        return pa.table(columns)

    def _column(self, column: Column, given: list[Any], offsets: list[int]) -> pa.Array | None:
        """The column as an array; None, or one of Arrow's errors, where the exact path must judge."""
        name = column.name
        if name not in NAMES:
            return pa.array([_as_text(value) for value in given], frame.LABEL)
        if name == "uid":
            array = pa.array(given, pa.string())
            if array.null_count or pc.any(pc.equal(array, "")).as_py():
                given = [uid or self._make_uid(offset) for uid, offset in zip(given, offsets, strict=True)]
                array = pa.array(given, pa.string())
            return array
        if column.kind == "label":
            if name == "proto":
                given = [text.lower() if isinstance(text, str) else text for text in given]
            array = pa.array(given, frame.arrow_type(column))
            texts = array.dictionary if pa.types.is_dictionary(array.type) else array
            return None if name in _NEEDED and texts.index("").as_py() >= 0 else array
        if column.kind == "bool":
            return pa.array(given, pa.bool_())
        # Arrow would take truth values for 1 and 0, and cut off the fraction of a port.
        found = set(map(type, given))
        if column.kind == "time" and found == {str}:
            moments = pa.array(given, pa.string()).cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
            array = pa.array(moments.to_numpy(zero_copy_only=False) / 1e6)
        elif found <= ({int, _NONE} if column.kind == "port" else {int, float, _NONE}):
            array = pa.array(given, frame.arrow_type(column))
        else:
            return None
        return _if_in_range(column.kind, array)

    def _one(self, found: Object, offset: int) -> list[object]:
        row: list[object] = []
        for column in self._columns:
            value = found.get(column.name)
            if column.name not in NAMES:
                row.append(_as_text(value))
            elif value is None or (value == "" and column.name in (*_NEEDED, "uid")):
                if column.name in _NEEDED:
                    raise BadLine(values.unset(column.name))
                row.append(self._make_uid(offset) if column.name == "uid" else None)
            else:
                row.append(_READ[column.kind](column.name, value))
        return row


def _if_in_range(kind: Kind, array: pa.Array) -> pa.Array | None:
    numbers = array.drop_null().to_numpy(zero_copy_only=False)
    if kind == "time":
        late = numbers >= times.MILLISECONDS_FROM
        if late.any():
            numbers = np.where(late, numbers / 1000, numbers)
            if array.null_count:
                return None
            array = pa.array(numbers)
    limit = {"time": values.MAX_TIME, "port": values.MAX_PORT}.get(kind, np.finfo(np.float64).max)
    return array if bool(((numbers >= 0) & (numbers <= limit)).all()) else None


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
