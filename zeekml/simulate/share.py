"""A given share of malicious connections: of one side everything stays, of the other pieces of hosts' traffic."""

from __future__ import annotations

import numpy as np

from zeekml.simulate.table import BENIGN, I64, Connections

PIECE = 64
"""Connections of a host that go or stay together at most, so that what is left of a scan still is one."""


class Share:
    """Thins tables one after the other, so that of all that stays about ``malicious`` (0 to 1) is malicious."""

    def __init__(self, malicious: float) -> None:
        self._malicious = malicious
        self._owed = 0.0
        self._owed_is_malicious = True

    def of(self, table: Connections, rng: np.random.Generator) -> Connections:
        """What stays of a table, in its order; how much more or less than the share is made up for with the next."""
        bad = table.label != BENIGN
        count = int(bad.sum())
        wanted, there = self._malicious * (len(table) - count), (1 - self._malicious) * count
        if wanted == there:
            return table
        too_many_bad = wanted < there
        rows = np.flatnonzero(bad == too_many_bad)
        owed = self._owed if self._owed_is_malicious == too_many_bad else 0.0
        budget = owed + len(rows) * min(wanted, there) / max(wanted, there)
        piece = _pieces(table.orig_h[rows], table.ts[rows])
        sizes = np.bincount(piece)
        order = rng.permutation(len(sizes))
        up_to = np.cumsum(sizes[order])
        kept = np.zeros(len(sizes), dtype=np.bool_)
        kept[order[up_to - sizes[order] / 2 <= budget]] = True
        self._owed, self._owed_is_malicious = budget - float(sizes[kept].sum()), too_many_bad
        stays = bad != too_many_bad
        stays[rows[kept[piece]]] = True
        return table.take(stays)


def _pieces(hosts: I64, times: I64) -> I64:
    """The piece (N,) of each connection: a host's connections in the order of time, cut after every ``PIECE``."""
    order = np.lexsort((times, hosts))
    begins = np.append(True, np.diff(hosts[order]) != 0)
    place = np.arange(len(hosts))
    within = place - np.maximum.accumulate(np.where(begins, place, 0))
    pieces = np.empty(len(hosts), dtype=np.int64)
    pieces[order] = np.cumsum(begins | (within % PIECE == 0)) - 1
    return pieces
