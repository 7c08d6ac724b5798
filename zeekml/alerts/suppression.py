"""Which connections a notice is written with, and how many connections each notice stands for.

One ledger holds one note of one stream; a key is a host and a class. A notice is due at a key's first
candidate connection, then at its first candidate ``suppress_for`` or more after the previous notice on the
host's clock. What comes between is only counted. Nothing is due by a timer or at the end of input.
"""

from __future__ import annotations

import numpy as np

from zeekml.alerts.evidence import Bools, Floats, Ints, Update, resized
from zeekml.arrays import Arrays, taken


class Ledger:
    """Per slot and class: until when (host clock, s) notices are suppressed, and what was counted since."""

    def __init__(self, capacity: int, classes: int, suppress_for: float) -> None:
        self._suppress_for = suppress_for
        self._until = np.full((capacity, classes), -np.inf)
        self._count = np.zeros((capacity, classes), dtype=np.int64)

    def resize(self, kept: Ints, capacity: int) -> None:
        """Keep these former slots, in this order, in arrays of ``capacity`` slots."""
        self._until = resized(self._until, kept, capacity, -np.inf)
        self._count = resized(self._count, kept, capacity, 0)

    def until(self, slot: int) -> Floats:
        """Until when (host clock, s) notices of each class are suppressed (classes,); -inf where there was none."""
        return np.array(self._until[slot])

    def export(self, held: int) -> Arrays:
        """The first ``held`` slots, as copies: ``until`` and ``count``, both (held, classes)."""
        return {"until": self._until[:held].copy(), "count": self._count[:held].copy()}

    def restore(self, arrays: Arrays, held: int, capacity: int) -> None:
        """Hold what `export` gave for ``held`` slots in arrays of ``capacity`` slots. Raises StateError."""
        until = taken(arrays, "until", self._until, held)
        self._count = resized(taken(arrays, "count", self._count, held), np.arange(held), capacity, 0)
        self._until = resized(until, np.arange(held), capacity, -np.inf)

    def raise_due(
        self, update: Update, *, candidate: Bools, candidate_class: Ints, counted: Bools, counted_class: Ints
    ) -> tuple[Ints, Ints]:
        """The notices due among N connections sorted by host, as ``update`` has them.

        ``candidate`` (N,): may carry a notice, of ``candidate_class`` (N,). ``counted`` (N,): adds to the
        ``n`` of ``counted_class`` (N,). Returns the positions (M,) of the notices and their ``n`` (M,). The
        connection that carries a notice is counted whatever its class.
        """
        classes = self._until.shape[1]
        # A run that goes on takes over what its host had at the end of the last batch; others start with
        # nothing.
        goes_on = update.run_continues[:, None]
        until = np.where(goes_on, self._until[update.run_slot], -np.inf).ravel()
        count = np.where(goes_on, self._count[update.run_slot], 0).ravel()

        at, keys = self._due(update.run * classes + candidate_class, candidate, update.clock, until)
        n = _count(at, keys, update.run * classes + counted_class, counted, count)

        slots = update.run_slot[update.run_last]
        self._until[slots] = until.reshape(-1, classes)[update.run_last]
        self._count[slots] = count.reshape(-1, classes)[update.run_last]
        return at, n

    def _due(self, key: Ints, candidate: Bools, clock: Floats, until: Floats) -> tuple[Ints, Ints]:
        """Positions and keys (M,) of the notices, by key and then position; moves ``until`` (per key) on."""
        rows = np.flatnonzero(candidate)
        rows = rows[np.argsort(key[rows], kind="stable")]
        if not len(rows):
            return rows, rows
        key, clock = key[rows], clock[rows]
        starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
        ends = np.append(starts[1:], len(key))
        # The clock never goes back within a key: one whose last candidate is suppressed has no notice at all.
        open_ = clock[ends - 1] >= until[key[starts]]
        at: list[int] = []
        for start, end in zip(starts[open_].tolist(), ends[open_].tolist(), strict=True):
            times = clock[start:end]
            limit = until[key[start]]
            i = int(np.searchsorted(times, limit))
            while i < len(times):
                at.append(start + i)
                limit = times[i] + self._suppress_for
                i = max(i + 1, int(np.searchsorted(times, limit)))
            until[key[start]] = limit
        return rows[at], key[at]


def _count(at: Ints, keys: Ints, counted_key: Ints, counted: Bools, count: Ints) -> Ints:
    """``n`` of each notice (M,), which are sorted by key and position; moves ``count`` (per key) on."""
    size = len(counted)
    rows = np.flatnonzero(counted)
    places = np.sort(counted_key[rows] * size + rows)  # by key, then position
    begin = np.searchsorted(places, keys * size)
    upto = np.searchsorted(places, keys * size + at, side="right") - begin
    itself = np.searchsorted(places, keys * size + at) - begin < upto

    again = np.append(False, keys[1:] == keys[:-1])[: len(keys)]
    before = np.where(again, np.append(0, upto[:-1])[: len(keys)], -count[keys])
    n = upto - before + ~itself

    count += np.bincount(counted_key[rows], minlength=len(count))
    last = np.append(~again[1:], True)[: len(keys)]
    total = np.searchsorted(places, (keys[last] + 1) * size) - begin[last]
    count[keys[last]] = total - upto[last]
    return n
