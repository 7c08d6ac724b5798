"""The memory of one stream: its hosts and pairs, and the rules by which they are forgotten.

Forgetting follows the log alone, so any cut into batches and any driver forgets alike: a host or pair whose own gap
exceeds ``idle`` starts anew; a host's contexts are trimmed as its connections count up (see ``pairs``); and after
every 65,536th connection of the stream ``max_hosts`` and ``max_contexts`` are enforced, least recently seen out first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays, below, number, taken, under
from zeekml.features.hosts import exported, host_table
from zeekml.features.keyed import Slots
from zeekml.features.pairs import pair_table
from zeekml.memory import Memory

#: Connections of a stream after which the caps on hosts and contexts are enforced.
CAP_EVERY = 65536


@dataclass(frozen=True, slots=True)
class StateLimits:
    """How long and how much is remembered: ``idle`` in seconds, the rest in numbers held."""

    idle: float = 86400.0
    max_pairs: int = 1024
    max_hosts: int = 50_000
    max_contexts: int = 1_000_000

    @property
    def trim_every(self) -> int:
        """Connections of a host between two trims of its contexts."""
        return max(self.max_pairs // 4, 1)

    @property
    def trim_to(self) -> int:
        """Contexts that a trim leaves."""
        return max(self.max_pairs - self.trim_every, 1)


class StreamState:
    """What is remembered of one stream between batches."""

    def __init__(self, limits: StateLimits, *, with_pairs: bool = True, memory: Memory | None = None) -> None:
        """``with_pairs``: the features of ``pairs`` are worked out and their contexts held, as a model needs that
        sees them; for others that is half of all work. ``memory``: where the matrices of
        blocks come to lie, for one thread."""
        self.memory = memory or Memory()
        self.limits = limits
        self.with_pairs = with_pairs
        self.hosts = host_table()
        self.pairs = pair_table()
        self.connections = 0
        self.caps_acted = 0

    def until_cap(self) -> int:
        """Connections that may still come before the caps are enforced again."""
        return CAP_EVERY - self.connections % CAP_EVERY

    def count(self, connections: int) -> None:
        """Count connections, and enforce the caps when it is time."""
        self.connections += connections
        if self.connections % CAP_EVERY == 0:
            self._enforce()

    def _enforce(self) -> None:
        gone = _least_recent(self.hosts.slots, self.hosts["clock"], self.limits.max_hosts)
        if len(gone):
            self.drop_pairs_of(gone)
            self.hosts.remove(gone)
        stale = _least_recent(self.pairs.slots, self.pairs["clock"], self.limits.max_contexts)
        if len(stale):
            self.drop_pairs(stale)
        self.caps_acted += len(gone) + len(stale)

    def export(self) -> Arrays:
        """Everything remembered, hosts and pairs by ascending key; ``pairs/host`` is a host's place among the hosts."""
        place = np.empty(self.hosts.capacity, dtype=np.int64)
        place[self.hosts.slots] = np.arange(len(self.hosts))
        pairs = self.pairs.export()
        pairs["host"] = place[pairs["host"]]
        counts = {"connections": number(self.connections), "caps_acted": number(self.caps_acted)}
        return {**under("hosts", exported(self.hosts)), **under("pairs", pairs), **counts}

    def restore(self, arrays: Arrays) -> None:
        """Remember what `export` gave, and nothing else; the i-th host has slot i. Raises StateError."""
        self.connections = int(taken(arrays, "connections", number(0)))
        self.caps_acted = int(taken(arrays, "caps_acted", number(0)))
        self.hosts.restore(below("hosts", arrays))
        self.pairs.restore(below("pairs", arrays))
        if not self.with_pairs:  # they may have been held when the state was exported
            self.drop_pairs(self.pairs.slots)

    def drop_pairs_of(self, hosts: Slots) -> None:
        """Forget all pairs of these hosts."""
        held = self.pairs.slots
        mine = np.zeros(self.hosts.capacity, dtype=bool)
        mine[hosts] = True
        self.drop_pairs(held[mine[self.pairs["host"][held]]])

    def drop_pairs(self, slots: Slots) -> None:
        """Forget pairs and take them off their hosts' counts."""
        np.subtract.at(self.hosts["pairs"], self.pairs["host"][slots], 1)
        self.pairs.remove(slots)


def _least_recent(slots: Slots, clock: NDArray[np.float64], most: int) -> Slots:
    """The slots beyond ``most``, those with the oldest clock; ties go by key, which is the order of ``slots``."""
    many = len(slots) - most
    if many <= 0:
        return np.empty(0, dtype=np.int64)
    clock = clock[slots]
    last = np.partition(clock, many - 1)[many - 1]
    gone = clock < last
    gone[np.flatnonzero(clock == last)[: many - np.count_nonzero(gone)]] = True
    found: Slots = slots[gone]
    return found
