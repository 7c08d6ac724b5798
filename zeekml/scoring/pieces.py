"""How the runs of a block's hosts are cut into pieces of equal length, for what takes rectangles of steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Steps of the longest piece of a sequence.
LONGEST = 256


def turns(slots: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Runs (indices) such that no slot comes twice in one turn, a slot's runs in order. Nearly always one turn."""
    again = np.append(False, slots[1:] == slots[:-1])
    starts = np.flatnonzero(~again)
    turn = np.arange(len(slots)) - starts[np.cumsum(~again) - 1]
    for number in range(int(turn.max()) + 1):
        yield np.flatnonzero(turn == number)


def pieces(
    lengths: NDArray[np.int64], most_steps: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], int]]:
    """Cut runs (R,) into pieces of powers of two, the longest first: no step is padding, and few calls suffice.

    Yields runs (B,), how much of each is done, and the length L of the piece that all of them have next, with B times L
    at most ``most_steps`` (or B = 1).
    """
    left, steps = lengths.copy(), LONGEST
    while steps:
        runs = np.flatnonzero(left >= steps)
        most = max(most_steps // steps, 1)
        for at in range(0, len(runs), most):
            some = runs[at : at + most]
            yield some, lengths[some] - left[some], steps
        left[runs] -= steps
        if not (left >= steps).any():
            steps //= 2
