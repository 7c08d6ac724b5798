"""A host's last connections: followed in log order, each host's rows behind each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import READ_F8, READ_I4, compiled, inlined
from zeekml.compiled.instructions import prefetch
from zeekml.number_kernels import log1p_of_known, logarithm

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Ints = NDArray[np.int64]
Times = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]

#: Connections of a host that a feature looks back over, the current one included, and those of them carried.
WINDOW: Final = 32
TAIL: Final = WINDOW - 1
#: What is remembered of a connection, as bits.
USED, NEW_PEER, NEW_PORT, FAILED, INSIDE, DNS = (1 << bit for bit in range(6))
FAILED_NEW: Final = FAILED | NEW_PEER
#: Columns of a row, and how many rows before its turn one is brought near.
_WIDTH: Final = 14
_AHEAD: Final = 16
#: Rows whose logarithms are worked out together.
_ROWS: Final = 64
#: Sizes are kept as 8 bits: eighths of log2(1 + bytes).
SIZE_STEPS: Final = 8
SIZE_MISSING: Final = 255
_LARGEST: Final = 2.0**30
_STEPS_PER_E: Final = SIZE_STEPS / float(np.log(2))
_SIZES: Final = np.rint(np.log2(1.0 + np.arange(4096)) * SIZE_STEPS).astype(np.uint8)


@inlined
def _size_code(size: Any) -> Any:
    if np.isnan(size):
        return np.uint8(SIZE_MISSING)
    size = min(max(size, 0.0), _LARGEST)
    whole = np.int64(size)
    if whole < len(_SIZES) and np.float64(whole) == size:
        return _SIZES[whole]
    return np.uint8(np.rint(logarithm(1.0 + size) * _STEPS_PER_E))


@compiled(f"void({READ_F8}, u1[::1])")
def size_codes(sizes: Times, out: Codes) -> None:
    """Bytes (N,) to eighths of log2(1 + bytes), at most 2**30 of them; ``SIZE_MISSING`` where unset."""
    for i in range(len(out)):
        out[i] = _size_code(sizes[i])


@compiled(f"void({READ_I4}, i8[::1], i8[::1], i8[::1])")
def grouped(codes: NDArray[np.int32], ranks: Ints, ends: Ints, order: Ints) -> None:
    """Sort rows by the rank of their code, rows of one rank in their order.

    ``ranks`` (C,) are numbers below D; ``ends`` (D + 1,) becomes where each rank's rows begin, and the last one N;
    ``order`` (N,): the row of each place.
    """
    ends[:] = 0
    for i in range(len(codes)):
        ends[ranks[codes[i]] + 1] += 1
    for rank in range(1, len(ends)):
        ends[rank] += ends[rank - 1]
    at = ends[:-1].copy()
    for i in range(len(codes)):
        rank = ranks[codes[i]]
        order[at[rank]] = i
        at[rank] += 1


@compiled(
    f"i8(i8[::1], i8[::1], i8[::1], b1[::1], {READ_F8}, {READ_F8}, f8, f8[::1], i8[::1], u4[::1], f8[::1], f8[::1], "
    "i8[::1], i8[::1], i8[::1], i8[::1], b1[::1], b1[::1], i8[::1])"
)
def followed(
    order: Ints,
    firsts: Ints,
    slots: Ints,
    new: Bools,
    ts: Times,
    duration: Times,
    idle: float,
    held_clock: Times,
    held_seen: Ints,
    held_generation: NDArray[np.uint32],
    clock: Times,
    gap: Times,
    seen: Ints,
    starts: Ints,
    of_row: Ints,
    run_slot: Ints,
    fresh: Bools,
    superseded: Bools,
    generation: Ints,
) -> int:
    """Advance the clocks of H hosts over their rows, and start those anew that were idle for too long.

    ``order`` (N,) sorts the rows by host; the h-th host's begin at ``firsts[h]`` (H + 1,), its memory lies at
    ``slots[h]`` of the ``held`` arrays, which are carried on, unless it is ``new``. In sorted order, (N,): ``clock``,
    the latest end so far (s); ``gap`` since the connection before (s, NaN where there is none); ``seen``, the
    connection's number. By run, (N,) of which as many count as are returned: where it ``starts``, ``run_slot``, whether
    it is ``fresh``, ``superseded`` (the host started anew after it), and its ``generation``. ``of_row`` (N,): its run.
    """
    run = -1
    for host in range(len(slots)):
        slot = slots[host]
        now, number, age = held_clock[slot], held_seen[slot], np.int64(held_generation[slot])
        begins = new[host]
        for place in range(firsts[host], firsts[host + 1]):
            row = order[place]
            event = ts[row] + (0.0 if np.isnan(duration[row]) else duration[row])
            before, now = now, max(now, event)
            since = now - before
            restarts = (not begins) and since > idle
            if place == firsts[host] or restarts:
                run += 1
                starts[run], run_slot[run], superseded[run] = place, slot, False
                fresh[run] = begins or restarts
                if restarts:
                    age += 1
                    if place != firsts[host]:
                        superseded[run - 1] = True
                if fresh[run]:
                    number = 0
                generation[run] = age
            number += 1
            clock[place], seen[place], of_row[place] = now, number, run
            gap[place] = np.nan if begins or restarts else since
            begins = False
        held_clock[slot], held_seen[slot], held_generation[slot] = now, number, np.uint32(age)
    return run + 1


#: What each combination of bits adds to the counts over a window, of which a word holds eight: one for each bit, then
#: one of `FAILED_NEW`. No window is longer than a byte can count.
_ADDS: Final = np.array(
    [
        sum(((bits >> bit) & 1) << (8 * bit) for bit in range(6))
        + (((bits & FAILED_NEW) == FAILED_NEW) << 48)
        for bits in range(256)
    ],
    dtype=np.uint64,
)


@inlined
def _lane(word: np.uint64, place: int) -> np.int64:
    """One of the eight numbers that a word holds."""
    return np.int64((word >> np.uint64(8 * place)) & np.uint64(0xFF))


@inlined
def _sizes(codes: Codes) -> tuple[np.uint64, np.uint64]:
    """What the sizes (4,) of a connection add to the sums over a window: how many are known (8 bits each) and their
    codes (16 bits each, more than a window of the largest takes)."""
    known, total = np.uint64(0), np.uint64(0)
    for kind in range(4):
        is_known = np.uint64(codes[kind] != SIZE_MISSING)
        known |= is_known << np.uint64(8 * kind)
        total |= (is_known * np.uint64(codes[kind])) << np.uint64(16 * kind)
    return known, total


@inlined
def _copy(source: NDArray[Any], first: int, tail: NDArray[Any], start: int) -> None:
    """The places of a tail from ``start`` on, of the ``TAIL`` ones from ``first`` on; to copy slices takes longer."""
    for j in range(start, TAIL):
        tail[np.uint64(j)] = source[np.uint64(first + j)]


@compiled(
    "void(i8[::1], i8[::1], i8[::1], i8[::1], b1[::1], f8[::1], f8[::1], i8[::1], "
    "u8[::1], i4[::1], b1[::1], b1[::1], b1[::1], "
    f"{READ_F8}, {READ_F8}, {READ_F8}, {READ_F8}, "
    "f8[:, ::1], u8[:, ::1], i4[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, f4[:, ::1])"
)
def host_rows(  # noqa: PLR0915 - one pass over the rows
    order: Ints,
    starts: Ints,
    ends: Ints,
    slots: Ints,
    fresh: Bools,
    clock: Times,
    gap: Times,
    seen: Ints,
    peers: NDArray[np.uint64],
    ports: NDArray[np.int32],
    failed: Bools,
    inside: Bools,
    is_dns: Bools,
    orig_bytes: Times,
    resp_bytes: Times,
    orig_ip_bytes: Times,
    resp_ip_bytes: Times,
    held_times: Times,
    held_peers: NDArray[np.uint64],
    held_ports: NDArray[np.int32],
    held_bits: Codes,
    held_query: Codes,
    held_answer: Codes,
    held_sent: Codes,
    held_received: Codes,
    at: int,
    out: Floats,
) -> None:
    """Columns ``at`` and following of ``out`` (rows in log order): ``hosts.FEATURES``.

    R runs from ``starts`` to ``ends`` in sorted ``order`` (N,), as are ``clock``, ``gap`` and ``seen``; the other
    columns are in log order. Each run's tail lies at its slot of the ``held`` arrays (capacity, TAIL), unless it is
    ``fresh``, and is carried on: the last ``seen`` places, before which anything may stand.
    """
    size = TAIL + len(order)
    times, peer, port = np.empty(size), np.empty(size, np.uint64), np.empty(size, np.int32)
    bits, codes = np.empty(size, np.uint8), np.empty((size, 4), np.uint8)
    gaps, spans = np.zeros(_ROWS), np.zeros(_ROWS)
    is_bare = False  # whether the tail is that of a host without connections
    for run in range(len(starts)):
        slot, length = slots[run], ends[run] - starts[run]
        counts, known, total = np.uint64(0), np.uint64(0), np.uint64(0)
        if fresh[run]:
            if not is_bare:
                times[:TAIL], peer[:TAIL], port[:TAIL], bits[:TAIL] = np.nan, 0, -1, 0
                codes[:TAIL] = SIZE_MISSING
            is_bare = True
        else:
            is_bare = False
            none = TAIL - min(seen[starts[run]] - 1, TAIL)
            times[:TAIL], peer[:TAIL], port[:TAIL] = held_times[slot], held_peers[slot], held_ports[slot]
            bits[:TAIL] = held_bits[slot]
            codes[:TAIL, 0], codes[:TAIL, 1] = held_query[slot], held_answer[slot]
            codes[:TAIL, 2], codes[:TAIL, 3] = held_sent[slot], held_received[slot]
            if none:
                times[:none], peer[:none], port[:none], bits[:none] = np.nan, 0, -1, 0
                codes[:none] = SIZE_MISSING
            for j in range(TAIL):
                counts += _ADDS[bits[j]]
                more_known, more = _sizes(codes[j])
                known += more_known
                total += more
        for begin in range(0, length, _ROWS):
            stop = min(begin + _ROWS, length)
            for i in range(begin, stop):
                place, end = starts[run] + i, TAIL + i
                row = order[place]
                # The next rows lie anywhere in the batch, where the processor does not look by itself.
                ahead = order[min(place + _AHEAD, len(order) - 1)]
                prefetch(peers, ahead)
                prefetch(ports, ahead)
                prefetch(orig_bytes, ahead)
                prefetch(resp_bytes, ahead)
                prefetch(orig_ip_bytes, ahead)
                prefetch(resp_ip_bytes, ahead)
                prefetch(out, ahead * out.shape[1] + at)
                prefetch(out, ahead * out.shape[1] + at + _WIDTH - 1)
                mine, door = peers[row], ports[row]
                times[end], peer[end], port[end] = clock[place], mine, door
                same_peer, same_port = 0, 0
                # A signed place may count from the end: to see to that would take as long again as all the rest.
                for j in range(TAIL):
                    same_peer += peer[np.uint64(i + j)] == mine
                    same_port += port[np.uint64(i + j)] == door
                bits[end] = (
                    USED
                    | NEW_PEER * (same_peer == 0)
                    | NEW_PORT * (same_port == 0)
                    | FAILED * failed[row]
                    | INSIDE * inside[row]
                    | DNS * is_dns[row]
                )
                codes[end, 0] = _size_code(orig_bytes[row]) if is_dns[row] else SIZE_MISSING
                codes[end, 1] = _size_code(resp_bytes[row]) if is_dns[row] else SIZE_MISSING
                codes[end, 2] = _size_code(orig_ip_bytes[row])
                codes[end, 3] = _size_code(resp_ip_bytes[row])
                counts += _ADDS[bits[end]]
                more_known, more = _sizes(codes[end])
                known += more_known
                total += more

                used = _lane(counts, 0)
                y = out[row]
                gaps[i - begin] = gap[place] * 1000
                spans[i - begin] = (clock[place] - times[end - (used - 1)]) * 1000 / (used - 1)
                y[at + 2] = _lane(counts, 1) / used
                y[at + 3] = (same_peer + 1) / used
                y[at + 4] = _lane(counts, 2) / used
                y[at + 5] = (same_port + 1) / used
                y[at + 6] = _lane(counts, 3) / used
                y[at + 7] = _lane(counts, 6) / used
                y[at + 8] = _lane(counts, 4) / used
                y[at + 9] = _lane(counts, 5) / used
                for kind in range(4):
                    codes_sum = np.int64((total >> np.uint64(16 * kind)) & np.uint64(0xFFFF))
                    y[at + 10 + kind] = codes_sum / _lane(known, kind) / SIZE_STEPS  # NaN where none is known
                less_known, less = _sizes(codes[i])  # falls out of the next row's window
                counts -= _ADDS[bits[i]]
                known -= less_known
                total -= less
            for k in range(stop - begin):
                gaps[k], spans[k] = log1p_of_known(gaps[k]), log1p_of_known(spans[k])
            for i in range(begin, stop):
                y = out[order[starts[run] + i]]
                y[at], y[at + 1] = gaps[i - begin], spans[i - begin]
        none = TAIL - min(seen[ends[run] - 1], TAIL)
        _copy(times, length, held_times[slot], none)
        _copy(peer, length, held_peers[slot], none)
        _copy(port, length, held_ports[slot], none)
        _copy(bits, length, held_bits[slot], none)
        _copy(codes[:, 0], length, held_query[slot], none)
        _copy(codes[:, 1], length, held_answer[slot], none)
        _copy(codes[:, 2], length, held_sent[slot], none)
        _copy(codes[:, 3], length, held_received[slot], none)
