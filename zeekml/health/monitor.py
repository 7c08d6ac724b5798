"""Watches over the health of any number of streams, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.errors import StateError
from zeekml.health import blocks, findings, hosts
from zeekml.health.blocks import Verdict
from zeekml.health.findings import CODES, Finding, Seen, finding
from zeekml.health.rows import Rows
from zeekml.health.times import Moment, Times, spanned

BLOCK: Final = 256
"""Connections of a stream after which they are judged: by lines and not by batches, so that any cut gives the same."""
WINDOW: Final = 4 * BLOCK
"""Connections after which they are judged by hosts, and for which a finding stands after its last sign."""

_BY_BLOCK: Final[dict[str, Callable[[Rows], Verdict | None]]] = {
    findings.BAD_CHECKSUMS: blocks.bad_checksums,
    findings.ONE_SIDED: blocks.one_sided,
    findings.REVERSED: blocks.reversed_roles,
    findings.MISSED_BYTES: blocks.missed_bytes,
}
_BY_WINDOW: Final[dict[str, Callable[[Rows], Verdict | None]]] = {
    findings.NO_ANSWERS: hosts.no_answers,
    findings.SHARED_ADDRESS: hosts.shared_address,
    findings.PROXY: hosts.proxy,
}

_PLACE: Final = {code: place for place, code in enumerate(CODES)}
_PARTS, _JUDGED, _BAD, _OF, _FIRST, _LAST, _WORST = range(7)


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

    def process(self, frame: pd.DataFrame, stream: str) -> Marks:
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
        marks = [(0, self._codes())]
        ends = range((before // BLOCK + 1) * BLOCK, len(held) + 1, BLOCK)
        for end in ends:
            self._judge_block(held[end - BLOCK : end])
            if end % WINDOW == 0:
                self._judge_window(held[end - WINDOW : end])
            marks.append((end - before, self._codes()))
        self._rows = held[len(held) // WINDOW * WINDOW :]
        kept = [marks[0], *(after for former, after in pairwise(marks) if former[1] != after[1])]
        return Marks(tuple(start for start, _ in kept), tuple(codes for _, codes in kept))

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
            self._judge_block(rest)
        if len(self._rows):
            self._judge_window(self._rows)
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

    def _codes(self) -> tuple[str, ...]:
        return tuple(code for code, place in _PLACE.items() if self._left[place])

    def _judge_block(self, block: Rows) -> None:
        span = spanned(block)
        for code, judge in _BY_BLOCK.items():
            self._take(code, judge(block), span, WINDOW // BLOCK)
        moment = self._times.judge(block)
        for code, seconds in _moments(moment):
            self._take(code, Verdict(1, 1, seconds > 0), span, WINDOW // BLOCK, seconds)

    def _judge_window(self, window: Rows) -> None:
        span = spanned(window)
        for code, judge in _BY_WINDOW.items():
            self._take(code, judge(window), span, 1)

    def _take(
        self, code: str, verdict: Verdict | None, span: tuple[float, float], stands: int, worst: float = 0.0
    ) -> None:
        """Count a verdict, which stands for so many further parts."""
        if verdict is None:
            return
        place = _PLACE[code]
        if verdict.affected and not self._left[place]:
            self._lately[place] = 0
        for counts in (self._whole[place], self._lately[place]):
            counts[_JUDGED] += 1
            if not verdict.affected:
                continue
            counts[_FIRST] = min(span[0], counts[_FIRST]) if counts[_PARTS] else span[0]
            counts[_LAST] = max(span[1], counts[_LAST]) if counts[_PARTS] else span[1]
            counts[[_PARTS, _BAD, _OF]] += (1, verdict.bad, verdict.of)
            counts[_WORST] = max(worst, counts[_WORST])
        if verdict.affected:
            self._left[place] = stands
            self._hosts[place] = verdict.host
        elif self._left[place]:
            self._left[place] -= 1

    def _seen(self, counts: np.ndarray, place: int) -> Seen:
        parts, judged, bad, of, first, last, worst = counts[place].tolist()
        return Seen(int(parts), int(judged), int(bad), int(of), first, last, worst, self._hosts[place])


def _moments(moment: Moment) -> Iterator[tuple[str, float]]:
    yield findings.GAP, moment.gap
    yield findings.CLOCK, moment.back
