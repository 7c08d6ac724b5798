"""The first step on the executors: a part of a log is read and its connections packed by host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from zeekml.errors import InputError
from zeekml.records import Batch, Reject, Rejects, Stream
from zeekml.records.parts import Part, PartEnd, cut, read_part
from zeekml.spark.aside import Aside
from zeekml.spark.packing import packed
from zeekml.spark.parcels import PART_END, Kinds, Parcel, places_of

PART_BYTES: Final = 32 << 20
"""About what one task reads of a log that is not compressed."""

_ROWS_AT_ONCE: Final = 1 << 16
"""Connections that are read and packed at once: a task holds about so many, as columns (130 bytes each)."""
_ROWS_A_PARCEL: Final = 256
"""With many places, a task gathers enough for parcels of about so many connections,"""
_ROWS_A_CUT: Final = 2048
"""and for so many where they only tell where connections lie: to take some out of a batch costs as much as 1,000."""
_REJECTS_AT_ONCE: Final = 10_000
"""Rejected lines in one parcel, at most."""
_COMPRESSED: Final = (".gz", ".zst", ".bz2", ".xz", ".lz4")
_SMALLER: Final = 10
"""How much smaller compressed logs are, about."""
_LINE_BYTES: Final = 100


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


def lines_thought(share: Share) -> int:
    """How many lines a share has, by its size."""
    part, log = share.part, share.part.log
    try:
        stop = part.stop if part.stop is not None or log.path is None else log.path.stat().st_size
    except OSError:  # reading it will say what is wrong
        stop = None
    factor = _SMALLER if log.name.endswith(_COMPRESSED) else 1
    return max(0, (stop or 0) - part.start) * factor // _LINE_BYTES


def reads(
    shares: Any, places: int, folder: str | None = None
) -> Callable[[Iterable[int]], Iterator[tuple[int, Parcel]]]:
    """The function for ``mapPartitions``: numbers of shares in, parcels by their place (of ``places``) out.

    ``shares``: a broadcast list; ``folder``: where connections are put aside, None: they are in the parcels.
    """

    def read(numbers: Iterable[int]) -> Iterator[tuple[int, Parcel]]:
        for number in numbers:
            for parcel in _Task(shares.value[number], places, folder).parcels():
                yield parcel.place, parcel

    return read


class _Task:
    def __init__(self, share: Share, places: int, folder: str | None) -> None:
        self._share = share
        self._places = places
        self._aside = Aside(folder)
        self._rejected: list[Reject] = []
        self._waiting: list[Parcel] = []
        self._rejects = 0
        self._seq = 0

    def parcels(self) -> Iterator[Parcel]:
        share, end, error = self._share, PartEnd(), None
        rejects = Rejects(self._reject)
        a_place = _ROWS_A_PARCEL if self._aside.moves else _ROWS_A_CUT
        at_once = max(_ROWS_AT_ONCE, a_place * self._places)
        try:
            for batch in read_part(share.part, share.name, rejects, end, batch_rows=at_once):
                if batch is not None:
                    yield from self._packed(batch)
                    self._put_rejected()
                yield from self._told()
        except InputError as problem:
            error = [type(problem).__name__, str(problem)]
        self._put_rejected()
        yield from self._told()
        told = {
            "error": error,
            "lines": end.lines,
            "rejects": self._rejects,
            "without_flows": bool(rejects.without_flows),
        }
        yield self._of_share(PART_END, Kinds.END, orjson.dumps(told))

    def _packed(self, batch: Batch) -> Iterator[Parcel]:
        share = self._share
        self._seq += 1
        places = places_of(batch.table.label("id.orig_h"), share.stream, self._places)
        health, connections = packed(batch, places, self._aside)
        place = share.stream % self._places
        yield Parcel(place, share.stream, share.number, 0, Kinds.HEALTH, self._seq, health)
        for place, data in connections:
            yield Parcel(place, share.stream, share.number, 0, Kinds.CONNECTIONS, self._seq, data)

    def _reject(self, reject: Reject) -> None:
        self._rejected.append(reject)
        if len(self._rejected) == _REJECTS_AT_ONCE:
            self._put_rejected()

    def _put_rejected(self) -> None:
        """Let the lines that were rejected since the last time be one parcel."""
        if not self._rejected:
            return
        rejected, self._rejected = self._rejected, []
        self._rejects += len(rejected)
        told = [{"line": reject.line, "reason": reject.reason, "text": reject.text} for reject in rejected]
        data = self._aside.put(orjson.dumps(told))
        self._waiting.append(self._of_share(rejected[0].line, Kinds.REJECT, data))

    def _told(self) -> Iterator[Parcel]:
        waiting, self._waiting = self._waiting, []
        return iter(waiting)

    def _of_share(self, line: int, kind: Kinds, data: Any) -> Parcel:
        share = self._share
        self._seq += 1
        return Parcel(share.number % self._places, share.stream, share.number, line, kind, self._seq, data)
