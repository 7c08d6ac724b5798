"""Turns scores into alerts and notices, batch by batch, with the state of every stream kept inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from zeekml.alerts.carriers import LONGEST, Carriers, Named
from zeekml.alerts.evidence import Bools, Floats, HostEvidence, Ints, weigh
from zeekml.alerts.message import port_text
from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE, Alerts, Notice, Standing, union
from zeekml.alerts.ordinary import odd_threshold
from zeekml.alerts.policy import AlertPolicy
from zeekml.alerts.suppression import Ledger
from zeekml.arrays import Arrays, below, number, pack_texts, taken, under, unpack_texts
from zeekml.scoring.scores import Scores
from zeekml.table import Frame, Labels, Table

# How often, in connections of a stream, the cap on hosts is enforced: by lines and not by batches, so that
# the same log gives the same notices however it was cut.
CAP_EVERY = 65_536


class AlertEngine:
    """Alerting over any number of streams.

    The notices of a log do not depend on how it was cut into batches, nor on what comes after: a host's state
    goes by its own suspicious connections alone, and the cap on hosts acts at fixed connections of the
    stream.
    """

    def __init__(self, policy: AlertPolicy, classes: Sequence[str]) -> None:
        """``classes``: the bundle's, the first of which is Benign."""
        self._policy = policy
        self._classes = tuple(classes)
        self._streams: dict[str, _StreamState] = {}
        self.caps_acted = 0
        """Hosts forgotten because there were more than ``max_hosts``."""

    @property
    def hosts_held(self) -> int:
        """Suspicious hosts remembered now, over all streams."""
        return sum(len(state.hosts) for state in self._streams.values())

    def process(self, frame: Frame, scores: Scores, stream: str) -> Alerts:
        """Alerts of the next N connections of a stream, in log order."""
        policy, table = self._policy, Table.of(frame)
        above = scores.score >= policy.connection_threshold
        suspicious = np.flatnonzero(above | (scores.score >= policy.evidence_floor))
        suspicious = suspicious[policy.counts(table.part(suspicious), stream)]
        usual = np.zeros(len(suspicious))
        if len(policy.ordinary):
            usual = policy.ordinary.usual(table.part(suspicious), scores.score[suspicious])
        alerting = np.zeros(len(table), dtype=np.bool_)
        alerting[suspicious] = above[suspicious] & (scores.score[suspicious] > usual)

        state = self._streams.get(stream)
        if state is None:
            state = self._streams[stream] = _StreamState(policy, len(self._classes))
        notices: list[Notice] = []
        begin = 0
        while begin < len(table):
            end = min(len(table), begin + CAP_EVERY - (state.lines + begin) % CAP_EVERY)
            part = slice(*np.searchsorted(suspicious, (begin, end)))
            if len(suspicious[part]):
                notices += self._notices(state, table, scores, suspicious[part], usual[part])
            if (state.lines + end) % CAP_EVERY == 0:
                self.caps_acted += state.enforce(policy.max_hosts)
            begin = end
        state.lines += len(table)
        return Alerts(above, alerting, notices)

    def standing(self, stream: str, host: str, moment: float) -> Standing:
        """What is held against a host at ``moment`` (epoch s), which is no earlier than what was processed."""
        state = self._streams.get(stream)
        held = None if state is None else state.hosts.at(host, moment)
        if state is None or held is None:
            return Standing()
        slot, clock, evidence, excused = held
        carrying = state.carriers.at(slot)
        ledgers = ((CONNECTION_NOTE, state.connection), (HOST_NOTE, state.host))
        return Standing(
            {name: value for name, value in zip(self._classes, evidence.tolist(), strict=True) if value > 0},
            {
                (note, name): until
                for note, ledger in ledgers
                for name, until in zip(self._classes, ledger.until(slot).tolist(), strict=True)
                if until > clock
            },
            carrying.peers,
            carrying.ports,
            excused,
        )

    def end_stream(self, stream: str) -> None:
        """Forget a stream that has ended."""
        self._streams.pop(stream, None)

    def reload(self, policy: AlertPolicy) -> None:
        """Apply another policy's allowlist, baseline and thresholds from the next connection on; nothing remembered is
        lost, and times stay as they were."""
        self._policy = replace(
            self._policy,
            allowlist=policy.allowlist,
            ordinary=policy.ordinary,
            connection_threshold=policy.connection_threshold,
            host_threshold=policy.host_threshold,
        )

    def export(self) -> Arrays:
        """All that is carried from batch to batch, of every stream: compact copies, whatever may follow."""
        arrays = {"caps_acted": number(self.caps_acted), **under("streams", pack_texts(list(self._streams)))}
        for place, state in enumerate(self._streams.values()):
            arrays |= under(str(place), state.export())
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `export` gave, instead of what is held: the next batches give the notices they would have
        given there.

        Raises StateError when it does not fit the classes or was made by another zeekml; then nothing has changed.
        """
        caps_acted = int(taken(arrays, "caps_acted", number(0)))
        streams = {}
        for place, name in enumerate(unpack_texts(below("streams", arrays))):
            streams[name] = _StreamState(self._policy, len(self._classes))
            streams[name].restore(below(str(place), arrays))
        self._streams, self.caps_acted = streams, caps_acted

    def _notices(
        self, state: _StreamState, table: Table, scores: Scores, rows: Ints, usual: Floats
    ) -> list[Notice]:
        """Notices written with the suspicious connections ``rows`` (S,) of the batch, ascending; ``usual`` (S,): their
        usual scores. What is ordinary moves its host's clock, as it would without a baseline, and does nothing else."""
        policy = self._policy
        score, class_index = scores.score[rows], scores.class_index[rows]
        hosts = table.label("id.orig_h")[rows]
        weight = weigh(score, np.maximum(policy.evidence_floor, usual))
        excused = weigh(score, policy.evidence_floor) - weight
        update = state.hosts.update(
            state.slots(hosts),
            class_index,
            event_time=_event_time(table, rows),
            weight=weight,
            line=state.lines + rows,
            excused=excused,
        )
        order = update.order
        usual_evidence = policy.ordinary.usual_evidence(hosts)[order]
        rows, score, class_index, usual = rows[order], score[order], class_index[order], usual[order]
        weight = weight[order]
        odd: Bools = score > usual
        alerting = odd & (score >= policy.connection_threshold)

        alone, alone_n = state.connection.raise_due(
            update,
            candidate=alerting,
            candidate_class=class_index,
            counted=alerting,
            counted_class=class_index,
        )
        named, named_n = state.host.raise_due(
            update,
            candidate=odd
            & (update.whole >= policy.host_threshold)
            & (update.evidence >= odd_threshold(policy.host_threshold, usual_evidence)),
            candidate_class=update.leading,
            counted=odd & (score >= policy.evidence_floor),
            counted_class=class_index,
        )
        ordinary = np.minimum(update.whole - update.evidence + usual_evidence, update.whole)
        peers, ports = _peers(table, rows), _ports(table, rows)
        carrying = state.carriers.follow(update, weight, peers, ports, union(alone, named))

        def notice(at: int, note: str, kind: int, n: int, evidence: float | None) -> Notice:
            held = carrying[at]
            return Notice(
                int(rows[at]),
                note,
                self._classes[kind],
                float(score[at]),
                n,
                evidence,
                policy.suppress_for,
                # A connection below the floor carries none: then it speaks for itself.
                peers=held.peers or (peers[at],),
                ports=held.ports or (ports[at],),
                usual=float(usual[at] if evidence is None else ordinary[at]),
            )

        found = [
            notice(at, CONNECTION_NOTE, kind, n, None)
            for at, kind, n in _lists(alone, class_index[alone], alone_n)
        ]
        found += [
            notice(at, HOST_NOTE, kind, n, evidence)
            for at, kind, n, evidence in _lists(named, update.leading[named], named_n, update.whole[named])
        ]
        return sorted(found, key=lambda notice: (notice.row, notice.note))


class _StreamState:
    """One stream: its hosts' evidence, what was noticed of them, and how many connections it has had."""

    def __init__(self, policy: AlertPolicy, classes: int) -> None:
        self.lines = 0
        self.hosts = HostEvidence(classes, policy.half_life, policy.forget_after)
        self.carriers = Carriers(policy.half_life)
        self.connection = Ledger(self.hosts.capacity, classes, policy.suppress_for)
        self.host = Ledger(self.hosts.capacity, classes, policy.suppress_for)

    def slots(self, hosts: Labels) -> Ints:
        """The slot of each row's host (N,), new hosts among them given theirs."""
        codes, place = _distinct(hosts)
        before = self.hosts.capacity
        slots = self.hosts.slots(hosts.texts[codes].tolist())
        if self.hosts.capacity != before:
            self._resize(np.arange(before))
        return slots[place]

    def enforce(self, max_hosts: int) -> int:
        """Forget the hosts above the cap, those longest without a suspicious connection; gives their number."""
        held = len(self.hosts)
        kept = self.hosts.keep_latest(max_hosts)
        if kept is not None:
            self._resize(kept)
            self.carriers.keep(kept)
        return held - len(self.hosts)

    def export(self) -> Arrays:
        """Everything remembered of the stream, as copies."""
        held = len(self.hosts)
        return {
            "lines": number(self.lines),
            **under("evidence", self.hosts.export()),
            **under("carriers", self.carriers.export(held)),
            **under("connection", self.connection.export(held)),
            **under("host", self.host.export(held)),
        }

    def restore(self, arrays: Arrays) -> None:
        """Remember what `export` gave, and nothing else. Raises StateError."""
        self.lines = int(taken(arrays, "lines", number(0)))
        self.hosts.restore(below("evidence", arrays))
        self.carriers.restore(below("carriers", arrays), len(self.hosts))
        for name, ledger in (("connection", self.connection), ("host", self.host)):
            ledger.restore(below(name, arrays), len(self.hosts), self.hosts.capacity)

    def _resize(self, kept: Ints) -> None:
        for ledger in (self.connection, self.host):
            ledger.resize(kept, self.hosts.capacity)


def _event_time(table: Table, rows: Ints) -> Floats:
    """When each connection ended: ts + duration, an unset duration counting 0; (S,) seconds."""
    duration = np.nan_to_num(table.number("duration")[rows], nan=0.0)
    return np.asarray(table.number("ts")[rows] + duration)


def _distinct(labels: Labels) -> tuple[Ints, Ints]:
    """The codes that occur among set labels (D,), ascending, and the place of each row's among them (N,)."""
    occurs = np.bincount(labels.codes, minlength=len(labels.texts)) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[labels.codes]


def _peers(table: Table, rows: Ints) -> Named:
    """The responder of each row (S,)."""
    responders = table.label("id.resp_h")[rows]
    distinct, place = _distinct(responders)
    return Named.by([name[:LONGEST] for name in responders.texts[distinct].tolist()], place)


def _ports(table: Table, rows: Ints) -> Named:
    """The responder's port of each row (S,), as ``23/tcp``; for ICMP, which has none, the protocol."""
    labels = table.label("proto")
    protos = [proto[:LONGEST] for proto in labels.texts]
    port = table.port("id.resp_p")[rows].astype(np.int64)
    distinct, place = np.unique(labels.codes[rows].astype(np.int64) << 16 | port, return_inverse=True)
    words = [port_text(code & 0xFFFF, protos[code >> 16]) for code in distinct.tolist()]
    return Named.by(words, place)


def _lists(*arrays: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Element by element, as Python's own numbers."""
    return zip(*(array.tolist() for array in arrays), strict=True)
