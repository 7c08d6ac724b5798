"""Lines of Suricata's EVE log: ``flow`` events under Zeek's names. What they mean says `zeekml.records.eve`."""

# ruff: noqa: PLR0911, PLR0915, PLR1714 - one pass over bytes, in terms that compile well

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled, inlined, routine
from zeekml.records.kernels import objects
from zeekml.records.kernels.moments import moment
from zeekml.records.kernels.objects import RECORD, scan_line
from zeekml.records.kernels.texts import Ints, Places, Words, code_of, copy
from zeekml.records.kernels.words import Bytes, Int, Word, address_of, byte_of, load, word_of
from zeekml.records.values import MAX_PORT

#: Keys of an event, of its ``flow`` and of its ``tcp``, about in the order in which Suricata writes them.
KEYS: Final = (
    ("flow_id", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "icmp_type", "icmp_code",
     "app_proto", "flow", "tcp"),
    ("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "start", "end"),
    ("tcp_flags_ts", "tcp_flags_tc"),
)  # fmt: skip
_FLOW_ID, _EVENT, _SRC_IP, _SRC_PORT, _DEST_IP, _DEST_PORT, _PROTO, _TYPE, _CODE, _APP, _FLOW, _TCP = range(
    12
)
_TO_SERVER, _TO_CLIENT, _BYTES_TO_SERVER, _BYTES_TO_CLIENT, _START, _END, _FLAGS_TS, _FLAGS_TC = range(12, 20)

STATES: Final = (
    "S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"
)  # fmt: skip
"""Zeek's states of connections, by the numbers that they have here."""
_S0, _S1, _S2, _S3, _SF, _REJ, _RSTO, _RSTR, _RSTOS0, _RSTRH, _SH, _SHR, _OTH = range(len(STATES))

# Rows of the arrays of numbers and of labels.
TS, DURATION, ORIG_PKTS, ORIG_IP_BYTES, RESP_PKTS, RESP_IP_BYTES = range(6)
ORIG_H, RESP_H, PROTO, SERVICE = range(4)

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_FLOW_EVENT, _TCP_PROTO, _UDP_PROTO = word_of(b"flow"), word_of(b"tcp"), word_of(b"udp")
_IPV6_ICMP, _IPV6_ICMP_REST = word_of(b"ipv6-icm"), word_of(b"p")
_LOWER: Final = np.uint64(0x2020202020202020)
_LOWER_DASH: Final = np.uint64(0x2020200020202020)  # of "IPV6-ICM"
_MOST_COUNTED: Final = 1 << 48  # bytes or packets; what is more is read exactly
_MOST_MICROS: Final = 7_258_118_400_000_000
_ANY: Final = (1 << 63) - 1
_NEWLINE, _COLON, _ZERO = (ord(character) for character in "\n:0")
_SMALL_A, _LARGE_A = ord("a"), ord("A")


@inlined
def _what(found: Int, key: Int) -> Int:
    return np.int64(load(found + key * RECORD))


@routine
def _whole(found: Int, key: Int, most: Int, default: Int) -> Int:
    """A whole number up to ``most``, ``default`` where the key is missing; -2 where it is anything else."""
    record = found + key * RECORD
    what = np.int64(load(record))
    if what == objects.MISSING:
        return default
    value = np.int64(load(record + objects.DIGITS))
    whole = what == objects.NUMBER and np.int64(load(record + objects.POWER)) == 0 and value <= most
    return value if whole else -2


@inlined
def _moment(found: Int, key: Int) -> Int:
    record = found + key * RECORD
    if np.int64(load(record)) != objects.TEXT:
        return -1
    return moment(np.int64(load(record + objects.START)), np.int64(load(record + objects.LENGTH)))


@routine
def _flags(found: Int, key: Int) -> Int:
    """The flags of a direction, written as one or two digits in hex; -1 for anything else."""
    record = found + key * RECORD
    what = np.int64(load(record))
    if what == objects.MISSING:
        return 0
    length = np.int64(load(record + objects.LENGTH))
    if what != objects.TEXT or length < 1 or length > 2:
        return -1
    at = np.int64(load(record + objects.START))
    flags = 0
    for i in range(length):
        byte = byte_of(at + i)
        if 0 <= byte - _ZERO <= 9:
            flags = 16 * flags + byte - _ZERO
        elif 0 <= byte - _SMALL_A <= 5:
            flags = 16 * flags + byte - _SMALL_A + 10
        elif 0 <= byte - _LARGE_A <= 5:
            flags = 16 * flags + byte - _LARGE_A + 10
        else:
            return -1
    return flags


@routine
def _tcp_state(orig: Int, resp: Int) -> Int:
    asked = orig & _SYN != 0
    answered = resp & _SYN != 0 and resp & _ACK != 0
    if asked and answered:
        if orig & _FIN and resp & _FIN:
            return _SF
        if orig & _RST:
            return _RSTO
        if resp & _RST:
            return _RSTR
        if orig & _FIN:
            return _S2
        return _S3 if resp & _FIN else _S1
    if asked:
        if resp & _RST:
            return _REJ
        if orig & _RST:
            return _RSTOS0
        return _SH if orig & _FIN else _S0
    if answered:
        if resp & _RST:
            return _RSTRH
        return _SHR if resp & _FIN else _OTH
    return _OTH


@routine
def _state(found: Int, orig_packets: Int, resp_packets: Int) -> Int:
    """The number of the state; -1 where flags are unusual."""
    record = found + _PROTO * RECORD
    proto = load(record + objects.FIRST) | _LOWER
    is_short = np.int64(load(record + objects.LENGTH)) == 3
    if is_short and proto == _TCP_PROTO | _LOWER:
        orig, resp = _flags(found, _FLAGS_TS), _flags(found, _FLAGS_TC)
        return _tcp_state(orig, resp) if orig >= 0 and resp >= 0 else -1
    if not (is_short and proto == _UDP_PROTO | _LOWER):
        return _OTH
    if resp_packets > 0:
        return _SF if orig_packets > 0 else _SHR
    return _S0 if orig_packets > 0 else _OTH


@routine
def _answer(found: Int, kind: Int, answers: Ints) -> Int:
    """The type of the answer to an ICMP message, -1 where it has none. ``answers`` (2, 256): of ICMP and ICMPv6."""
    proto = found + _PROTO * RECORD
    version6 = (
        np.int64(load(proto + objects.LENGTH)) == 9
        and load(proto + objects.FIRST) | _LOWER_DASH == _IPV6_ICMP | _LOWER_DASH
        and load(proto + objects.SECOND) | np.uint64(0x20) == _IPV6_ICMP_REST
    )
    source = found + _SRC_IP * RECORD
    if np.int64(load(source)) != objects.TEXT:
        return -1
    at, length = np.int64(load(source + objects.START)), np.int64(load(source + objects.LENGTH))
    for i in range(length):
        version6 |= byte_of(at + i) == _COLON
    return answers[1 if version6 else 0, kind] if kind < answers.shape[1] else -1


@routine
def _label(found: Int, key: Int, column: Int, seed: Word, entries: Words, slots: Places, labels: Ints) -> Int:
    record = found + key * RECORD
    code: Int = code_of(
        np.int64(load(record + objects.START)),
        np.int64(load(record + objects.LENGTH)),
        load(record + objects.FIRST),
        load(record + objects.SECOND),
        load(record + objects.REST),
        seed,
        entries,
        slots,
        labels,
        column,
    )
    return code


@compiled(
    "void(Array(u1, 1, 'C', readonly=True), u8[:, ::1], i8[::1], i8[::1], i8[:, ::1], u8, u8[:, ::1], "
    "f8[:, ::1], i4[:, ::1], i1[:, ::1], i4[:, ::1], u8[:, :, ::1], i4[:, ::1], i8[:, ::1], u1[::1], i4[::1], "
    "i4[::1], i8[::1], i8[:, ::1], i8[::1])"
)
def read_lines(
    data: Bytes,
    keys: Words,
    levels: Ints,
    opens: Ints,
    answers: Ints,
    seed: Word,
    records: Words,
    numbers: npt.NDArray[np.float64],
    ports: Places,
    _bools: npt.NDArray[np.int8],
    codes: Places,
    entries: Words,
    slots: Places,
    labels: Ints,
    text: Bytes,
    ends: Places,
    states: Places,
    places: Ints,
    odd: Ints,
    counts: Ints,
) -> None:
    """Read all lines. ``states`` (N,): the numbers of the connections' states; the fifth of ``counts``: other events.

    The rest as in `zeekml.records.kernels.tsv`.
    """
    base = address_of(data)
    at, stop = base, base + len(data)
    pool = address_of(text)
    found = address_of(records)
    row = line = strange = written = others = 0
    while at < stop:
        begin = at
        at = scan_line(begin, stop, keys, levels, opens, found)
        event = found + _EVENT * RECORD
        good = at >= 0 and np.int64(load(event)) == objects.TEXT
        if (
            good
            and load(event + objects.FIRST) == _FLOW_EVENT
            and np.int64(load(event + objects.LENGTH)) == 4
        ):
            orig_packets = _whole(found, _TO_SERVER, _MOST_COUNTED, -1)
            resp_packets = _whole(found, _TO_CLIENT, _MOST_COUNTED, -1)
            orig_bytes = _whole(found, _BYTES_TO_SERVER, _MOST_COUNTED, -1)
            resp_bytes = _whole(found, _BYTES_TO_CLIENT, _MOST_COUNTED, -1)
            begun, ended = _moment(found, _START), _moment(found, _END)
            has_end = _what(found, _END) != objects.MISSING
            kind = _whole(found, _TYPE, MAX_PORT, -1)
            orig_port = _whole(found, _SRC_PORT, MAX_PORT, 0)
            resp_port = _whole(found, _DEST_PORT, MAX_PORT, 0)
            has_ports = (
                _what(found, _SRC_PORT) != objects.MISSING or _what(found, _DEST_PORT) != objects.MISSING
            )
            if kind >= 0 and not has_ports:
                orig_port = kind
                resp_port = _answer(found, kind, answers)
                if resp_port < 0:
                    resp_port = _whole(found, _CODE, MAX_PORT, 0)
            state = _state(found, orig_packets, resp_packets)
            good = (
                min(orig_packets, resp_packets, orig_bytes, resp_bytes, kind) >= -1
                and min(orig_port, resp_port, state) >= 0
                and _what(found, _FLOW) == objects.OBJECT
                and 0 <= begun <= _MOST_MICROS
                and (ended >= begun or not has_end)
            )
            for key in (_SRC_IP, _DEST_IP, _PROTO):
                good &= _what(found, key) == objects.TEXT
                good &= np.int64(load(found + key * RECORD + objects.LENGTH)) > 0
            has_service = _what(found, _APP) == objects.TEXT
            good &= has_service or _what(found, _APP) == objects.MISSING or _what(found, _APP) == objects.NULL
            named = _what(found, _FLOW_ID)
            good &= (
                named == objects.TEXT
                or named == objects.MISSING
                or (named == objects.NUMBER and _whole(found, _FLOW_ID, _ANY, 0) >= 0)
            )
            if good:
                packets = max(orig_packets, 0) + max(resp_packets, 0)
                numbers[TS, row] = begun / 1e6
                numbers[DURATION, row] = (ended - begun) / 1e6 if has_end and packets > 1 else np.nan
                numbers[ORIG_PKTS, row] = orig_packets if orig_packets >= 0 else np.nan
                numbers[RESP_PKTS, row] = resp_packets if resp_packets >= 0 else np.nan
                # Without the Ethernet header, which Zeek does not count.
                without = max(orig_bytes - 14 * max(orig_packets, 0), 0)
                numbers[ORIG_IP_BYTES, row] = without if orig_bytes >= 0 else np.nan
                without = max(resp_bytes - 14 * max(resp_packets, 0), 0)
                numbers[RESP_IP_BYTES, row] = without if resp_bytes >= 0 else np.nan
                ports[0, row] = orig_port
                ports[1, row] = resp_port
                states[row] = state
                codes[ORIG_H, row] = _label(found, _SRC_IP, ORIG_H, seed, entries, slots, labels)
                codes[RESP_H, row] = _label(found, _DEST_IP, RESP_H, seed, entries, slots, labels)
                codes[PROTO, row] = _label(found, _PROTO, PROTO, seed, entries, slots, labels)
                codes[SERVICE, row] = -1
                if has_service:
                    codes[SERVICE, row] = _label(found, _APP, SERVICE, seed, entries, slots, labels)
                if named != objects.MISSING:
                    record = found + _FLOW_ID * RECORD
                    length: Int = np.int64(load(record + objects.LENGTH))
                    copy(np.int64(load(record + objects.START)), length, stop, pool + written)
                    written += length
                ends[row + 1] = written
                places[row] = line
                row += 1
        elif good:
            others += 1
        if not good:
            odd[strange, 0] = line
            odd[strange, 1] = begin - base
            strange += 1
            at = begin
            while at < stop and byte_of(at) != _NEWLINE:
                at += 1
        at += 1
        line += 1
    counts[0], counts[1], counts[2], counts[3], counts[4] = row, line, strange, written, others
