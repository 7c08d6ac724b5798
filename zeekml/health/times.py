"""Gaps in a log and a clock that jumps, told from the times of its connections.

Logs come in the order in which connections end, or sorted by when they began, and a connection may last as long as the
log: so a gap is a time in which no connection was open, and the clock has jumped back when nearly all connections of a
block, by both times, lie before nearly all of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from zeekml.arrays import Arrays, taken
from zeekml.health.blocks import FEWEST
from zeekml.health.rows import Rows

SHORTEST_GAP: Final = 600.0
"""Seconds: quiet networks and beacons every ten minutes are silent for less."""
LEAST_JUMP: Final = 600.0
"""Seconds: Zeek writes a connection up to five minutes after its last packet (tcp_inactivity_timeout), the default."""
_FEW: Final = 10
"""One connection in so many may lie anywhere."""
_BLOCKS: Final = 4
"""Blocks before a silence by which it is judged: in that time as many connections came as are missing now."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a block's times say: the longest ``gap`` that is one and by how much the clock jumped ``back`` (s), 0 where
    there is none."""

    gap: float
    back: float


class Times:
    """The clock of one stream, carried from block to block."""

    def __init__(self) -> None:
        self._latest = np.array(-np.inf)
        """The latest end so far."""
        self._busy = np.full(_BLOCKS, np.inf)
        """Seconds that each of the blocks before took, gaps counted as the shortest: a gap is longer than all."""
        self._early = np.full((2, 2), -np.inf)
        """Of the two blocks before, what 90 % of their connections begin and end after: (blocks, ts and end)."""

    def judge(self, block: Rows) -> Moment:
        """The times of the next block of connections."""
        back = self._jump(block)
        if back:
            self._latest = np.array(-np.inf)
        latest = np.maximum.accumulate(np.append(self._latest, block.end))
        silent = block.ts - latest[:-1]
        longest = float(silent[np.isfinite(silent)].max(initial=0.0))
        gap = longest if longest >= max(SHORTEST_GAP, float(self._busy.sum())) else 0.0
        steps = np.diff(latest)
        busy = float(np.minimum(steps[np.isfinite(steps)], SHORTEST_GAP).sum())
        self._busy = np.append(self._busy[1:], busy)
        self._latest = np.array(latest[-1])
        return Moment(gap, back)

    def export(self) -> Arrays:
        """What is carried, copied."""
        return {"latest": self._latest.copy(), "busy": self._busy.copy(), "early": self._early.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave. Raises StateError."""
        self._latest = taken(arrays, "latest", self._latest).copy()
        self._busy = taken(arrays, "busy", self._busy).copy()
        self._early = taken(arrays, "early", self._early).copy()

    def _jump(self, block: Rows) -> float:
        if len(block) < FEWEST:
            return 0.0
        times = np.sort(np.stack([block.ts, block.end]), axis=1)
        few = len(block) // _FEW
        early, late = times[:, few], times[:, -1 - few]
        # A jump within a block leaves that one on both sides of it: the one before is compared as well.
        behind = float((self._early - late).min(axis=1).max())
        if behind >= LEAST_JUMP:
            self._early = np.stack([np.full(2, -np.inf), early])
            return behind
        self._early = np.stack([self._early[1], early])
        return 0.0


def spanned(block: Rows) -> tuple[float, float]:
    """When the connections of a block began first and ended last (epoch s)."""
    return float(block.ts.min()), float(block.end.max())
