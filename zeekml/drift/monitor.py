"""Tells for any number of streams how far their connections are from those of training, from a sample of them.

One connection in `EVERY` is looked at, chosen by its number in the stream: by the fraction of the number's multiple of
the golden ratio, which falls into step with no beat of the traffic. What is held of a stream has a fixed size. Of a
live stream what came earlier fades: after every `BLOCK`-th connection, so that no figure depends on a cut into batches.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, below, number, pack_texts, taken, under, unpack_texts
from zeekml.drift.reference import Reference, near
from zeekml.drift.report import DriftReport
from zeekml.drift.stability import stability_index
from zeekml.features import LAYOUT
from zeekml.scoring.scores import Scores

EVERY: Final = 32
BLOCK: Final = 16_384
HALF_LIFE: Final = 131_072
"""Connections of a live stream after which one counts half."""
FEWEST: Final = 250
"""Connections looked at below which nothing is said: chance alone would move features."""

_TURN: Final = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 over the golden ratio
_FADE: Final = 0.5 ** (BLOCK / HALF_LIFE)


class Drift:
    """The drift of streams, each told from its own connections in log order."""

    def __init__(
        self,
        reference: Reference | None,
        used: NDArray[np.bool_] | None,
        threshold: float,
        *,
        own_threshold: bool = True,
        fades: bool = True,
    ) -> None:
        """``reference``: what the model was trained on, None where it is not known; ``used`` (F,): the features that it
        sees, None for all. ``threshold``: score from which a connection alerts, ``own_threshold`` when it is the
        model's own. ``fades``: what came earlier counts less, as a watch wants it.
        """
        self._reference = reference
        self._used = used
        self._threshold = threshold
        self._own = own_threshold
        self._fades = fades
        self._streams: dict[str, _Stream] = {}
        self._ended = self._begun()

    def process(self, scores: Scores, stream: str) -> None:
        """Look at the next N connections of a stream, as they were scored."""
        held = self._streams.get(stream)
        if held is None:
            held = self._streams[stream] = self._begun()
        begin = 0
        while begin < len(scores):
            end = min(len(scores), begin + BLOCK - held.lines % BLOCK)
            self._look(held, scores, begin, end)
            held.lines += end - begin
            if held.lines % BLOCK == 0 and self._fades:
                held.fade()
            begin = end

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that were looked at and have not ended."""
        return tuple(self._streams)

    def standing(self, stream: str) -> DriftReport | None:
        """How far a stream is from training now; None as long as too few connections were looked at."""
        held = self._streams.get(stream)
        return None if held is None else self._report(held)

    def reports(self) -> dict[str, DriftReport]:
        """How far each stream is from training now, of those of which it is known."""
        found = {stream: self.standing(stream) for stream in self._streams}
        return {stream: report for stream, report in found.items() if report is not None}

    def end_stream(self, stream: str) -> None:
        """Count a stream that has ended into `overall`."""
        if (held := self._streams.pop(stream, None)) is not None:
            self._ended.add(held)

    def overall(self) -> DriftReport | None:
        """How far the streams that have ended are from training, taken together."""
        return self._report(self._ended)

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
            streams[name] = self._begun()
            streams[name].restore(below(str(place), arrays))
        self._streams = streams

    def _begun(self) -> _Stream:
        return _Stream((0, 0) if self._reference is None else self._reference.bins.shape)

    def _look(self, held: _Stream, scores: Scores, begin: int, end: int) -> None:
        turns = np.arange(held.lines, held.lines + end - begin, dtype=np.uint64) * _TURN
        rows = begin + np.flatnonzero(turns < np.uint64(2**64 // EVERY))
        if not len(rows):
            return
        score = scores.score[rows]
        close = np.count_nonzero(near(score, self._threshold))
        held.figures += np.array([len(rows), close, score.sum(dtype=np.float64)])
        if self._reference is not None and scores.features is not None:
            held.counts += self._reference.bins.count(scores.features[rows])

    def _report(self, held: _Stream) -> DriftReport | None:
        rows, close, score = held.all_figures.tolist()
        if rows < FEWEST:
            return None
        malicious = score / rows
        expected, index = None, {}
        counts = held.all_counts
        if self._reference is not None and counts.any():
            expected = self._reference.expected_near(malicious) if self._own else None
            moved = stability_index(counts / rows, self._reference.expected(malicious)).tolist()
            sees = [True] * len(moved) if self._used is None else self._used.tolist()
            pairs = [
                (name, value)
                for name, value, sees_it in zip(LAYOUT.names, moved, sees, strict=True)
                if sees_it
            ]
            index = dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
        return DriftReport(rows, close / rows, expected, index)


class _Stream:
    """One stream: ``lines``, how many connections it has had; of those looked at ``counts`` (F, K) by bin, and
    ``figures``: how many, how many near the threshold, and the sum of their scores. What was before the block at hand,
    faded, is apart: whole numbers add up alike in any order."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.lines = 0
        self.counts, self.earlier = np.zeros(shape), np.zeros(shape)
        self.figures, self.earlier_figures = np.zeros(3), np.zeros(3)

    @property
    def all_counts(self) -> NDArray[np.float64]:
        return self.counts + self.earlier

    @property
    def all_figures(self) -> NDArray[np.float64]:
        return self.figures + self.earlier_figures

    def fade(self) -> None:
        self.earlier, self.earlier_figures = self.all_counts * _FADE, self.all_figures * _FADE
        self.counts, self.figures = np.zeros_like(self.counts), np.zeros(3)

    def add(self, other: _Stream) -> None:
        self.counts += other.all_counts
        self.figures += other.all_figures

    def export(self) -> Arrays:
        return {
            "lines": number(self.lines),
            "counts": self.counts.copy(),
            "earlier": self.earlier.copy(),
            "figures": self.figures.copy(),
            "earlier_figures": self.earlier_figures.copy(),
        }

    def restore(self, arrays: Arrays) -> None:
        self.lines = int(taken(arrays, "lines", number(0)))
        for name in ("counts", "earlier", "figures", "earlier_figures"):
            setattr(self, name, taken(arrays, name, getattr(self, name)).copy())
