"""Which files a former run of zeekml wrote, told by their beginning: only those may be replaced.

Zeek calls one of its own logs notice.log too, with the same columns, so the name says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from zeekml.drift import file as drift_file
from zeekml.sinks import rejects_log, zeekml_log
from zeekml.sinks.notice_log import PEER

LOOKED_AT = 4 << 20
"""Bytes of a file that tell: its header and its first line, which may hold fields of a megabyte."""


def written_by_zeekml(name: str, start: bytes, beside: bytes | None) -> bool:
    """Whether the log called ``name`` that begins with ``start`` is a former run's; an empty file counts as one.

    ``beside``: how the zeekml.log in the same folder begins, None where there is none. A notice.log without any
    notice is zeekml's when that one is.
    """
    if not start or name == drift_file.NAME:
        return not start or start.startswith(drift_file.BEGINNING)
    fields, row = _first(start)
    match name:
        case "notice.log":
            if row is not None:
                return row.get("peer_descr") == PEER
            return "note" in fields and bool(beside) and written_by_zeekml("zeekml.log", beside or b"", None)
        case "zeekml.log":
            # What carries the evidence, and how the sensor is, was not told by every zeekml, nor is it in every line.
            optional = ("service", "reasons", "evidence_peers", "evidence_ports", "sensor")
            return _are(fields, zeekml_log.FIELDS, optional)
        case "rejects.log":
            return _are(fields, rejects_log.FIELDS)
    return False


def _are(
    fields: tuple[str, ...], expected: tuple[tuple[str, str], ...], optional: tuple[str, ...] = ()
) -> bool:
    needed = {name for name, _ in expected} - set(optional)
    return needed <= set(fields) <= needed | set(optional)


def _first(start: bytes) -> tuple[tuple[str, ...], Mapping[str, object] | None]:
    """The names of the fields of a log, and its first line by name where it has one; no names: no such log."""
    fields: tuple[str, ...] = ()
    for line in start.decode("utf-8", "replace").split("\n"):
        if line.startswith("{"):
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                return (), None
            return tuple(row), row
        if line.startswith("#fields\t"):
            fields = tuple(line.split("\t")[1:])
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            return fields, dict(zip(fields, cells, strict=False))
    return fields, None
