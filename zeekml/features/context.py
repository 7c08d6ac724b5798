"""From a batch frame to the feature matrix ``conn-1``, with the memory of earlier batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.features import connection, hosts, pairs
from zeekml.features.connection import Connections, Floats, column
from zeekml.features.keyed import KeyedTable, Keys, Slots, mix
from zeekml.features.layout import Layout
from zeekml.features.pairs import PairRows
from zeekml.features.runs import Runs
from zeekml.features.state import StreamState
from zeekml.features.trim import NEVER, Trims, Uses, plan_trims
from zeekml.text_kernels import hashes_of

Ints = NDArray[np.int64]

LAYOUT = Layout("conn-1", 1, connection.FEATURES + hosts.FEATURES + pairs.FEATURES)


@dataclass(frozen=True, slots=True)
class Block:
    """The features of some connections, and how they fall into sequences, one for each host.

    ``matrix`` (N, F) float32 in log order, NaN where a number is missing. Row ``order[i]`` is the i-th when sorted by
    host; ``runs`` cut that order into sequences; ``slots`` (R,) say where a sequence's carried state lies and
    ``fresh`` (R,) that it starts anew.
    """

    matrix: Floats
    order: Ints
    runs: Runs
    slots: Slots
    fresh: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _HostRows:
    """A batch sorted by host; arrays (N,) are in that order, arrays (R,) have one entry a run."""

    order: Ints
    runs: Runs
    slots: Slots
    fresh: NDArray[np.bool_]
    keys: Keys
    clock: NDArray[np.float64]
    gap: NDArray[np.float64]
    seen: Ints
    superseded: NDArray[np.bool_]  # (R,) runs after which the host started anew within this batch
    restarted: Slots  # hosts that started anew within this batch


def blocks(frame: pd.DataFrame, state: StreamState) -> list[Block]:
    """Compute the features of a batch of any size, cut where the caps on the state are enforced."""
    found, start = [], 0
    while start < len(frame):
        stop = min(start + state.until_cap(), len(frame))
        part = frame if stop - start == len(frame) else frame.iloc[start:stop]
        found.append(_block(part, state))
        start = stop
    return found


def features(frame: pd.DataFrame, state: StreamState) -> Floats:
    """Compute the feature matrix (N, F) of a batch: ``LAYOUT`` gives the columns."""
    parts = [block.matrix for block in blocks(frame, state)]
    return np.concatenate(parts) if parts else np.empty((0, len(LAYOUT.features)), dtype=np.float32)


def _block(frame: pd.DataFrame, state: StreamState) -> Block:
    batch = Connections(frame)
    peers = _hashed(frame, "id.resp_h")
    host_rows = _host_rows(frame, state)
    pair_rows, trims, standing = _pair_rows(frame, peers, host_rows, state)

    count = len(frame)
    matrix = np.empty((count, len(LAYOUT.features)), dtype=np.float32)
    at_host = len(connection.FEATURES)
    at_pair = at_host + len(hosts.FEATURES)
    matrix[:, :at_host] = connection.connection_features(batch)
    matrix[host_rows.order, at_host:at_pair] = hosts.host_features(
        batch, host_rows.order, host_rows.runs, host_rows.fresh, host_rows.slots, host_rows.clock, host_rows.gap,
        peers, state.hosts,
    )  # fmt: skip
    matrix[pair_rows.order, at_pair:] = pairs.pair_features(batch, pair_rows, state.pairs)
    _settle(state, trims, host_rows.restarted, standing)
    state.count(count)
    return Block(matrix, host_rows.order, host_rows.runs, host_rows.slots, host_rows.fresh)


def _hashed(frame: pd.DataFrame, name: str) -> Keys:
    labels = frame[name].cat
    return hashes_of(labels.categories)[labels.codes.to_numpy()]


def _host_rows(frame: pd.DataFrame, state: StreamState) -> _HostRows:
    """Sort by host, advance the hosts' clocks and start anew those that were idle for too long."""
    table = state.hosts
    keys = _hashed(frame, "id.orig_h")
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    of_host = Runs.where(_changes(keys))
    distinct = keys[of_host.starts]
    slots, new = _slots(table, distinct)

    event = column(frame, "ts") + np.nan_to_num(column(frame, "duration"))
    clock = pd.Series(event[order]).groupby(of_host.of_row).cummax().to_numpy()
    clock = np.maximum(clock, table["clock"][slots][of_host.of_row])
    before = np.where(new, np.nan, table["clock"][slots])
    gap = clock - pairs.previous(clock, of_host, before)
    restart = gap > state.limits.idle
    restarted = slots[np.unique(of_host.of_row[restart])]
    starts = restart.copy()
    starts[of_host.starts] = True
    runs = Runs.where(starts)
    host_of_run = of_host.of_row[runs.starts]
    first_run = np.isin(runs.starts, of_host.starts)
    fresh = restart[runs.starts] | (new[host_of_run] & first_run)
    gap[runs.starts[fresh]] = np.nan
    slots = slots[host_of_run]
    superseded = np.append(~first_run[1:], False)

    seen = runs.rank + 1 + np.where(fresh, 0, table["seen"][slots])[runs.of_row]
    restarts = np.cumsum(restart)
    generation = table["generation"][slots] + (
        restarts[runs.starts] - (restarts - restart)[of_host.starts][host_of_run]
    )
    last = runs.ends[~superseded] - 1
    table["clock"][slots[~superseded]] = clock[last]
    table["seen"][slots[~superseded]] = seen[last]
    table["generation"][slots[~superseded]] = generation[~superseded]
    key = mix(keys, generation[runs.of_row])
    return _HostRows(order, runs, slots, fresh, key, clock, gap, seen, superseded, restarted)


def _pair_rows(
    frame: pd.DataFrame, peers: Keys, host_rows: _HostRows, state: StreamState
) -> tuple[PairRows, Trims, Slots]:
    """Sort by pair and cut where a pair is new, was idle for too long or was trimmed.

    Also returns the trims of the batch, and the slots of the pairs used since their host last started anew.
    """
    table, limits = state.pairs, state.limits
    port = hosts.port_key(frame)[host_rows.order]
    proto = _hashed(frame, "proto")[host_rows.order]
    keys = mix(host_rows.keys, peers[host_rows.order], port, proto)
    by_pair = np.argsort(keys, kind="stable")
    keys = keys[by_pair]
    of_pair = Runs.where(_changes(keys))
    slots, new = _slots(table, keys[of_pair.starts])
    clock, seen = host_rows.clock[by_pair], host_rows.seen[by_pair]
    clock_before = pairs.previous(clock, of_pair, np.where(new, np.nan, table["clock"][slots]))
    seen_before = pairs.previous(seen, of_pair, np.where(new, NEVER, table["seen"][slots]))

    run_of_host = host_rows.runs.of_row[by_pair]
    host = host_rows.slots[run_of_host[of_pair.starts]]
    table["host"][slots] = host
    np.add.at(state.hosts["pairs"], host[new], 1)
    trims = _trims(host_rows, by_pair, of_pair, slots, seen, state)

    forgotten = (clock - clock_before > limits.idle) | (seen_before < trims.before[by_pair])
    starts = forgotten.copy()
    starts[of_pair.starts] = True
    runs = Runs.where(starts)
    pair_of_run = of_pair.of_row[runs.starts]
    first_run = np.isin(runs.starts, of_pair.starts)
    fresh = forgotten[runs.starts] | (new[pair_of_run] & first_run)
    rows = PairRows(host_rows.order[by_pair], runs, slots[pair_of_run], fresh, clock, seen)
    return rows, trims, slots[~host_rows.superseded[run_of_host[of_pair.starts]]]


def _trims(
    host_rows: _HostRows, by_pair: Ints, of_pair: Runs, slots: Slots, seen: Ints, state: StreamState
) -> Trims:
    crowded = np.flatnonzero(state.hosts["pairs"][host_rows.slots] > state.limits.trim_to)
    again = np.full(len(seen), NEVER)
    first = np.full(state.pairs.capacity if len(crowded) else 0, NEVER)
    if len(crowded):
        next_use = np.full(len(seen), NEVER)
        next_use[:-1] = np.where(np.diff(of_pair.of_row) == 0, seen[1:], NEVER)
        again[by_pair] = next_use
        first[slots] = seen[of_pair.starts]
    uses = Uses(host_rows.runs, host_rows.slots, host_rows.fresh, host_rows.seen, again, first)
    trims = plan_trims(uses, crowded, state.pairs, every=state.limits.trim_every, keep=state.limits.trim_to)
    standing = ~host_rows.superseded[crowded]
    return Trims(trims.before, trims.hosts[standing], trims.after[standing])


def _settle(state: StreamState, trims: Trims, restarted: Slots, standing: Slots) -> None:
    """Drop the pairs that this batch's trims forgot, and those from before their host started anew."""
    if not len(trims.hosts) and not len(restarted):
        return
    floor = np.zeros(state.hosts.capacity, dtype=np.int64)
    floor[trims.hosts] = trims.after
    anew = np.zeros(state.hosts.capacity, dtype=bool)
    anew[restarted] = True
    old = np.ones(state.pairs.capacity, dtype=bool)
    old[standing] = False
    held = state.pairs.slots
    host = state.pairs["host"][held]
    gone = (state.pairs["seen"][held] < floor[host]) | (anew[host] & old[held])
    state.drop_pairs(held[gone])


def _slots(table: KeyedTable, keys: Keys) -> tuple[Slots, NDArray[np.bool_]]:
    """The slots of distinct ascending keys, adding those that are not held; and a mask of the added."""
    slots = table.lookup(keys)
    new = slots < 0
    if new.any():
        slots[new] = table.insert(keys[new])
    return slots, new


def _changes(keys: Keys) -> NDArray[np.bool_]:
    changes = np.ones(len(keys), dtype=bool)
    changes[1:] = keys[1:] != keys[:-1]
    return changes
