"""Messages of a topic as connections: one JSON object each, as Zeek's Kafka writer and Suricata's EVE give it.

Zeek's writer may wrap the object in one that names the log (``Kafka::tag_json``): ``{"conn": {...}}``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import Final

import numpy as np
import orjson
import pyarrow as pa

from zeekml.records import Batch, Rejects
from zeekml.records.eve import EveReader
from zeekml.records.frame import Rows
from zeekml.records.lines import MAX_LINE, Block
from zeekml.records.values import UidMaker
from zeekml.records.zeek_json import ZeekJsonReader

Message = tuple[int, bytes | None]
"""A message's offset in its partition, and its value; None: a tombstone."""

_TAGGED: Final = re.compile(rb'\s*\{\s*"\w+"\s*:\s*\{')
_EVE: Final = b'"event_type"'


def read_messages(messages: Sequence[Message], source: str, stream: str, rejects: Rejects) -> Batch | None:
    """The connections among the messages of one partition, in their order; None where there is none.

    ``source`` names the partition; lines of the batch, and of rejects, are offsets. A uid that is unset is made up from
    stream, source and offset. Other logs and other events count as passed over.
    """
    parts: list[Rows] = []
    for is_eve, some in groupby(_lines(messages, source, rejects), key=lambda line: _EVE in line[1]):
        parts += _read(list(some), source, stream, rejects, is_eve=is_eve)
    parts = [rows for rows in parts if len(rows.lines)]
    if not parts:
        return None
    table = pa.concat_tables([rows.table for rows in parts], promote_options="default")
    table = table.unify_dictionaries().combine_chunks()
    return Batch(table, source, stream, np.concatenate([rows.lines for rows in parts]))


def _lines(messages: Sequence[Message], source: str, rejects: Rejects) -> Iterator[tuple[int, bytes]]:
    """Each message on one line, unwrapped."""
    for offset, value in messages:
        if value is None or not value.strip():
            rejects.passed_over += 1
        elif len(value) > MAX_LINE:
            rejects.add(source, offset, f"longer than {MAX_LINE} bytes", value)
        elif (line := _unwrapped(value.replace(b"\n", b" "))) is None:
            rejects.passed_over += 1
        else:
            yield offset, line


def _unwrapped(value: bytes) -> bytes | None:
    """The object within one that names its log; None for another log than conn."""
    if not _TAGGED.match(value):
        return value
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    if len(found) != 1 or "id" in found:
        return value
    return orjson.dumps(found["conn"]) if "conn" in found else None


def _read(
    lines: Sequence[tuple[int, bytes]], source: str, stream: str, rejects: Rejects, *, is_eve: bool
) -> Iterator[Rows]:
    offsets = [offset for offset, _ in lines]
    data = b"".join(line + b"\n" for _, line in lines)
    starts = list(accumulate((len(line) + 1 for _, line in lines), initial=0))
    uids = _Uids(f"{stream}\0{source}", starts, offsets)
    told = _ByOffset(rejects, offsets)
    reader = EveReader(source, told, uids) if is_eve else ZeekJsonReader(source, told, uids)
    for rows in reader.read(Block(data, 1, 0)):
        yield Rows(rows.table, np.array(offsets, dtype=np.int64)[rows.lines - 1], rows.size)
    rejects.passed_over += told.passed_over


class _Uids(UidMaker):
    """Makes uids up from a message's offset, whatever it is read together with."""

    def __init__(self, name: str, starts: Sequence[int], offsets: Sequence[int]) -> None:
        super().__init__(name, b"")
        self._starts = starts
        self._offsets = offsets

    def __call__(self, offset: int) -> str:
        return super().__call__(self._offsets[bisect_right(self._starts, offset) - 1])


class _ByOffset(Rejects):
    """Names rejected lines by the offsets of their messages."""

    def __init__(self, rejects: Rejects, offsets: Sequence[int]) -> None:
        super().__init__()
        self._rejects = rejects
        self._offsets = offsets

    def add(self, source: str, line: int, reason: str, raw: bytes) -> None:
        self._rejects.add(source, self._offsets[line - 1], reason, raw)
