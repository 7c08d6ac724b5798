"""What is ordinary on a site: which score is usual for what, and how much evidence a host usually gathers.

A connection that scores no higher than is usual for its kind is ordinary: it raises no alert and weighs nothing. One
that scores higher weighs by what it exceeds the usual score, and in full where the model is sure of it. There are three
kinds, and the highest usual score holds:

- ``peers``: this host to this peer, port and protocol;
- ``shared``: any host to this peer, port and protocol, which several hosts of the site use;
- ``failing``: this host to this port and protocol, whoever the peer is, where the connection came to nothing.

A host is named when all of its evidence, as the model alone has it, reaches the threshold, and the part that is odd
reaches half of that and of what is usual for the host together (`odd_threshold`). What a host always did explains more
of the same, however much it is; it does not explain as much again that the host never did, and something new may look
in part like the old. So a baseline asks for no more than the threshold of what is odd alone, and nothing that is added
here ever raises a weight, or lowers what a host is named from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeekml.table import Frame, Labels, Table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

JUDGED_BY = ("id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state")
"""The columns that `Ordinary.usual` reads."""

NOTHING_CAME = frozenset(("S0", "REJ", "SH", "RSTOS0"))
"""``conn_state`` of connections that came to nothing: no answer, or a refusal."""

Peer = tuple[str, str, int, str]
"""Originator, responder, its port, protocol."""
Shared = tuple[str, int, str]
"""Responder, its port, protocol."""
Failing = tuple[str, int, str]
"""Originator, port of the responder, protocol."""

ODD_SHARE = 0.5
"""The share of the host threshold and of a host's usual evidence that evidence which is not ordinary has to reach."""

_PORTS = 65_536
_ANY = -1  # no name has this number


@dataclass(frozen=True, slots=True, eq=False)
class Ordinary:
    """Usual scores (0 to 1) by kind, and usual evidence (nats) by host. ``sure``: score from which the model is."""

    peers: Mapping[Peer, float] = field(default_factory=dict)
    shared: Mapping[Shared, float] = field(default_factory=dict)
    failing: Mapping[Failing, float] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)
    sure: float = 1.0
    _hosts: Mapping[str, int] = field(init=False, repr=False)
    _ends: Mapping[str, int] = field(init=False, repr=False)
    _protos: Mapping[str, int] = field(init=False, repr=False)
    _tables: tuple[tuple[Ints, Floats], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hosts = _numbered([*(key[0] for key in self.peers), *(key[0] for key in self.failing)])
        ends = _numbered([*(key[1] for key in self.peers), *(key[0] for key in self.shared)])
        protos = _numbered([key[-1] for keys in (self.peers, self.shared, self.failing) for key in keys])
        object.__setattr__(self, "_hosts", hosts)
        object.__setattr__(self, "_ends", ends)
        object.__setattr__(self, "_protos", protos)
        given = (
            {(hosts[h], ends[r], p, protos[t]): score for (h, r, p, t), score in self.peers.items()},
            {(_ANY, ends[r], p, protos[t]): score for (r, p, t), score in self.shared.items()},
            {(hosts[h], _ANY, p, protos[t]): score for (h, p, t), score in self.failing.items()},
        )
        object.__setattr__(self, "_tables", tuple(self._table(entries) for entries in given))

    def __len__(self) -> int:
        """Kinds of connections that have a usual score."""
        return len(self.peers) + len(self.shared) + len(self.failing)

    def usual(self, frame: Frame, score: npt.NDArray[np.floating]) -> Floats:
        """The usual score of N connections (`JUDGED_BY` columns) with these scores (N,).

        0 for those of which nothing is known, and for those above it that the model is sure of; (N,).
        """
        if not len(self) or not len(frame):
            return np.zeros(len(frame))
        table = Table.of(frame)
        host = _numbers(table.label("id.orig_h"), self._hosts)
        end = _numbers(table.label("id.resp_h"), self._ends)
        proto = _numbers(table.label("proto"), self._protos)
        port = table.port("id.resp_p").astype(np.int64)
        proto = np.where((port >= 0) & (port < _PORTS), proto, -1)  # a log may say anything
        port = np.clip(port, 0, _PORTS - 1)
        came_to_nothing = _numbers(table.label("conn_state"), dict.fromkeys(NOTHING_CAME, 0)) == 0
        anybody = np.full(len(frame), _ANY)
        peers, shared, failing = self._tables
        found = np.maximum.reduce(
            [
                _looked_up(peers, self._keys(host, end, port, proto), (host >= 0) & (end >= 0)),
                _looked_up(shared, self._keys(anybody, end, port, proto), end >= 0),
                _looked_up(failing, self._keys(host, anybody, port, proto), (host >= 0) & came_to_nothing),
            ]
        )
        return np.asarray(np.where((score >= np.float32(self.sure)) & (score > found), 0.0, found))

    def usual_evidence(self, hosts: Labels) -> Floats:
        """The usual evidence (nats) of each of N hosts, 0 where none is known; (N,)."""
        if not self.evidence:
            return np.zeros(len(hosts))
        return hosts.each(
            np.array([self.evidence.get(host, 0.0) for host in hosts.texts], dtype=np.float64), 0.0
        )

    def _table(self, entries: Mapping[tuple[int, int, int, int], float]) -> tuple[Ints, Floats]:
        """Sorted keys and their scores."""
        given = np.array(list(entries), dtype=np.int64).reshape(-1, 4)
        keys = self._keys(*given.T)
        order = np.argsort(keys)
        return keys[order], np.array(list(entries.values()), dtype=np.float64)[order]

    def _keys(self, host: Ints, end: Ints, port: Ints, proto: Ints) -> Ints:
        """One number for each of N kinds; protocols that nothing is known of share theirs with no other."""
        ends, protos = len(self._ends) + 1, len(self._protos) + 1
        return (((host + 1) * ends + end + 1) * _PORTS + port) * protos + proto + 1


def odd_threshold(host_threshold: float, usual_evidence: Floats) -> Floats:
    """What the odd part of the evidence against N hosts has to reach (nats), never more than the threshold; (N,)."""
    return np.minimum(ODD_SHARE * (host_threshold + usual_evidence), host_threshold)


def _numbered(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _numbers(names: Labels, known: Mapping[str, int]) -> Ints:
    """The number of each name (N,); -1 for names that are not known, and where it is unset."""
    return names.each(np.array([known.get(name, -1) for name in names.texts], dtype=np.int64), -1)


def _looked_up(table: tuple[Ints, Floats], keys: Ints, known: npt.NDArray[np.bool_]) -> Floats:
    """The scores of N keys, 0 for those that are not in the table or not ``known``."""
    sorted_keys, scores = table
    if not len(sorted_keys):
        return np.zeros(len(keys))
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.where(known & (sorted_keys[at] == keys), scores[at], 0.0)
