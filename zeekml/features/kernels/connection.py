"""Numbers and flags of each connection by itself, straight into the rows of a feature matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zeekml.compiled import READ_F8, READ_I4, compiled, inlined

if TYPE_CHECKING:
    from zeekml.features.connection import Floats

Codes = NDArray[np.int32]

#: Numbers that stand in front of a row: see ``connection.FEATURES``.
NUMBERS: Final = 12
_LARGEST: Final = 1e18
_THOUSAND, _ONE_MS = np.float32(1000), np.float32(0.001)
_ZERO, _ONE, _MISSING = np.float32(0), np.float32(1), np.float32(np.nan)
#: Most counts are small whole numbers, whose logarithm is looked up.
_LOGS: Final = np.log1p(np.arange(4096, dtype=np.float32))
_MOST: Final = np.float32(len(_LOGS))


@inlined
def _log1p(value: Any) -> Any:
    if _ZERO <= value < _MOST:
        whole = np.int64(value)
        if np.float32(whole) == value:
            return _LOGS[whole]
    return np.log1p(value)


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
def connection_rows(
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
    for i in range(len(out)):
        row = out[i]
        lasted = _cut(duration[i])
        sent, got = _cut(orig_bytes[i]), _cut(resp_bytes[i])
        packets, answers = _cut(orig_pkts[i]), _cut(resp_pkts[i])
        ip_sent, ip_got = _cut(orig_ip_bytes[i]), _cut(resp_ip_bytes[i])
        row[0] = _log1p(lasted * _THOUSAND)
        row[1] = _log1p(sent)
        row[2] = _log1p(got)
        row[3] = _log1p(packets)
        row[4] = _log1p(answers)
        row[5] = _log1p(ip_sent)
        row[6] = _log1p(ip_got)
        row[7] = ip_sent / packets if packets > 0 else _MISSING
        row[8] = ip_got / answers if answers > 0 else _MISSING
        row[9] = np.log1p((packets + answers) / (lasted + _ONE_MS))
        row[10] = row[5] - row[6]
        row[11] = sent / ip_sent if ip_sent > 0 else _MISSING
        at = _flagged(row, NUMBERS, proto_flags, proto[i])
        at = _flagged(row, at, service_flags, service[i])
        at = _flagged(row, at, state_flags, state[i])
        at = _flagged(row, at, history_flags, history[i])
        for j in range(resp_classes + orig_classes):
            row[np.uint64(at + j)] = _ZERO
        if not is_icmp[i]:
            row[at + resp_class[resp_p[i]]] = _ONE
            if orig_class[orig_p[i]] < orig_classes:
                row[at + resp_classes + orig_class[orig_p[i]]] = _ONE
        at += resp_classes + orig_classes
        for j in range(len(masks)):
            row[np.uint64(at + j)] = _ONE if masks[j, i] else _ZERO
