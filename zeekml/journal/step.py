"""One step of a watch as a journal record: what was read, what follows for each output, where reading goes on.

The state of scoring and alerting is not spelled out: it follows from the connections, which the record holds
as Arrow IPC. The bytes of the outputs stand in it as they were written, and are never made anew.

Layout: the length of a JSON text (8 bytes, little-endian), the text, then the parts that it gives the sizes of.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pyarrow as pa

from zeekml.errors import StateError
from zeekml.records.schema import COLUMNS
from zeekml.records.to_arrow import to_arrow
from zeekml.table import Table

_LENGTH: Final = struct.Struct("<Q")
#: What columns of a kind are in a record; texts may be plain or coded.
_TYPES: Final = {"time": pa.float64(), "number": pa.float64(), "port": pa.int32(), "bool": pa.bool_()}
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Append:
    """Bytes that follow in an output.

    ``device``, ``inode``: the file; ``before``: its length (bytes) before them. ``rename_to``: the name that
    the file is given after them (a rotation), or None.
    """

    output: str
    device: int
    inode: int
    before: int
    data: bytes
    rename_to: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step did. ``number``: from 1 on, without gaps, over all journals of a state folder.

    ``positions``: where reading goes on in every log, by stream, as JSON. ``connections``: the stream and
    what is in every batch, in the order in which they were scored. ``alerts``: a line each for the optional
    sinks. ``outputs``: device, inode and begin (epoch s) of the output files in use, by name.
    ``alert_settings``: those that hold from this step on; None for no change.
    """

    number: int
    positions: Mapping[str, Any]
    connections: tuple[tuple[str, Table], ...] = ()
    appends: tuple[Append, ...] = ()
    alerts: tuple[bytes, ...] = ()
    outputs: Mapping[str, tuple[int, int, float]] = field(default_factory=dict)
    alert_settings: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """The record of this step."""
        tables = [_to_ipc(table) for _, table in self.connections]
        facts = {
            "number": self.number,
            "positions": self.positions,
            "outputs": self.outputs,
            "alert_settings": self.alert_settings,
            "connections": [
                (stream, len(data)) for (stream, _), data in zip(self.connections, tables, strict=True)
            ],
            "appends": [
                (each.output, each.device, each.inode, each.before, each.rename_to, len(each.data))
                for each in self.appends
            ],
            "alerts": [len(line) for line in self.alerts],
        }
        text = orjson.dumps(facts)
        parts: list[bytes] = [_LENGTH.pack(len(text)), text]
        parts += tables
        parts += [each.data for each in self.appends]
        parts += self.alerts
        return b"".join(parts)

    @classmethod
    def decode(cls, record: bytes) -> Step:
        """The step of a record; StateError for a record of another version."""
        try:
            (length,) = _LENGTH.unpack_from(record)
            parts = _Parts(record, _LENGTH.size)
            facts = orjson.loads(parts.take(length))
            return cls(
                number=facts["number"],
                positions=facts["positions"],
                outputs={name: tuple(known) for name, known in facts["outputs"].items()},
                alert_settings=facts["alert_settings"],
                connections=tuple(
                    (stream, _from_ipc(parts.take(size))) for stream, size in facts["connections"]
                ),
                appends=tuple(
                    Append(output, device, inode, before, bytes(parts.take(size)), rename_to)
                    for output, device, inode, before, rename_to, size in facts["appends"]
                ),
                alerts=tuple(bytes(parts.take(size)) for size in facts["alerts"]),
            )
        except (struct.error, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise StateError(
                f"a record of the journal is not of this version of zeekml ({error}); stop with the version that "
                "wrote it (SIGTERM, which leaves no record behind), or name a new state folder"
            ) from error


class _Parts:
    """Takes a record apart, from front to back."""

    def __init__(self, record: bytes, at: int) -> None:
        self._view = memoryview(record)
        self._at = at

    def take(self, size: int) -> memoryview:
        self._at += size
        return self._view[self._at - size : self._at]


def _to_ipc(table: Table) -> bytes:
    arrow = to_arrow(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema, options=_OPTIONS) as writer:
        writer.write_table(arrow)
    return bytes(sink.getvalue())


def _from_ipc(data: memoryview) -> Table:
    with pa.ipc.open_stream(pa.py_buffer(bytes(data))) as reader:
        return Table.of_arrow(_checked(reader.read_all()))


def _checked(table: pa.Table) -> pa.Table:
    """The table if it has the schema's columns; ValueError, which says what a column is, if not."""
    for column in COLUMNS:
        if column.name not in table.column_names:
            raise ValueError(f"connections lack {column.name}")
        found = table.schema.field(column.name).type
        if found != _TYPES.get(column.kind, found):
            raise ValueError(f"{column.name} is {found}, expected {_TYPES[column.kind]}")
    return table
