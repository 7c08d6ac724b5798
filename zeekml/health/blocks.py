"""Judges of one block of connections: shares that no healthy sensor reaches.

The limits come from what causes each: see docs/health.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from zeekml.health.rows import BAD, DATA, HALF, KNOWN, MISSED, REVERSED, TCP, UNICAST, Mask, Rows

FEWEST: Final = 48
"""Connections of the kind that a judge looks at, below which it does not judge."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``bad`` of ``of`` connections (or hosts) are as a healthy sensor does not have them; ``host``: the one that most
    of them come from, "" where it does not matter. ``affected``: too many of them."""

    bad: float
    of: float
    affected: bool
    host: str = ""


UNDECIDED: Final = None
"""Too little of what a judge looks at."""

_MOST_BAD_CHECKSUMS: Final = 0.5
_MOST_HALF: Final = 0.5
_MOST_REVERSED: Final = 0.1
_MOST_MISSED: Final = 0.2


def bad_checksums(block: Rows) -> Verdict | None:
    """Zeek drops a packet with a bad checksum: of a connection whose packets all have one, nothing else is known."""
    return _share(block, block.has(BAD), block.has(KNOWN), _MOST_BAD_CHECKSUMS)


def one_sided(block: Rows) -> Verdict | None:
    """Conversations of which one side is not seen, apart from those that bad checksums hide."""
    return _share(block, block.has(HALF), block.has(UNICAST | KNOWN) & ~block.has(BAD), _MOST_HALF)


def reversed_roles(block: Rows) -> Verdict | None:
    """TCP connections that begin in the middle and at a service: Zeek takes the server for the originator."""
    return _share(block, block.has(REVERSED), block.has(TCP), _MOST_REVERSED)


def missed_bytes(block: Rows) -> Verdict | None:
    """TCP connections with payload of which bytes were not seen, though both sides acknowledged them."""
    data = block.has(TCP | DATA)
    return _share(block, block.has(MISSED) & data, data, _MOST_MISSED)


def _share(block: Rows, bad: Mask, of: Mask, most: float) -> Verdict | None:
    count, total = int(np.count_nonzero(bad)), int(np.count_nonzero(of))
    if total < FEWEST:
        return UNDECIDED
    affected = count >= most * total
    return Verdict(count, total, affected, leading(block[bad])[0] if affected else "")


def leading(rows: Rows) -> tuple[str, int]:
    """The originator of most of the rows, the first in the alphabet of several, and how many they are."""
    counts = Counter(rows.orig.tolist())
    return min(counts.items(), key=lambda item: (-item[1], item[0]))
