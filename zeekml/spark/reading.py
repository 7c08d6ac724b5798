"""The first step on the executors: a part of a log is read and its connections packed by host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa

from zeekml.errors import InputError
from zeekml.health.rows import Rows
from zeekml.records import Batch, Reject, Rejects, Stream
from zeekml.records.parts import Part, PartEnd, cut, read_part
from zeekml.spark import parcels
from zeekml.spark.parcels import PART_END, Kinds, Parcel

PART_BYTES: Final = 32 << 20
"""About what one task reads of a log that is not compressed."""

_BATCH_ROWS: Final = 32_768
_ROWS_AT_ONCE: Final = 1 << 18
"""Connections that are packed at once, at least: a task holds about so many, as columns (80 bytes each)."""
_ROWS_A_PARCEL: Final = 256
"""With many places, a task gathers enough for parcels of about so many connections."""
_TOLD_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True)
class Share:
    """What one task reads: a part of a log, its number, and that of its stream."""

    stream: int
    number: int
    name: str
    part: Part


def shares_of(streams: Sequence[Stream], part_bytes: int = PART_BYTES) -> list[Share]:
    """The parts of all logs, numbered in log order."""
    parts = [
        (place, stream.name, part)
        for place, stream in enumerate(streams)
        for log in stream.files
        for part in cut(log, part_bytes)
    ]
    return [Share(stream, number, name, part) for number, (stream, name, part) in enumerate(parts)]


def reads(shares: Any, places: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for ``mapInArrow``: numbers of shares (column ``id``) in, parcels for ``places`` out.

    ``shares``: a broadcast list.
    """

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column("id").to_pylist():
                yield from _Task(shares.value[number], places).parcels()

    return read


class _Task:
    def __init__(self, share: Share, places: int) -> None:
        self._share = share
        self._places = places
        self._most = max(_ROWS_AT_ONCE, _ROWS_A_PARCEL * places)
        self._told: list[Parcel] = []
        self._seq = 0

    def parcels(self) -> Iterator[pa.RecordBatch]:
        share, end, error = self._share, PartEnd(), None
        rejects = Rejects(self._reject)
        held: list[Batch] = []
        count = 0
        try:
            for batch in read_part(share.part, share.name, rejects, end, batch_rows=_BATCH_ROWS):
                held.append(batch)
                count += len(batch.lines)
                if count >= self._most:
                    yield from self._packed(held)
                    held, count = [], 0
                yield from self._tell(_TOLD_AT_ONCE)
        except InputError as problem:
            error = [type(problem).__name__, str(problem)]
        yield from self._packed(held)
        told = {"error": error, "lines": end.lines, "without_flows": bool(rejects.without_flows)}
        self._add(PART_END, Kinds.END, orjson.dumps(told))
        yield from self._tell(1)

    def _packed(self, batches: Sequence[Batch]) -> Iterator[pa.RecordBatch]:
        if not batches:
            return
        share = self._share
        health = self._parcel(share.stream % self._places, Kinds.HEALTH, batches, _health)
        yield parcels.batch_of(health)
        table = pa.Table.from_batches(
            [parcels.pack_connections(batch.frame, batch.lines) for batch in batches]
        )
        places = pa.chunked_array(
            [parcels.places_of(batch.frame["id.orig_h"], share.stream, self._places) for batch in batches]
        ).to_numpy()
        self._seq += 1
        for place, part in parcels.split(table, places):
            row = Parcel(place, share.stream, share.number, 0, Kinds.CONNECTIONS, self._seq, part.serialize())
            yield parcels.batch_of([row])

    def _parcel(
        self, place: int, kind: Kinds, batches: Sequence[Batch], pack: Callable[[Batch], pa.RecordBatch]
    ) -> list[Parcel]:
        rows = []
        for batch in batches:
            self._seq += 1
            share = self._share
            rows.append(
                Parcel(place, share.stream, share.number, 0, kind, self._seq, pack(batch).serialize())
            )
        return rows

    def _reject(self, reject: Reject) -> None:
        told = {"line": reject.line, "reason": reject.reason, "text": reject.text}
        self._add(reject.line, Kinds.REJECT, orjson.dumps(told))

    def _add(self, line: int, kind: Kinds, data: bytes) -> None:
        share = self._share
        self._seq += 1
        place = share.number % self._places
        self._told.append(Parcel(place, share.stream, share.number, line, kind, self._seq, data))

    def _tell(self, least: int) -> Iterator[pa.RecordBatch]:
        if len(self._told) >= least:
            yield parcels.batch_of(self._told)
            self._told = []


def _health(batch: Batch) -> pa.RecordBatch:
    return parcels.pack_health(Rows.of(batch.frame), batch.lines)
