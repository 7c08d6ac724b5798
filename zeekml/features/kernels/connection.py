"""Numbers and flags of each connection by itself, straight into the rows of a feature matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import READ_F8, READ_I4, compiled, inlined
from zeekml.number_kernels import log1p_of_known

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Codes = NDArray[np.int32]

#: Numbers that stand in front of a row: see ``connection.FEATURES``.
NUMBERS: Final = 12
#: Of these logarithms, of which the last is the tenth number.
_LOGS: Final = 8
_TENTH: Final = 9
_LARGEST: Final = 1e18
_THOUSAND, _ONE_MS = np.float32(1000), np.float32(0.001)
_ZERO, _ONE, _MISSING = np.float32(0), np.float32(1), np.float32(np.nan)
#: Rows whose numbers are worked out together.
_ROWS: Final = 64


@inlined
def _cut(value: Any) -> np.float32:
    return np.float32(_LARGEST) if value > _LARGEST else np.float32(value)


@inlined
def _flagged(row: Floats, at: int, flags: Floats, code: np.int32) -> int:
    """Put the flags of a code into a row; gives where the next ones stand."""
    mine = flags[code if code >= 0 else len(flags) - 1]
    for j in range(len(mine)):
        row[np.uint64(at + j)] = mine[j]
    return at + len(mine)


_COLUMNS: Final = ", ".join([READ_F8] * 7)
_LABELS: Final = ", ".join([f"{READ_I4}, f4[:, ::1]"] * 4)


@compiled(
    f"void({_COLUMNS}, {_LABELS}, {READ_I4}, {READ_I4}, b1[::1], i1[::1], i1[::1], i8, i8, b1[:, ::1], f4[:, ::1])"
)
def connection_rows(  # noqa: PLR0912 - one pass over the rows
    duration: NDArray[np.float64],
    orig_bytes: NDArray[np.float64],
    resp_bytes: NDArray[np.float64],
    orig_pkts: NDArray[np.float64],
    resp_pkts: NDArray[np.float64],
    orig_ip_bytes: NDArray[np.float64],
    resp_ip_bytes: NDArray[np.float64],
    proto: Codes,
    proto_flags: Floats,
    service: Codes,
    service_flags: Floats,
    state: Codes,
    state_flags: Floats,
    history: Codes,
    history_flags: Floats,
    orig_p: Codes,
    resp_p: Codes,
    is_icmp: NDArray[np.bool_],
    orig_class: NDArray[np.int8],
    resp_class: NDArray[np.int8],
    orig_classes: int,
    resp_classes: int,
    masks: NDArray[np.bool_],
    out: Floats,
) -> None:
    """The first columns of ``out`` (N, F): numbers, NaN where missing, then flags.

    Of a label its codes (N,) and the flags (C + 1, K) of each code, the last row those of -1. ``orig_class`` and
    ``resp_class`` (65536,) tell the class of a port, of which the first so many have a flag; ICMP has none. ``masks``
    (M, N) are flags by themselves.
    """
    numbers, plain = np.zeros((NUMBERS, _ROWS), np.float32), np.zeros((_LOGS, _ROWS), np.float32)
    for begin in range(0, len(out), _ROWS):
        rows = min(_ROWS, len(out) - begin)
        for i in range(rows):
            r = begin + i
            lasted = _cut(duration[r])
            sent, got = _cut(orig_bytes[r]), _cut(resp_bytes[r])
            packets, answers = _cut(orig_pkts[r]), _cut(resp_pkts[r])
            ip_sent, ip_got = _cut(orig_ip_bytes[r]), _cut(resp_ip_bytes[r])
            plain[0, i], plain[1, i], plain[2, i] = lasted * _THOUSAND, sent, got
            plain[3, i], plain[4, i], plain[5, i], plain[6, i] = packets, answers, ip_sent, ip_got
            plain[7, i] = (packets + answers) / (lasted + _ONE_MS)
            numbers[7, i] = ip_sent / packets if packets > 0 else _MISSING
            numbers[8, i] = ip_got / answers if answers > 0 else _MISSING
            numbers[11, i] = sent / ip_sent if ip_sent > 0 else _MISSING
        for j in range(_LOGS):
            to, is_odd = _TENTH if j == _LOGS - 1 else j, False
            for i in range(_ROWS):
                is_odd |= (plain[j, i] < 0) | (plain[j, i] > _LARGEST)
                numbers[to, i] = np.float32(log1p_of_known(np.float64(plain[j, i])))
            if is_odd:
                for i in range(_ROWS):
                    if plain[j, i] < 0 or plain[j, i] > _LARGEST:
                        numbers[to, i] = np.log1p(plain[j, i])
        for i in range(_ROWS):
            numbers[10, i] = numbers[5, i] - numbers[6, i]
        for i in range(rows):
            r = begin + i
            row = out[r]
            for j in range(NUMBERS):
                row[j] = numbers[j, i]
            at = _flagged(row, NUMBERS, proto_flags, proto[r])
            at = _flagged(row, at, service_flags, service[r])
            at = _flagged(row, at, state_flags, state[r])
            at = _flagged(row, at, history_flags, history[r])
            for j in range(resp_classes + orig_classes):
                row[np.uint64(at + j)] = _ZERO
            if not is_icmp[r]:
                row[at + resp_class[resp_p[r]]] = _ONE
                if orig_class[orig_p[r]] < orig_classes:
                    row[at + resp_classes + orig_class[orig_p[r]]] = _ONE
            at += resp_classes + orig_classes
            for j in range(len(masks)):
                row[np.uint64(at + j)] = _ONE if masks[j, r] else _ZERO
