"""One Zeek log line by line: header, single records and close mark, in TSV or JSON.

Source: Zeek's ASCII writer. JSON logs have neither header nor close mark, and leave unset keys out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from zeekml.sinks.escapes import EMPTY, UNSET, Format, escape_tsv, quote_json, write_list

Value = str | int | float | tuple[str, ...] | None
"""A field: text, whole number, number (time, interval or double; six decimals), set or vector of texts, or unset."""


def header(path: str, fields: Sequence[tuple[str, str]], opened: datetime, fmt: Format) -> bytes:
    """The header of a log called ``path`` with these (name, Zeek type) columns, opened at a local time."""
    if fmt == "json":
        return b""
    names, types = zip(*fields, strict=True)
    lines = (
        r"#separator \x09",
        "#set_separator\t,",
        f"#empty_field\t{EMPTY}",
        f"#unset_field\t{UNSET}",
        f"#path\t{path}",
        f"#open\t{_stamp(opened)}",
        "\t".join(("#fields", *names)),
        "\t".join(("#types", *types)),
    )
    return "".join(line + "\n" for line in lines).encode()


def close_mark(closed: datetime, fmt: Format) -> bytes:
    """The last line of a log closed at a local time."""
    return b"" if fmt == "json" else f"#close\t{_stamp(closed)}\n".encode()


def record(fields: Sequence[tuple[str, str]], values: Sequence[Value], fmt: Format) -> str:
    """One line, its line feed included."""
    if fmt == "json":
        cells = [
            f'"{name}":{_json(value)}'
            for (name, _), value in zip(fields, values, strict=True)
            if value is not None
        ]
        return "{" + ",".join(cells) + "}\n"
    return "\t".join(_tsv(value, first=i == 0) for i, value in enumerate(values)) + "\n"


def _tsv(value: Value, *, first: bool) -> str:
    match value:
        case None:
            return UNSET
        case str():
            return escape_tsv(value, starts_line=first)
        case tuple():
            return write_list(value, "tsv")
    return _number(value)


def _json(value: Value) -> str:
    match value:
        case str():
            return quote_json(value)
        case tuple():
            return write_list(value, "json")
    return _number(value)


def _number(value: float | None) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d-%H-%M-%S")
