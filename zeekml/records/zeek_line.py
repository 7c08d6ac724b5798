"""One line of a Zeek TSV log, read exactly: the slow path, which says why a line cannot be read.

It is the definition that the fast path is held to.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from zeekml.records import values
from zeekml.records.escapes import unescape
from zeekml.records.schema import COLUMNS, Column, Kind
from zeekml.records.values import BadLine
from zeekml.records.zeek_header import JOINT, Header

Value = str | float | int | bool | None
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_JOINT = JOINT.encode()


def wanted_columns(header: Header, *, extra: bool) -> list[tuple[int, Column]]:
    """The columns to read and their places in ``header.names``: the schema's, with ``extra`` all others."""
    places = {name: place for place, name in reversed(list(enumerate(header.names)))}
    known = [(places[column.name], column) for column in COLUMNS if column.name in places]
    if not extra:
        return known
    taken = {column.name for column in COLUMNS}
    return known + [
        (place, Column(name, "label"))
        for name, place in sorted(places.items(), key=_place)
        if name not in taken
    ]


def _place(item: tuple[str, int]) -> int:
    return item[1]


class LineReader:
    """Reads lines under one header into the values of the wanted columns."""

    def __init__(self, header: Header, columns: list[tuple[int, Column]]) -> None:
        self._header = header
        self._columns = columns

    def read(self, line: bytes) -> list[Value] | None:
        """Return one value a column, None where unset; None for a blank line. Raises BadLine."""
        line = line.lstrip(b"\0").removesuffix(b"\r")
        if not line:
            return None
        if b"\0" in line:
            raise BadLine("NUL byte in the line")
        fields = self._fields(line)
        return [self._value(column, fields[place]) for place, column in self._columns]

    def _fields(self, line: bytes) -> list[bytes]:
        header = self._header
        fields = line.split(header.separator)
        if header.joined > 1 and len(fields) == header.width:
            fields[-1:] = fields[-1].split(_JOINT)
        if len(fields) < len(header.names):
            raise BadLine("too few columns")
        if len(fields) > len(header.names):
            raise BadLine("too many columns")
        return fields

    def _value(self, column: Column, field: bytes) -> Value:
        if field in (b"", self._header.unset):
            if column.required and column.name != "conn_state":
                raise BadLine(values.unset(column.name))
            return None
        return _READ[column.kind](column, field, self._header.empty)


def _text(column: Column, field: bytes, empty: bytes) -> str:
    text = "" if field == empty else unescape(field)
    if not text and column.required and column.name != "conn_state":
        raise BadLine(values.unset(column.name))
    return text.lower() if column.name == "proto" else text


def _float(field: bytes) -> float:
    field = field.strip(b" \t")
    return float(field) if _NUMBER.fullmatch(field) else float("nan")


def _time(column: Column, field: bytes, _empty: bytes) -> float:
    return values.check_time(column.name, _float(field))


def _port(column: Column, field: bytes, _empty: bytes) -> int:
    return values.check_port(column.name, _float(field))


def _number(column: Column, field: bytes, _empty: bytes) -> float:
    return values.check_number(column.name, _float(field))


def _bool(column: Column, field: bytes, _empty: bytes) -> bool:
    if field not in (b"T", b"F"):
        raise BadLine(values.expected(column.name, values.BOOL))
    return field == b"T"


_READ: dict[Kind, Callable[[Column, bytes, bytes], Value]] = {
    "time": _time,
    "string": _text,
    "label": _text,
    "port": _port,
    "number": _number,
    "bool": _bool,
}
