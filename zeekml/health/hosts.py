"""Judges of windows of connections by their hosts: nobody is answered, or one address stands for many hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.compiled import compiled
from zeekml.health.blocks import Counts, Verdicts, leading, part
from zeekml.health.coded import Codes
from zeekml.health.flags import ANSWERED, BOTH_DATA, INSIDE, OUTWARD, TCP, UNICAST
from zeekml.health.rows import Rows

_TRIES: Final = 5
"""Connections to single hosts, after which a healthy host has had an answer from somebody."""
_FEWEST_HOSTS: Final = 3
"""Hosts without an answer: one or two may scan, or have lost their network."""
_MOST_SILENT: Final = 0.8
"""Share of hosts without an answer."""

_FEWEST_OUTWARD: Final = 48
"""Connections from inside to outside with payload both ways, below which nothing is said of who makes them."""
_CARRIED: Final = 0.9
"""Share of them that one address makes when it carries everybody's."""
_LINUX_ONLY: Final = (32768, 49152)
"""Source ports that Linux chooses (net.ipv4.ip_local_port_range: 32768 to 60999) and systems by RFC 6335 do not."""
_DYNAMIC_ONLY: Final = (61000, 65536)
"""Source ports that systems by RFC 6335 choose (49152 to 65535: Windows, Apple) and Linux does not."""
_NOBODYS: Final = (5001, 32768)
"""Source ports that neither chooses (Windows up to XP: 1025 to 5000): a program that picks its own ports, as scanners
do, uses them as well."""
_A_SYSTEM: Final = 0.05
_MOST_NOBODYS: Final = 0.1

_FEWEST_CLIENTS: Final = 3
_THROUGH: Final = 0.8
"""Share of the other hosts' connections that go to a proxy."""

_TRY: Final = UNICAST | INSIDE
_CARRIES: Final = TCP | INSIDE | OUTWARD | BOTH_DATA
_ASKING, _SILENT, _OUTWARD, _MOST = range(4)


@compiled(
    "void(Array(i4, 1, 'C', readonly=True), Array(i4, 1, 'C', readonly=True), i8, i4[:, ::1], i8[:, ::1])"
)
def _count(flags: Codes, orig: Codes, size: int, by_host: npt.NDArray[np.int32], found: Counts) -> None:
    """``found`` (P, 4) of parts of ``size`` connections: hosts that try, those of them that are not answered,
    connections outward with payload both ways, and the most of them from one host. ``by_host`` (3, hosts): zeros."""
    for place in range(len(found)):
        begin, end = place * size, (place + 1) * size
        for row in range(begin, end):
            host = orig[row]
            if flags[row] & _TRY == _TRY:
                by_host[0, host] += 1
                if flags[row] & ANSWERED:
                    by_host[1, host] += 1
            if flags[row] & _CARRIES == _CARRIES:
                by_host[2, host] += 1
                found[place, _OUTWARD] += 1
                found[place, _MOST] = max(found[place, _MOST], by_host[2, host])
        for row in range(begin, end):
            host = orig[row]
            if by_host[0, host] >= _TRIES:
                found[place, _ASKING] += 1
                found[place, _SILENT] += by_host[1, host] == 0
            by_host[:, host] = 0


def judge(windows: Rows, size: int) -> tuple[Verdicts, Verdicts, Verdicts]:
    """Windows of so many connections each, judged by `no_answers`, `shared_address` and `proxy`."""
    found = np.zeros((len(windows) // size, 4), dtype=np.int64)
    orig = windows.orig
    by_host = np.zeros((3, len(orig.texts) + 1), dtype=np.int32)
    _count(np.ascontiguousarray(windows.flags), np.ascontiguousarray(orig.codes), size, by_host, found)
    return (
        no_answers(found[:, _ASKING], found[:, _SILENT]),
        _carried(windows, size, found, shared_address),
        _carried(windows, size, found, proxy),
    )


def no_answers(asking: Counts, silent: Counts) -> Verdicts:
    """Hosts inside that try and are never answered: of all hosts, the sensor sees what they send and no more.

    ``asking`` (P,): hosts of each window that try; ``silent`` (P,): those that are not answered.
    """
    judged = asking >= _FEWEST_HOSTS
    affected = judged & (silent >= np.maximum(_FEWEST_HOSTS, _MOST_SILENT * asking))
    return Verdicts(judged, affected, silent, asking, dict.fromkeys(np.flatnonzero(affected).tolist(), ""))


def shared_address(window: Rows, host: str) -> bool:
    """One address inside makes nearly all connections outward, from source ports that no one system chooses: a router
    that translates addresses stands between the sensor and the hosts."""
    rows = window[window.has(TCP | OUTWARD | BOTH_DATA)]
    ports = rows.orig_p[rows.orig.codes == rows.orig.place(host)]
    linux, dynamic, nobodys = (_within(ports, band) for band in (_LINUX_ONLY, _DYNAMIC_ONLY, _NOBODYS))
    return min(linux, dynamic) >= _A_SYSTEM and nobodys <= _MOST_NOBODYS


def proxy(window: Rows, host: str) -> bool:
    """One host makes nearly all connections outward and is the one that the other hosts talk to."""
    rows = window[window.has(TCP | INSIDE | BOTH_DATA)]
    others = rows[rows.orig.codes != rows.orig.place(host)]
    through = others.resp.codes == others.resp.place(host)
    clients = len(np.unique(others.orig.codes[through]))
    return clients >= _FEWEST_CLIENTS and float(np.mean(through)) >= _THROUGH


def _carried(windows: Rows, size: int, found: Counts, told: Callable[[Rows, str], bool]) -> Verdicts:
    """Windows in which one address makes nearly all connections outward, and of which ``told`` says so by it."""
    outward, most = found[:, _OUTWARD], found[:, _MOST]
    judged = outward >= _FEWEST_OUTWARD
    affected = judged & (most >= _CARRIED * outward)
    hosts = {}
    for place in np.flatnonzero(affected).tolist():
        window = part(windows, size, place)
        hosts[place], _ = leading(window[window.has(_CARRIES)])
        affected[place] = told(window, hosts[place])
    return Verdicts(judged, affected, most, outward, hosts)


def _within(ports: npt.NDArray[np.int32], band: tuple[int, int]) -> float:
    return float(np.mean((ports >= band[0]) & (ports < band[1])))
