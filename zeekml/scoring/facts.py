"""What a connection's features say together, in words an analyst reads.

A fact is some features that tell one thing (how many of the host's last connections failed, and how many of those
at new peers). Reasons are sought among facts, not features: of features that say the same, each by itself moves little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from math import isnan

import numpy as np
from numpy.typing import NDArray

from zeekml.features import LAYOUT

Floats = NDArray[np.float32]

_PLACE = {name: at for at, name in enumerate(LAYOUT.names)}


class Columns:
    """Features of some connections (N, F), each worked out for all of them when somebody first asks for it."""

    def __init__(self, matrix: Floats) -> None:
        self._matrix = matrix
        self._known: dict[str, list[float]] = {}
        self._counted: dict[str, list[float]] = {}
        self._set_flags: dict[str, list[str]] = {}

    def raw(self, name: str) -> list[float]:
        """A feature (N) as it is."""
        if name not in self._known:
            self._known[name] = self._matrix[:, _PLACE[name]].tolist()
        return self._known[name]

    def counted(self, name: str) -> list[float]:
        """What a feature ``log1p(x)`` was made from (N)."""
        if name not in self._counted:
            self._counted[name] = np.expm1(self._matrix[:, _PLACE[name]]).tolist()
        return self._counted[name]

    def set_flags(self, prefix: str) -> list[str]:
        """Which of the flags of this prefix is set (N), without the prefix; empty where none is."""
        if prefix not in self._set_flags:
            names, places = _FLAGS[prefix]
            flags = self._matrix[:, places]
            found = np.where(flags.any(axis=1), flags.argmax(axis=1), len(names))
            self._set_flags[prefix] = [[*names, ""][at] for at in found.tolist()]
        return self._set_flags[prefix]


class Values:
    """The features of one connection, in the units a person reads; NaN where a number is missing."""

    def __init__(self, columns: Columns, at: int = 0) -> None:
        """The one at this place of the columns."""
        self._columns = columns
        self._at = at

    def raw(self, name: str) -> float:
        """A share, a ratio or a flag as it is."""
        return self._columns.raw(name)[self._at]

    def counted(self, name: str) -> float:
        """Bytes, packets or a rate, of a feature ``log1p(x)``."""
        return self._columns.counted(name)[self._at]

    def seconds(self, name: str) -> float:
        """Seconds, of a feature ``log1p(milliseconds)``."""
        return self.counted(name) / 1000

    def doubled(self, name: str) -> float:
        """What a feature ``log2(1 + x)`` was made from."""
        return 2 ** self.raw(name) - 1

    def set_flag(self, prefix: str) -> str:
        """Which of the flags of this prefix is set, without the prefix; empty where none is."""
        return self._columns.set_flags(prefix)[self._at]


def _flags(prefix: str) -> tuple[list[str], NDArray[np.int64]]:
    """The names without their prefix, and the places, of the flags that have it."""
    mine = [(name, at) for name, at in _PLACE.items() if name.startswith(prefix)]
    return [name.removeprefix(prefix) for name, _ in mine], np.array([at for _, at in mine])


_FLAGS = {prefix: _flags(prefix) for prefix in ("state_", "proto_", "service_", "port_", "orig_port_")}


@dataclass(frozen=True, slots=True)
class Fact:
    """Features that tell one thing; ``words`` is empty where there is nothing that a person could look at."""

    name: str
    patterns: tuple[str, ...]
    words: Callable[[Values], str]

    @property
    def features(self) -> NDArray[np.int64]:
        """The places of its features in the layout."""
        return np.array(
            [at for at, n in enumerate(LAYOUT.names) if any(fnmatchcase(n, p) for p in self.patterns)]
        )


def number(value: float) -> str:
    """Three digits, or more before the point: never an exponent such as 1.23e+03."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def counted(count: float, one: str) -> str:
    """``3 packets``, ``1 packet``."""
    return f"{number(count)} {one}" + ("" if round(count) == 1 else "s")


def lasting(seconds: float) -> str:
    """``300 s``, ``6 ms``."""
    return f"{number(seconds)} s" if seconds >= 0.1 else f"{number(1000 * seconds)} ms"


def _outcome(values: Values) -> str:
    state = values.set_flag("state_")
    return {"": "", "S0": "no answer (S0)", "REJ": "refused (REJ)"}.get(state, f"ended as {state}")


def _received(values: Values) -> str:
    packets = values.counted("resp_pkts")
    if isnan(packets):
        return ""
    if packets == 0:
        return "nothing received"
    size = values.counted("resp_bytes")
    if isnan(size):
        size = values.counted("resp_ip_bytes")
    return "" if isnan(size) else f"{counted(size, 'byte')} received in {counted(packets, 'packet')}"


def _sent(values: Values) -> str:
    packets, size = values.counted("orig_pkts"), values.counted("orig_bytes")
    if isnan(size):
        size = values.counted("orig_ip_bytes")
    if isnan(packets) or isnan(size):
        return ""
    return f"{counted(size, 'byte')} sent in {counted(packets, 'packet')}"


def _duration(values: Values) -> str:
    seconds = values.seconds("duration")
    return "" if isnan(seconds) else f"lasted {lasting(seconds)}"


def _service(values: Values) -> str:
    proto, service = values.set_flag("proto_"), values.set_flag("service_")
    if service in ("", "none"):
        return f"no known service over {proto}" if proto else ""
    return (
        "an uncommon service" if service == "other" else f"{service} over {proto or 'an uncommon protocol'}"
    )


def _port(values: Values) -> str:
    port = values.set_flag("port_")
    return f"to {LAYOUT.features[_PLACE[f'port_{port}']].words}" if port else ""


def _from_port(values: Values) -> str:
    port = values.set_flag("orig_port_")
    return f"from a {port} port" if port else ""


def _sides(values: Values) -> str:
    if values.raw("resp_group"):
        return "to a broadcast or multicast address"
    inside = values.raw("host_inside")
    if inside >= 0.5:
        return f"{inside:.0%} of its last connections stay inside"
    return "" if isnan(inside) else f"{1 - inside:.0%} of its last connections leave the network"


def _pace(values: Values) -> str:
    pace = values.seconds("host_pace")
    return "" if isnan(pace) else f"a connection every {lasting(pace)}"


def _failures(values: Values) -> str:
    failed, new = values.raw("host_failed"), values.raw("host_failed_new")
    if isnan(failed) or failed == 0:
        return ""
    return f"{failed:.0%} of its last connections failed" + (f", {new:.0%} at new peers" if new > 0 else "")


def _peers(values: Values) -> str:
    new, same = values.raw("host_new_peers"), values.raw("host_same_peer")
    if isnan(new + same):
        return ""
    if new >= same:
        return f"{new:.0%} of its last connections went to new peers"
    return f"{same:.0%} of its last connections went to this peer"


def _ports(values: Values) -> str:
    new, same = values.raw("host_new_ports"), values.raw("host_same_port")
    if isnan(new + same):
        return ""
    if new > same:
        return f"{new:.0%} of its last connections went to new ports"
    return f"{same:.0%} of its last connections went to this port"


def _lookups(values: Values) -> str:
    share, size = values.raw("host_dns"), values.doubled("host_dns_query")
    if isnan(share) or share == 0:
        return ""
    return f"{share:.0%} of its last connections are DNS" + (
        "" if isnan(size) else f", with queries of about {size:,.0f} bytes"
    )


def _volume(values: Values) -> str:
    sent, received = values.doubled("host_sent"), values.doubled("host_received")
    if isnan(sent) or isnan(received):
        return ""
    return f"its last connections send about {sent:,.0f} bytes and get {received:,.0f}"


def _beat(values: Values) -> str:
    if values.raw("pair_new"):
        return "its first connection to this peer and port"
    gap, spread = values.seconds("pair_gap_median"), values.raw("pair_gap_spread")
    if isnan(values.raw("pair_tries")):
        return ""
    tries = f"connection {number(2 ** values.raw('pair_tries'))} to this peer and port"
    if isnan(gap):
        return tries
    even = "every" if spread < 0.2 else "about every"  # NaN: too few to tell
    alike = ", of the same size" if values.raw("pair_sent_spread") < 0.05 else ""
    return f"{tries}, {even} {lasting(gap)}{alike}"


#: All facts; every feature belongs to one.
FACTS: tuple[Fact, ...] = (
    Fact("outcome", ("state_*", "orig_?", "resp_?", "history_missing"), _outcome),
    Fact("received", ("resp_bytes", "resp_pkts", "resp_ip_bytes", "resp_pkt_size", "byte_ratio"), _received),
    Fact("sent", ("orig_bytes", "orig_pkts", "orig_ip_bytes", "orig_pkt_size", "payload_share"), _sent),
    Fact("duration", ("duration", "pkt_rate"), _duration),
    Fact("service", ("proto_*", "service_*"), _service),
    Fact("port", ("port_*",), _port),
    Fact("from_port", ("orig_port_*",), _from_port),
    Fact("sides", ("orig_local", "resp_local", "resp_group", "host_inside"), _sides),
    Fact("pace", ("host_gap", "host_pace"), _pace),
    Fact("failures", ("host_failed", "host_failed_new"), _failures),
    Fact("peers", ("host_new_peers", "host_same_peer"), _peers),
    Fact("ports", ("host_new_ports", "host_same_port"), _ports),
    Fact("lookups", ("host_dns", "host_dns_query", "host_dns_answer"), _lookups),
    Fact("volume", ("host_sent", "host_received"), _volume),
    Fact("beat", ("pair_*",), _beat),
)


@cache
def features_of_facts() -> tuple[NDArray[np.int64], ...]:
    """The places in the layout of the features of each of ``FACTS``."""
    return tuple(fact.features for fact in FACTS)


def fact_of_feature() -> NDArray[np.int64]:
    """(F,) the fact, an index into ``FACTS``, that each feature of the layout belongs to."""
    found = np.full(len(LAYOUT.features), -1)
    for index, features in enumerate(features_of_facts()):
        found[features] = index
    return found
