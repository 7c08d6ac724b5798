"""Watches over the health of any number of streams, batch by batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.errors import StateError
from zeekml.health import blocks, findings, hosts
from zeekml.health.blocks import Verdicts
from zeekml.health.findings import CODES, Finding, Seen, finding
from zeekml.health.rows import Floats, Rows
from zeekml.health.times import Times, spanned
from zeekml.table import Frame

BLOCK: Final = 256
"""Connections of a stream after which they are judged: by lines and not by batches, so that any cut gives the same."""
WINDOW: Final = 4 * BLOCK
"""Connections after which they are judged by hosts, and for which a finding stands after its last sign."""

_BY_BLOCK: Final[dict[str, blocks.Judge]] = {
    findings.BAD_CHECKSUMS: blocks.bad_checksums,
    findings.ONE_SIDED: blocks.one_sided,
    findings.REVERSED: blocks.reversed_roles,
    findings.MISSED_BYTES: blocks.missed_bytes,
}
_BY_WINDOW: Final = (findings.NO_ANSWERS, findings.SHARED_ADDRESS, findings.PROXY)

_PLACE: Final = {code: place for place, code in enumerate(CODES)}
_PARTS, _JUDGED, _BAD, _OF, _FIRST, _LAST, _WORST = range(7)

_Change: TypeAlias = tuple[int, int]
"""The row of a batch from which on a finding stands or no longer does, and its place in ``CODES``."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Which findings stood when each connection of a batch came: ``codes[i]`` from row ``starts[i]`` on, up to the next
    start. A connection is judged by those before it, never by itself."""

    starts: tuple[int, ...]
    codes: tuple[tuple[str, ...], ...]

    def at(self, row: int) -> tuple[str, ...]:
        """The codes that stood at a row of the batch."""
        return self.codes[int(np.searchsorted(self.starts, row, side="right")) - 1]

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where in ``codes`` the marks of rows (N,) are; -1 where nothing stood."""
        place = np.searchsorted(self.starts, rows, side="right") - 1
        marked = np.array([bool(codes) for codes in self.codes])
        return np.where(marked[place], place, -1)


class SensorHealth:
    """The health of streams, each told from its own connections in log order."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}

    def process(self, frame: Frame, stream: str) -> Marks:
        """Look at the next batch (N rows of the batch schema) of a stream, and mark its rows."""
        return self.process_rows(Rows.of(frame), stream)

    def process_rows(self, rows: Rows, stream: str) -> Marks:
        """As `process`, for what was taken from the batch elsewhere."""
        return self._streams.setdefault(stream, _Stream()).process(rows)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that were looked at and have not ended."""
        return tuple(self._streams)

    def standing(self, stream: str) -> list[Finding]:
        """What is wrong with a stream now: in its latest connections, with the figures since it began to be."""
        held = self._streams.get(stream)
        return [] if held is None else held.standing()

    def end_stream(self, stream: str) -> list[Finding]:
        """Forget a stream that has ended; gives what was wrong with any part of it."""
        held = self._streams.pop(stream, None)
        return [] if held is None else held.end()

    def export(self) -> Arrays:
        """All that is carried from batch to batch, of every stream, as copies."""
        arrays = under("streams", pack_texts(list(self._streams)))
        for place, held in enumerate(self._streams.values()):
            arrays |= under(str(place), held.export())
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave, instead of what is held. No arrays at all: begin anew.

        Raises StateError when it was made by another zeekml; then nothing has changed.
        """
        streams = {}
        for place, name in enumerate(unpack_texts(below("streams", arrays)) if arrays else ()):
            streams[name] = _Stream()
            streams[name].restore(below(str(place), arrays))
        self._streams = streams


class _Stream:
    """One stream: the rows of the window that is not full yet, what stands, and counts by code.

    ``whole`` (codes, 7) counts from the beginning of the stream, ``lately`` from when the finding began to stand:
    parts affected, parts judged, bad connections or hosts, of how many, first and last time, the longest gap or jump.
    """

    def __init__(self) -> None:
        self._rows = Rows.none()
        self._times = Times()
        self._left = np.zeros(len(CODES), dtype=np.int64)
        """Blocks or windows for which a finding goes on to stand."""
        self._whole = np.zeros((len(CODES), 7))
        self._lately = np.zeros((len(CODES), 7))
        self._hosts = [""] * len(CODES)

    def process(self, rows: Rows) -> Marks:
        before = len(self._rows)
        held = self._rows.then(rows)
        judged, full = before // BLOCK * BLOCK, len(held) // BLOCK * BLOCK
        standing = {place for place in _PLACE.values() if self._left[place]}
        marks = {0: _codes(standing)}
        changes = [
            *self._judge_blocks(held[judged:full], BLOCK, judged - before),
            *self._judge_windows(held[: len(held) // WINDOW * WINDOW], WINDOW, -before),
        ]
        for row, changed in groupby(sorted(changes), key=lambda change: change[0]):
            standing ^= {place for _, place in changed}
            marks[row] = _codes(standing)
        self._rows = held[len(held) // WINDOW * WINDOW :].compact()
        return Marks(tuple(marks), tuple(marks.values()))

    def standing(self) -> list[Finding]:
        return [
            finding(code, self._seen(self._lately, place))
            for code, place in _PLACE.items()
            if self._left[place]
        ]

    def end(self) -> list[Finding]:
        """What was found from the first connection to the last, those after the last full block included."""
        rest = self._rows[len(self._rows) // BLOCK * BLOCK :]
        if len(rest):
            self._judge_blocks(rest, len(rest), 0)
        if len(self._rows):
            self._judge_windows(self._rows, len(self._rows), 0)
        return [
            finding(code, self._seen(self._whole, place))
            for code, place in _PLACE.items()
            if self._whole[place, _PARTS]
        ]

    def export(self) -> Arrays:
        return {
            "left": self._left.copy(),
            "whole": self._whole.copy(),
            "lately": self._lately.copy(),
            **under("hosts", pack_texts(self._hosts)),
            **under("times", self._times.export()),
            **under("rows", self._rows.export()),
            **under("codes", pack_texts(CODES)),
        }

    def restore(self, arrays: Arrays) -> None:
        self._left = taken(arrays, "left", self._left).copy()
        self._whole = taken(arrays, "whole", self._whole).copy()
        self._lately = taken(arrays, "lately", self._lately).copy()
        self._times.restore(below("times", arrays))
        self._rows = Rows.restored(below("rows", arrays))
        self._hosts = unpack_texts(below("hosts", arrays))
        if unpack_texts(below("codes", arrays)) != list(CODES) or len(self._hosts) != len(CODES):
            raise StateError(
                "the state remembered does not fit: it tells of other findings about sensors than this zeekml knows; "
                "it was made by another zeekml or is damaged: begin with a new state folder"
            )

    def _judge_blocks(self, rows: Rows, size: int, first: int) -> list[_Change]:
        """Judge the next blocks of so many connections each, of which the first is at row ``first`` of the batch."""
        if not len(rows):
            return []
        found = {code: judge(rows, size) for code, judge in _BY_BLOCK.items()}
        gap, back = self._times.judge(rows, size)
        found |= {findings.GAP: _moments(gap), findings.CLOCK: _moments(back)}
        worst = {findings.GAP: gap, findings.CLOCK: back}
        parts = _Parts(rows, size, first, WINDOW // BLOCK)
        return [
            change
            for code, verdicts in found.items()
            for change in self._count(code, verdicts, parts, worst.get(code))
        ]

    def _judge_windows(self, rows: Rows, size: int, first: int) -> list[_Change]:
        if not len(rows):
            return []
        parts = _Parts(rows, size, first, 1)
        return [
            change
            for code, verdicts in zip(_BY_WINDOW, hosts.judge(rows, size), strict=True)
            for change in self._count(code, verdicts, parts)
        ]

    def _count(
        self, code: str, verdicts: Verdicts, parts: _Parts, worst: Floats | None = None
    ) -> list[_Change]:
        """Count what a judge said of parts of the log, one after the other; gives when a finding began or ceased to
        stand."""
        place = _PLACE[code]
        judged = np.flatnonzero(verdicts.judged).tolist()
        if not self._left[place] and not verdicts.affected.any():
            self._whole[place, _JUDGED] += len(judged)
            self._lately[place, _JUDGED] += len(judged)
            return []
        changes = []
        for part in judged:
            stood = self._left[place] > 0
            if verdicts.affected[part]:
                self._take(place, verdicts, part, parts, 0.0 if worst is None else float(worst[part]))
            else:
                self._whole[place, _JUDGED] += 1
                self._lately[place, _JUDGED] += 1
                self._left[place] -= stood
            if stood != (self._left[place] > 0):
                changes.append((parts.first + (part + 1) * parts.size, place))
        return changes

    def _take(self, place: int, verdicts: Verdicts, part: int, parts: _Parts, worst: float) -> None:
        """Count a part that is affected."""
        first, last = spanned(blocks.part(parts.rows, parts.size, part))
        if not self._left[place]:
            self._lately[place] = 0
        for counts in (self._whole[place], self._lately[place]):
            counts[_FIRST] = min(first, counts[_FIRST]) if counts[_PARTS] else first
            counts[_LAST] = max(last, counts[_LAST]) if counts[_PARTS] else last
            counts[[_PARTS, _JUDGED, _BAD, _OF]] += (1, 1, verdicts.bad[part], verdicts.of[part])
            counts[_WORST] = max(worst, counts[_WORST])
        self._left[place] = parts.stands
        self._hosts[place] = verdicts.hosts.get(part, "")

    def _seen(self, counts: np.ndarray, place: int) -> Seen:
        parts, judged, bad, of, first, last, worst = counts[place].tolist()
        return Seen(int(parts), int(judged), int(bad), int(of), first, last, worst, self._hosts[place])


@dataclass(frozen=True, slots=True)
class _Parts:
    """Connections in parts of ``size``, the first at row ``first`` of the batch; a finding stands for ``stands``
    further ones."""

    rows: Rows
    size: int
    first: int
    stands: int


def _moments(seconds: Floats) -> Verdicts:
    """Verdicts on what happens within a block (P,): 0 s is nothing."""
    every = np.ones(len(seconds), dtype=np.int64)
    return Verdicts(every > 0, seconds > 0, every, every)


def _codes(standing: Collection[int]) -> tuple[str, ...]:
    return tuple(code for code, place in _PLACE.items() if place in standing)
