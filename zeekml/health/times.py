"""Gaps in a log and a clock that jumps, told from the times of its connections.

Logs come in the order in which connections end, or sorted by when they began, and a connection may last as long as the
log: so a gap is a time in which no connection was open, and the clock has jumped back when nearly all connections of a
block, by both times, lie before nearly all of an earlier one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from zeekml.arrays import Arrays, taken
from zeekml.health.blocks import FEWEST
from zeekml.health.rows import Floats, Rows

SHORTEST_GAP: Final = 600.0
"""Seconds: quiet networks and beacons every ten minutes are silent for less."""
LEAST_JUMP: Final = 600.0
"""Seconds: Zeek writes a connection up to five minutes after its last packet (tcp_inactivity_timeout), the default."""
_FEW: Final = 10
"""One connection in so many may lie anywhere."""
_BLOCKS: Final = 4
"""Blocks before a silence by which it is judged: in that time as many connections came as are missing now."""


class Times:
    """The clock of one stream, carried from block to block."""

    def __init__(self) -> None:
        self._latest = np.array(-np.inf)
        """The latest end so far."""
        self._busy = np.full(_BLOCKS, np.inf)
        """Seconds that each of the blocks before took, gaps counted as the shortest: a gap is longer than all."""
        self._early = np.full((2, 2), -np.inf)
        """Of the two blocks before, what 90 % of their connections begin and end after: (blocks, ts and end)."""

    def judge(self, rows: Rows, size: int) -> tuple[Floats, Floats]:
        """The times of the next P blocks of so many connections each.

        Gives by block the longest gap that is one and by how much the clock jumped back (P,), in seconds; 0 where there
        is none.
        """
        back = self._jumps(rows, size)
        gap = np.zeros_like(back)
        edges = sorted({0, *np.flatnonzero(back).tolist(), len(back)})
        for begin, end in pairwise(edges):
            if back[begin]:
                self._latest = np.array(-np.inf)
            gap[begin:end] = self._gaps(rows[begin * size : end * size], size)
        return gap, back

    def export(self) -> Arrays:
        """What is carried, copied."""
        return {"latest": self._latest.copy(), "busy": self._busy.copy(), "early": self._early.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave. Raises StateError."""
        self._latest = taken(arrays, "latest", self._latest).copy()
        self._busy = taken(arrays, "busy", self._busy).copy()
        self._early = taken(arrays, "early", self._early).copy()

    def _jumps(self, rows: Rows, size: int) -> Floats:
        back = np.zeros(len(rows) // size)
        if size < FEWEST or not len(back):
            return back
        times = np.sort(np.stack([rows.ts, rows.end], axis=1).reshape(-1, size, 2).swapaxes(1, 2), axis=2)
        few = size // _FEW
        early, late = np.concatenate([self._early, times[:, :, few]]), times[:, :, -1 - few]

        def behind(block: slice) -> Floats:
            # A jump within a block leaves that one on both sides of it: the one before is compared as well.
            before = np.stack([early[:-2][block] - late[block], early[1:-1][block] - late[block]])
            return np.asarray(before.min(axis=2).max(axis=0))

        # Once the clock has jumped, what was before it is compared no more: then fewer blocks lie behind, never more.
        for place in np.flatnonzero(behind(slice(None)) >= LEAST_JUMP).tolist():
            by = float(behind(slice(place, place + 1))[0])
            if by >= LEAST_JUMP:
                back[place] = by
                early[place + 1] = -np.inf
        self._early = early[-2:].copy()
        return back

    def _gaps(self, rows: Rows, size: int) -> Floats:
        """Those of blocks within which the clock did not jump."""
        latest = np.maximum.accumulate(np.append(self._latest, rows.end))
        silent = rows.ts - latest[:-1]
        silent[~np.isfinite(silent)] = 0.0
        longest = silent.reshape(-1, size).max(axis=1, initial=0.0)
        busy = np.concatenate([self._busy, _seconds(np.diff(latest).reshape(-1, size))])
        gap = np.zeros(len(longest))
        for place in np.flatnonzero(longest >= SHORTEST_GAP).tolist():
            if longest[place] >= busy[place : place + _BLOCKS].sum():
                gap[place] = longest[place]
        self._busy = busy[-_BLOCKS:].copy()
        self._latest = np.array(latest[-1])
        return gap


def _seconds(steps: Floats) -> Floats:
    """What the steps (P, N) of a clock add up to in each block (P,)."""
    short = np.minimum(steps, SHORTEST_GAP)
    known = np.isfinite(steps)
    if known.all():
        return np.asarray(short.sum(axis=1))
    return np.array([block[told].sum() for block, told in zip(short, known, strict=True)])


def spanned(block: Rows) -> tuple[float, float]:
    """When the connections of a block began first and ended last (epoch s)."""
    return float(block.ts.min()), float(block.end.max())
