"""What can be wrong with a log, and how it is said: what was seen, what it means for verdicts, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

#: Codes, in the order in which findings are told.
BAD_CHECKSUMS: Final = "bad-checksums"
ONE_SIDED: Final = "one-sided"
NO_ANSWERS: Final = "no-answers"
REVERSED: Final = "reversed"
MISSED_BYTES: Final = "missed-bytes"
GAP: Final = "gap"
CLOCK: Final = "clock"
SHARED_ADDRESS: Final = "shared-address"
PROXY: Final = "proxy"


_LONGEST: Final = 64
"""Characters of an address that are shown; IPv6 with a zone is shorter."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The figures of a finding. ``parts`` of ``judged`` parts of the log were affected, from ``first`` to ``last``
    (epoch s); in them ``bad`` of ``of`` connections or hosts; ``worst``: the longest gap or jump (s); ``host``: the one
    that most of it came from lately, "" where none is named."""

    parts: int = 0
    judged: int = 0
    bad: int = 0
    of: int = 0
    first: float = 0.0
    last: float = 0.0
    worst: float = 0.0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a log.

    ``seen``, ``means`` and ``cure`` are texts for people, one printable line each. ``thresholds_hold``: the
    false-positive rates that the thresholds were chosen for are still about right.
    """

    code: str
    seen: str
    means: str
    cure: str
    thresholds_hold: bool

    def __str__(self) -> str:
        return f"{self.code}: {self.seen}; {self.means}; {self.cure}"


@dataclass(frozen=True, slots=True)
class _Kind:
    seen: Callable[[Seen], str]
    means: str
    cure: str
    thresholds_hold: bool = False


def finding(code: str, seen: Seen) -> Finding:
    """The finding of a code (one of ``CODES``) with these figures, in words."""
    kind = _KINDS[code]
    return Finding(
        code, kind.seen(replace(seen, host=_inert(seen.host))), kind.means, kind.cure, kind.thresholds_hold
    )


def _checksums(seen: Seen) -> str:
    return f"bad checksums in {_share(seen)} connections{_most_from(seen)}{_where(seen)}"


def _one_sided(seen: Seen) -> str:
    return f"only one side was seen of {_share(seen)} TCP and UDP connections{_most_from(seen)}{_where(seen)}"


def _no_answers(seen: Seen) -> str:
    return f"{_share(seen)} hosts inside were never answered by anybody{_where(seen)}"


def _reversed(seen: Seen) -> str:
    what = f"{_share(seen)} TCP connections begin in the middle and from a service's port"
    return f"{what}{_most_from(seen)}{_where(seen)}"


def _missed(seen: Seen) -> str:
    return f"bytes are missing in {_share(seen)} TCP connections with payload{_where(seen)}"


def _gap(seen: Seen) -> str:
    return (
        f"{_times(seen.bad, 'gap')} without any connection, the longest of {_span(seen.worst)}{_when(seen)}"
    )


def _clock(seen: Seen) -> str:
    return f"the clock went back {_times(seen.bad, 'time')}, by {_span(seen.worst)} at most{_when(seen)}"


def _shared(seen: Seen) -> str:
    what = f"{seen.host} makes {_share(seen)} connections to the outside"
    return f"{what}, from source ports of more than one operating system{_where(seen)}"


def _proxy(seen: Seen) -> str:
    what = f"{seen.host} makes {_share(seen)} connections to the outside and is whom the other hosts talk to"
    return f"{what}{_where(seen)}"


_KINDS: Final[dict[str, _Kind]] = {
    BAD_CHECKSUMS: _Kind(
        _checksums,
        "Zeek drops such packets, so states, sizes and who began are wrong, and thresholds do not hold",
        "if the capturing machine offloads checksums, switch that off (ethtool -K IFACE rx off tx off) or run Zeek "
        "with -C (ignore_checksums=T); else a program makes such packets itself, as floods do",
    ),
    ONE_SIDED: _Kind(
        _one_sided,
        "connections look failed that were not, and thresholds do not hold",
        "let the mirror port or tap give both directions, and a load balancer send both to one Zeek process",
    ),
    NO_ANSWERS: _Kind(
        _no_answers,
        "either the sensor sees one direction only or the network has no way out; every host looks like a scanner, and "
        "thresholds do not hold",
        "see whether the hosts have a connection; if they have, let the mirror port or tap give both directions",
    ),
    REVERSED: _Kind(
        _reversed,
        "Zeek took late packets of servers for new connections, so verdicts may name the server for the client, and "
        "thresholds do not hold",
        "look for lost or late packets; where connections rest for long, raise tcp_inactivity_timeout in Zeek",
    ),
    MISSED_BYTES: _Kind(
        _missed,
        "the sensor loses packets: sizes and services are uncertain, thresholds hold about",
        "see capture_loss.log and the drops in stats.log; give Zeek more workers or filter bulk transfers",
        thresholds_hold=True,
    ),
    GAP: _Kind(
        _gap,
        "the sensor was off, or lines are lost: rhythms across the gap are not seen, thresholds hold",
        "see whether Zeek was stopped, the disk was full or a rotated file is missing; a network may also have rested",
        thresholds_hold=True,
    ),
    CLOCK: _Kind(
        _clock,
        "times between connections are wrong around it, and thresholds do not hold there",
        "let a time service set the sensor's clock; do not join logs of different times under one name",
    ),
    SHARED_ADDRESS: _Kind(
        _shared,
        "many hosts stand behind one address, so a verdict on it names none of them, and the threshold of hosts does "
        "not hold",
        "put the sensor inside of the router that translates addresses",
    ),
    PROXY: _Kind(
        _proxy,
        "a verdict on the proxy names none of its clients, and the threshold of hosts does not hold for it",
        "put the sensor between clients and proxy, and add the proxy to the allowlist",
    ),
}

CODES: Final = tuple(_KINDS)
"""Every code, in the order in which findings are told."""


def _inert(host: str) -> str:
    """An address as it can be shown: a log may hold anything in its place."""
    shown = host if host.isprintable() else host.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def _share(seen: Seen) -> str:
    return f"{seen.bad:,} of {seen.of:,}"


def _most_from(seen: Seen) -> str:
    return f", most lately from {seen.host}" if seen.host else ""


def _where(seen: Seen) -> str:
    """Nothing where the whole log is affected."""
    if seen.parts == seen.judged:
        return ""
    return f" in {seen.parts:,} of {seen.judged:,} parts of the log{_when(seen)}"


def _when(seen: Seen) -> str:
    return f" ({_moment(seen.first)} to {_moment(seen.last)})"


def _times(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _span(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:,.0f} min"
    return f"{seconds / 3600:,.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:,.1f} days"


def _moment(epoch: float) -> str:
    """A time of the log, UTC; a log may hold times that no calendar has."""
    try:
        return dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{epoch:.0f}"
