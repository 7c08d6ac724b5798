"""Runs: the consecutive rows of one key, and the few rows before them that are carried from batch to batch.

Context features look back over a fixed number of rows of the same key. Rows sorted by key fall into runs; in
front of each run its carried *tail* (the last ``T`` rows of that key seen in earlier batches) is laid, so that a
window never needs to know where a batch was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows 0..N-1, already sorted by key, cut into R runs.

    ``starts`` (R,) is the first row of each run, ``of_row`` (N,) the run of each row.
    """

    starts: NDArray[np.int64]
    of_row: NDArray[np.int64]

    @classmethod
    def where(cls, is_start: NDArray[np.bool_]) -> Runs:
        """Make runs from a mask (N,) that is true at the first row of each run."""
        starts = np.flatnonzero(is_start)
        return cls(starts, np.cumsum(is_start) - 1)

    @property
    def ends(self) -> NDArray[np.int64]:
        """(R,) one past the last row of each run."""
        return np.append(self.starts, len(self.of_row))[1:]

    @property
    def rank(self) -> NDArray[np.int64]:
        """(N,) how many rows of its run precede each row."""
        return np.arange(len(self.of_row)) - self.starts[self.of_row]


class TailLayout:
    """Where carried tails and rows lie in a buffer of ``R * width + N`` entries: tail, rows, tail, rows, ..."""

    def __init__(self, runs: Runs, width: int) -> None:
        rows = len(runs.of_row)
        self.width = width
        self.size = rows + len(runs.starts) * width
        self.row_at = np.arange(rows) + (runs.of_row + 1) * width
        first = runs.starts + np.arange(len(runs.starts)) * width
        self._tail_at = first[:, None] + np.arange(width)
        self._last_at = (runs.ends + np.arange(1, len(runs.starts) + 1) * width)[:, None] + np.arange(
            -width, 0
        )

    def lay(self, tails: Array, rows: Array) -> Array:
        """Join carried tails (R, width) and rows (N,) into one buffer (size,)."""
        buffer = np.empty(self.size, dtype=rows.dtype)
        buffer[self._tail_at] = tails
        buffer[self.row_at] = rows
        return buffer

    def last(self, buffer: Array) -> Array:
        """(R, width) what is to be carried on after these rows."""
        last: Array = buffer[self._last_at]
        return last

    def windows(self, buffer: Array) -> Array:
        """(N, width + 1) each row with the ``width`` entries before it, oldest first."""
        view = np.lib.stride_tricks.sliding_window_view(buffer, self.width + 1)
        windows: Array = view[self.row_at - self.width]
        return windows

    def window_sums(self, buffer: Array) -> NDArray[np.int64]:
        """(N,) sums over each row and the ``width`` entries before it; integers, so exact wherever a batch is cut."""
        total = np.concatenate([[0], np.cumsum(buffer, dtype=np.int64)])
        sums: NDArray[np.int64] = total[self.row_at + 1] - total[self.row_at - self.width]
        return sums
