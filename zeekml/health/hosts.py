"""Judges of a window of connections by its hosts: nobody is answered, or one address stands for many hosts."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from zeekml.health.blocks import UNDECIDED, Verdict, leading
from zeekml.health.rows import ANSWERED, BOTH_DATA, INSIDE, OUTWARD, TCP, UNICAST, Rows

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


def no_answers(window: Rows) -> Verdict | None:
    """Hosts inside that try and are never answered: of all hosts, the sensor sees what they send and no more."""
    rows = window[window.has(UNICAST | INSIDE)]
    tries = Counter(rows.orig.tolist())
    answered = set(rows.orig[rows.has(ANSWERED)].tolist())
    asking = [host for host, count in tries.items() if count >= _TRIES]
    if len(asking) < _FEWEST_HOSTS:
        return UNDECIDED
    silent = sum(host not in answered for host in asking)
    return Verdict(silent, len(asking), silent >= max(_FEWEST_HOSTS, _MOST_SILENT * len(asking)))


def shared_address(window: Rows) -> Verdict | None:
    """One address inside makes nearly all connections outward, from source ports that no one system chooses: a router
    that translates addresses stands between the sensor and the hosts."""
    rows = window[window.has(TCP | OUTWARD | BOTH_DATA)]
    if len(rows) < _FEWEST_OUTWARD:
        return UNDECIDED
    host, count = leading(rows)
    ports = rows.orig_p[rows.orig == host]
    linux, dynamic, nobodys = (_within(ports, band) for band in (_LINUX_ONLY, _DYNAMIC_ONLY, _NOBODYS))
    mixed = min(linux, dynamic) >= _A_SYSTEM and nobodys <= _MOST_NOBODYS
    return Verdict(count, len(rows), count >= _CARRIED * len(rows) and mixed, host)


def proxy(window: Rows) -> Verdict | None:
    """One host makes nearly all connections outward and is the one that the other hosts talk to."""
    rows = window[window.has(TCP | INSIDE | BOTH_DATA)]
    outward = rows[rows.has(OUTWARD)]
    if len(outward) < _FEWEST_OUTWARD:
        return UNDECIDED
    host, count = leading(outward)
    others = rows[rows.orig != host]
    clients = len(set(others.orig[others.resp == host].tolist()))
    through = float(np.mean(others.resp == host)) if len(others) else 0.0
    affected = count >= _CARRIED * len(outward) and clients >= _FEWEST_CLIENTS and through >= _THROUGH
    return Verdict(count, len(outward), affected, host)


def _within(ports: npt.NDArray[np.int32], band: tuple[int, int]) -> float:
    return float(np.mean((ports >= band[0]) & (ports < band[1])))
