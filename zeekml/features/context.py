"""From a batch frame to the feature matrix ``conn-1``, with the memory of earlier batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zeekml.features import connection, hosts, pairs
from zeekml.features.connection import Connections, Floats
from zeekml.features.hosts import HostRows
from zeekml.features.kernels.hosts import followed, grouped
from zeekml.features.keyed import KeyedTable, Keys, Slots, mix
from zeekml.features.layout import Layout
from zeekml.features.pairs import PairRows
from zeekml.features.runs import Runs
from zeekml.features.state import StreamState
from zeekml.features.trim import NEVER, Trims, Uses, plan_trims
from zeekml.table import Frame, Labels, Table

Ints = NDArray[np.int64]

LAYOUT = Layout("conn-1", 1, connection.FEATURES + hosts.FEATURES + pairs.FEATURES)
#: Where the features of peer-and-port contexts stand in the layout: a state may be without them.
PAIR_FEATURES = slice(len(connection.FEATURES) + len(hosts.FEATURES), len(LAYOUT.features))


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


def blocks(frame: Frame, state: StreamState) -> list[Block]:
    """Compute the features of a batch of any size, cut where the caps on the state are enforced."""
    table = Table.of(frame)
    found, start = [], 0
    while start < len(table):
        stop = min(start + state.until_cap(), len(table))
        part = table if stop - start == len(table) else table.part(slice(start, stop))
        found.append(_block(part, state))
        start = stop
    return found


def features(frame: Frame, state: StreamState) -> Floats:
    """Compute the feature matrix (N, F) of a batch: ``LAYOUT`` gives the columns."""
    parts = [block.matrix for block in blocks(frame, state)]
    return np.concatenate(parts) if parts else np.empty((0, len(LAYOUT.features)), dtype=np.float32)


def _block(table: Table, state: StreamState) -> Block:
    batch = Connections(table)
    peers = _hashed(table.label("id.resp_h"))
    rows = _host_rows(table, state)

    matrix = state.memory.floats(len(table), len(LAYOUT.features))
    at_host = len(connection.FEATURES)
    at_pair = at_host + len(hosts.FEATURES)
    connection.connection_features(batch, matrix)
    hosts.host_features(batch, rows, peers, state.hosts, at_host, matrix)
    if state.with_pairs:
        pair_rows, trims, standing = _pair_rows(batch, peers, rows, state)
        matrix[pair_rows.order, at_pair:] = pairs.pair_features(batch, pair_rows, state.pairs)
        _settle(state, trims, _restarted(rows), standing)
    else:
        matrix[:, at_pair:] = pairs.NOT_WORKED_OUT
    state.count(len(table))
    return Block(matrix, rows.order, rows.runs, rows.slots, rows.fresh)


def _hashed(labels: Labels) -> Keys:
    return labels.texts.hashes[labels.codes]


def _host_rows(table: Table, state: StreamState) -> HostRows:
    """Sort by host, advance the hosts' clocks and start anew those that were idle for too long."""
    held, labels, count = state.hosts, table.label("id.orig_h"), len(table)
    keys, ranks = np.unique(labels.texts.hashes, return_inverse=True)
    order, ends = np.empty(count, dtype=np.int64), np.empty(len(keys) + 1, dtype=np.int64)
    grouped(labels.codes, ranks, ends, order)
    present = ends[1:] > ends[:-1]  # a part of a table has the texts of the whole
    slots, new = _slots(held, keys[present])

    clock, gap = np.empty(count), np.empty(count)
    seen, of_row, starts, of_run, generation = np.empty((5, count), dtype=np.int64)
    fresh, superseded = np.empty((2, count), dtype=np.bool_)
    firsts = np.append(ends[:-1][present], count)
    runs = followed(
        order, firsts, slots, new, table.number("ts"), table.number("duration"), state.limits.idle,
        held["clock"], held["seen"], held["generation"], clock, gap, seen, starts, of_row, of_run, fresh,
        superseded, generation,
    )  # fmt: skip
    return HostRows(
        order, Runs(starts[:runs], of_row), of_run[:runs], fresh[:runs], clock, gap, seen, superseded[:runs],
        generation[:runs],
    )  # fmt: skip


def _restarted(rows: HostRows) -> Slots:
    """Hosts that started anew within this batch, though they were known; some more than once."""
    return rows.slots[rows.fresh & (rows.generation > 0)]


def _pair_rows(
    batch: Connections, peers: Keys, host_rows: HostRows, state: StreamState
) -> tuple[PairRows, Trims, Slots]:
    """Sort by pair and cut where a pair is new, was idle for too long or was trimmed.

    Also returns the trims of the batch, and the slots of the pairs used since their host last started anew.
    """
    table, limits, order = state.pairs, state.limits, host_rows.order
    run = host_rows.runs.of_row
    lives = mix(_hashed(batch.table.label("id.orig_h"))[order], host_rows.generation[run])
    keys = mix(lives, peers[order], hosts.port_key(batch)[order], _hashed(batch.table.label("proto"))[order])
    by_pair = np.argsort(keys, kind="stable")
    keys = keys[by_pair]
    of_pair = Runs.where(_changes(keys))
    slots, new = _slots(table, keys[of_pair.starts])
    clock, seen = host_rows.clock[by_pair], host_rows.seen[by_pair]
    clock_before = pairs.previous(clock, of_pair, np.where(new, np.nan, table["clock"][slots]))
    seen_before = pairs.previous(seen, of_pair, np.where(new, NEVER, table["seen"][slots]))

    run_of_host = run[by_pair]
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
    rows = PairRows(order[by_pair], runs, slots[pair_of_run], fresh, clock, seen)
    return rows, trims, slots[~host_rows.superseded[run_of_host[of_pair.starts]]]


def _trims(
    host_rows: HostRows, by_pair: Ints, of_pair: Runs, slots: Slots, seen: Ints, state: StreamState
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
