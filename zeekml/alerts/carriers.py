"""Which peers and ports carry the evidence against a host: the heaviest few, in bounded memory.

Each suspicious connection adds the nats that it weighs, rounded up, to its peer and to its port, and what was added
halves with the evidence. Rounded up, because scores differ in their last digits from one cut of a log into batches to
another, and the order of the peers must not.

At most `MOST` peers and as many ports of a host are held. When there is no room for one more, the weight of the
(`KEPT` + 1)-th is taken off all, and those that nothing is left of go (Misra and Gries, Finding repeated elements,
1982, in the form of Agarwal et al., Mergeable summaries, 2012): what carries more than 1 / (`KEPT` + 1) of the evidence
is never lost. Weights grow with the clock instead of all others shrinking (Cormode et al., Forward decay, 2009), so a
connection costs the same whatever is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from zeekml.alerts.evidence import Floats, Ints, Update
from zeekml.arrays import Arrays, below, pack_texts, taken, under, unpack_texts
from zeekml.compiled import compiled, inlined
from zeekml.errors import StateError

SHOWN: Final = 5
"""Peers, and ports, that a notice names."""
KEPT: Final = 8
MOST: Final = 16
LONGEST: Final = 256
"""Characters of a peer that are kept; no address has as many."""

_LEAST: Final = 0.01
"""Share of the heaviest one's weight below which a peer or port carries nothing worth naming."""
_EPOCH: Final = 64.0
"""Half-lives after which weights are scaled down, before they overflow."""

Held: TypeAlias = dict[str, float]


@dataclass(frozen=True, slots=True)
class Carrying:
    """The ``peers`` (addresses) and ``ports`` (as ``23/tcp``) that carry most of the evidence, the heaviest first."""

    peers: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """N texts: ``codes`` (N,), each the place of one in ``texts``, which are distinct."""

    codes: Ints
    texts: Sequence[str]

    @classmethod
    def by(cls, texts: Sequence[str], places: Ints) -> Named:
        """``texts[places]``; the same text may be there more than once."""
        distinct = dict.fromkeys(texts, 0)
        if len(distinct) == len(texts):
            return cls(places, texts)
        distinct = {text: code for code, text in enumerate(distinct)}
        codes = np.array([distinct[text] for text in texts], dtype=np.int64)
        return cls(codes[places], list(distinct))

    def __getitem__(self, row: int) -> str:
        return self.texts[int(self.codes[row])]


@dataclass(slots=True)
class _Host:
    """Weights of one host as of the beginning of ``epoch``."""

    epoch: float
    peers: Held = field(default_factory=dict)
    ports: Held = field(default_factory=dict)

    def age(self, epoch: float) -> None:
        if epoch != self.epoch:
            factor = 2.0 ** (_EPOCH * min(0.0, self.epoch - epoch))
            self.peers = {key: weight * factor for key, weight in self.peers.items()}
            self.ports = {key: weight * factor for key, weight in self.ports.items()}
            self.epoch = epoch

    def carrying(self) -> Carrying:
        return Carrying(_heaviest(self.peers), _heaviest(self.ports))


class Carriers:
    """The peers and ports of every suspicious host of a stream, by the host's slot in its `HostEvidence`."""

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._hosts: dict[int, _Host] = {}

    def at(self, slot: int) -> Carrying:
        """What carries the evidence against the host of a slot."""
        host = self._hosts.get(slot)
        return Carrying() if host is None else host.carrying()

    def follow(
        self, update: Update, weight: Floats, peers: Named, ports: Named, wanted: Ints
    ) -> dict[int, Carrying]:
        """Take in N suspicious connections sorted by host, as ``update`` has them, with the weight of each (nats; 0: it
        is no evidence), its peer and its port.

        Returns what carries the evidence right after each of the positions ``wanted``.
        """
        if not len(weight):
            return {}
        age = update.clock / self._half_life
        epoch = np.floor(age / _EPOCH)
        gained = np.ceil(weight) * np.exp2(np.clip(age - _EPOCH * epoch, 0.0, _EPOCH))
        ends = _changes(update.run) | _changes(epoch)
        ends[wanted] = True
        found, start, asked = {}, 0, set(wanted.tolist())
        add_peers, add_ports = _Adding(peers, gained), _Adding(ports, gained)
        begins, continues = np.append(-1, update.run[:-1]) != update.run, update.run_continues[update.run]
        for last in np.flatnonzero(ends).tolist():
            slot = int(update.run_slot[update.run[start]])
            if slot not in self._hosts or (begins[start] and not continues[start]):
                self._hosts[slot] = _Host(float(epoch[start]))
            host = self._hosts[slot]
            host.age(float(epoch[start]))
            host.peers = add_peers.to(host.peers, start, last + 1)
            host.ports = add_ports.to(host.ports, start, last + 1)
            if last in asked:
                found[last] = host.carrying()
            start = last + 1
        return found

    def keep(self, kept: Ints) -> None:
        """Keep the hosts of these former slots, which get new slots in this order."""
        hosts = ((new, self._hosts.get(old)) for new, old in enumerate(kept.tolist()))
        self._hosts = {slot: host for slot, host in hosts if host is not None}

    def export(self, held: int) -> Arrays:
        """The hosts of the first ``held`` slots, as copies."""
        hosts = [self._hosts.get(slot) or _Host(0.0) for slot in range(held)]
        return {
            "epoch": np.array([host.epoch for host in hosts], dtype=np.float64),
            **under("peers", _packed([host.peers for host in hosts])),
            **under("ports", _packed([host.ports for host in hosts])),
        }

    def restore(self, arrays: Arrays, held: int) -> None:
        """Hold what `export` gave for ``held`` slots, and nothing else.

        No arrays at all, as zeekml kept before it told peers and ports: begin anew. Raises StateError.
        """
        if not arrays:
            self._hosts = {}
            return
        epoch = taken(arrays, "epoch", np.empty(0), held).tolist()
        peers, ports = (_unpacked(below(name, arrays), held) for name in ("peers", "ports"))
        self._hosts = {slot: _Host(epoch[slot], peers[slot], ports[slot]) for slot in range(held)}


def _changes(values: Ints | Floats) -> np.ndarray:
    """Where a stretch of equal values ends (N,)."""
    return np.append(values[1:] != values[:-1], True)


class _Adding:
    """Adds ``weights`` (N,) to what they belong to, ``names`` (N)."""

    def __init__(self, names: Named, weights: Floats) -> None:
        self._names = names
        self._weights = weights
        self._codes: dict[str, int] = {}

    def to(self, held: Held, begin: int, end: int) -> Held:
        """What is held when that of rows ``begin`` to ``end`` is added to it."""
        texts = self._names.texts
        if not self._codes:
            self._codes = dict(zip(texts, range(len(texts)), strict=True))
        former = list(held)
        keys, weights = np.empty(MOST, dtype=np.int64), np.empty(MOST)
        keys[: len(held)] = [self._codes.get(text, -1 - place) for place, text in enumerate(former)]
        weights[: len(held)] = list(held.values())
        count = _add(self._names.codes[begin:end], self._weights[begin:end], keys, weights, len(held))
        found = zip(keys[:count].tolist(), weights[:count].tolist(), strict=True)
        return {texts[key] if key >= 0 else former[-1 - key]: weight for key, weight in found}


@inlined
def _make_room(keys: Ints, weights: Floats) -> int:
    """Take the (`KEPT` + 1)-th heaviest of `MOST` weights off all; gives how many are left."""
    least = 0.0
    for weight in weights:
        heavier, equal = 0, 0
        for other in weights:
            heavier += other > weight
            equal += other == weight
        if heavier <= KEPT < heavier + equal:
            least = weight
    count = 0
    for at in range(MOST):
        if weights[at] > least:
            keys[count], weights[count] = keys[at], weights[at] - least
            count += 1
    return count


@compiled("i8(i8[::1], f8[::1], i8[::1], f8[::1], i8)")
def _add(codes: Ints, gained: Floats, keys: Ints, weights: Floats, count: int) -> int:
    """Add ``gained`` (N,) to the weights of ``codes`` (N,) among the first ``count`` of ``keys`` and ``weights``, in
    which they are in the order in which they came; gives how many there are then."""
    for i in range(len(codes)):
        at = 0
        while at < count and keys[at] != codes[i]:
            at += 1
        if at < count:
            weights[at] += gained[i]
        elif gained[i]:
            if count == MOST:
                count = _make_room(keys, weights)
            keys[count], weights[count] = codes[i], gained[i]
            count += 1
    return count


def _heaviest(held: Held) -> tuple[str, ...]:
    """The heaviest first; of equal ones the one that came later."""
    ranked = sorted(((weight, place, key) for place, (key, weight) in enumerate(held.items())), reverse=True)
    return tuple(key for weight, _, key in ranked[:SHOWN] if weight >= _LEAST * ranked[0][0] > 0)


def _packed(hosts: Sequence[Held]) -> Arrays:
    return {
        "count": np.array([len(held) for held in hosts], dtype=np.int64),
        "weight": np.array([weight for held in hosts for weight in held.values()], dtype=np.float64),
        **pack_texts([key for held in hosts for key in held]),
    }


def _unpacked(arrays: Arrays, held: int) -> list[Held]:
    count = taken(arrays, "count", np.empty(0, dtype=np.int64), held)
    keys = unpack_texts(arrays)
    weight = taken(arrays, "weight", np.empty(0), len(keys)).tolist()
    if (count < 0).any() or int(count.sum()) != len(keys):
        raise StateError(
            f"the state remembered does not fit: count: found {int(count.sum())} peers or ports of all hosts, expected "
            f"{len(keys)}; it was made by another zeekml or is damaged: begin with a new state folder"
        )
    ends = np.cumsum(count).tolist()
    return [
        dict(zip(keys[end - size : end], weight[end - size : end], strict=True))
        for size, end in zip(count.tolist(), ends, strict=True)
    ]
