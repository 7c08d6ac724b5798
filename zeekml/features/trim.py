"""Which of a host's peer-and-port contexts a trim forgets, worked out without holding a queue for each host.

At a trim the contexts used last are kept. The oldest use among the kept ones is the trim's *floor*: a context whose
last use is older is gone. Floors only rise, so a context that is used again was forgotten in between exactly if the
floor of the last trim before that use lies above its previous use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.features.keyed import KeyedTable, Slots
from zeekml.features.runs import Runs

Ints = NDArray[np.int64]

#: Later than any connection.
NEVER = np.int64(2**62)


@dataclass(frozen=True, slots=True)
class Trims:
    """``before`` (N,): for each use, in host order, the floor of the last trim before it; 0 where none forgot a thing.

    ``hosts`` (H,) are slots of hosts that were trimmed in this batch, ``after`` (H,) the floors they end with.
    """

    before: Ints
    hosts: Slots
    after: Ints


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of contexts in one batch, sorted by host; arrays are (N,) or, of ``runs``, (R,).

    ``seen`` is the number of the host's connection, ``again`` that of the next connection of the same context
    (``NEVER``: not in this batch). ``slots`` are the hosts' slots and ``fresh`` tells runs without carried contexts.
    ``first`` (capacity of the table of pairs) is the first use in this batch of each context held, or ``NEVER``.
    """

    runs: Runs
    slots: Slots
    fresh: NDArray[np.bool_]
    seen: Ints
    again: Ints
    first: Ints


def plan_trims(uses: Uses, crowded: Ints, pairs: KeyedTable, *, every: int, keep: int) -> Trims:
    """Find the floors of the runs ``crowded``, the only ones in which more than ``keep`` contexts can be held."""
    before = np.zeros(len(uses.seen), dtype=np.int64)
    after = np.zeros(len(crowded), dtype=np.int64)
    carried = _carried(uses.slots[crowded], pairs)
    ends = uses.runs.ends
    for i, run in enumerate(crowded):
        rows = slice(uses.runs.starts[run], ends[run])
        seen, again = uses.seen[rows], uses.again[rows]
        trims = np.arange(-(-seen[0] // every) * every, seen[-1] + 1, every)
        if not len(trims):
            continue
        held = carried.get(int(uses.slots[run]), np.empty(0, dtype=np.int64)) if not uses.fresh[run] else None
        if held is not None and len(held):
            held_seen = pairs["seen"][held]
            by_use = np.argsort(held_seen, kind="stable")
            seen_all = np.concatenate([held_seen[by_use], seen])
            again_all = np.concatenate([uses.first[held][by_use], again])
        else:
            seen_all, again_all = seen, again
        found = floors(seen_all, again_all, trims, keep)
        last_trim = (seen - 1) // every * every
        at = (last_trim - trims[0]) // every
        before[rows] = np.where(at >= 0, found[np.maximum(at, 0)], 0)
        after[i] = found[-1]
    return Trims(before, uses.slots[crowded], after)


def floors(at: Ints, again: Ints, trims: Ints, keep: int) -> Ints:
    """The floor of each trim (T,), 0 where nothing was forgotten.

    ``at`` (U,) ascending: the number of the host's connection that used a context; ``again`` (U,): of the next one
    that used the same context; ``trims``: the connection numbers after which a trim is made, ascending.
    """
    found = np.zeros(len(trims), dtype=np.int64)
    low = 0
    for i, trim in enumerate(trims):
        high = np.searchsorted(at, trim, side="right")
        # What lies below the last floor is gone or was used again since: it cannot be among the kept.
        live = at[low:high][again[low:high] > trim]
        if len(live) > keep:
            found[i] = live[-keep]
            low = int(np.searchsorted(at, found[i]))
        elif i:
            found[i] = found[i - 1]
    return found


def _carried(hosts: Slots, pairs: KeyedTable) -> dict[int, Slots]:
    """The slots of the contexts of each of these hosts that were used in an earlier batch."""
    if not len(hosts):
        return {}
    mine = pairs.slots[np.isin(pairs["host"][pairs.slots], hosts) & (pairs["seen"][pairs.slots] > 0)]
    host = pairs["host"][mine]
    order = np.argsort(host, kind="stable")
    mine, host = mine[order], host[order]
    starts = np.flatnonzero(np.append(True, np.diff(host) != 0)) if len(host) else np.empty(0, dtype=np.int64)
    return (
        {int(host[s]): part for s, part in zip(starts, np.split(mine, starts[1:]), strict=True)}
        if len(host)
        else {}
    )
