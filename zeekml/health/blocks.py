"""Judges of blocks of connections: shares that no healthy sensor reaches.

The limits come from what causes each: see docs/health.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.health.flags import BAD, DATA, HALF, KNOWN, MISSED, REVERSED, TCP, UNICAST
from zeekml.health.rows import Mask, Rows

FEWEST: Final = 48
"""Connections of the kind that a judge looks at, below which it does not judge."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What a judge says of P parts of a log, blocks or windows.

    ``judged`` (P,): there is enough of what it looks at. ``bad`` (P,) of ``of`` (P,) connections or hosts are as a
    healthy sensor does not have them; ``affected`` (P,): too many of them, in parts that are judged. ``hosts``: of
    affected parts the one that most of them come from; "" where it does not matter.
    """

    judged: Mask
    affected: Mask
    bad: Counts
    of: Counts
    hosts: Mapping[int, str] = field(default_factory=dict)


Judge = Callable[[Rows, int], Verdicts]
"""Judges N connections by parts of so many each; N is a multiple of it."""

_MOST_BAD_CHECKSUMS: Final = 0.5
_MOST_HALF: Final = 0.5
_MOST_REVERSED: Final = 0.1
_MOST_MISSED: Final = 0.2


def bad_checksums(rows: Rows, size: int) -> Verdicts:
    """Zeek drops a packet with a bad checksum: of a connection whose packets all have one, nothing else is known."""
    return _share(rows, size, rows.has(BAD), rows.has(KNOWN), _MOST_BAD_CHECKSUMS)


def one_sided(rows: Rows, size: int) -> Verdicts:
    """Conversations of which one side is not seen, apart from those that bad checksums hide."""
    told = (rows.flags & (UNICAST | KNOWN | BAD)) == UNICAST | KNOWN
    return _share(rows, size, rows.has(HALF), told, _MOST_HALF)


def reversed_roles(rows: Rows, size: int) -> Verdicts:
    """TCP connections that begin in the middle and at a service: Zeek takes the server for the originator."""
    return _share(rows, size, rows.has(REVERSED), rows.has(TCP), _MOST_REVERSED)


def missed_bytes(rows: Rows, size: int) -> Verdicts:
    """TCP connections with payload of which bytes were not seen, though both sides acknowledged them."""
    return _share(rows, size, rows.has(MISSED | TCP | DATA), rows.has(TCP | DATA), _MOST_MISSED)


def part(rows: Rows, size: int, place: int) -> Rows:
    """One of the parts."""
    return rows[place * size : (place + 1) * size]


def leading(rows: Rows) -> tuple[str, int]:
    """The originator of most of the rows, the first in the alphabet of several, and how many they are."""
    codes, counts = np.unique(rows.orig.codes, return_counts=True)
    most = counts.max()
    return min(rows.orig.texts.take(codes[counts == most]).tolist()), int(most)


def _share(rows: Rows, size: int, bad: Mask, of: Mask, most: float) -> Verdicts:
    count, total = _counted(bad, size), _counted(of, size)
    judged = total >= FEWEST
    affected = judged & (count >= most * total)
    hosts = {
        place: leading(part(rows, size, place)[bad[place * size : (place + 1) * size]])[0]
        for place in np.flatnonzero(affected).tolist()
    }
    return Verdicts(judged, affected, count, total, hosts)


def _counted(mask: Mask, size: int) -> Counts:
    return np.asarray(np.count_nonzero(mask.reshape(-1, size), axis=1))
