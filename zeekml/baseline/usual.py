"""Which hosts a baseline may be learned from, and which scores are usual for what. Pure.

Nothing is learned of a host of which the model is sure, nor of one that was left out by hand. Of a host that the model
would have named by its own threshold, only what cannot be the way to a controller: peers that other hosts use as well,
and connections that came to nothing. A peer to which the model was sure of a connection is ordinary for nobody.

Ordinary is what recurs: all of it has to be there on two days at least, so that what happened once is not usual.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from zeekml.addresses import Networks
from zeekml.alerts.evidence import HostEvidence, weigh
from zeekml.alerts.ordinary import NOTHING_CAME, Ordinary, Peer, Shared
from zeekml.alerts.policy import AlertPolicy
from zeekml.baseline.gather import PAIR, Gathered
from zeekml.categories import by_category
from zeekml.feedback import BENIGN, UNKNOWN

SHARED_BY: Final = 3
"""Hosts that must use a peer before it is ordinary for any."""
FAILING_PEERS: Final = 5
"""Peers that connections of a host to a port must have come to nothing with, before that is ordinary."""
ON_DAYS: Final = 2
"""Days (UTC) on which suspicious connections of a kind must have come, before they are ordinary."""
_DIGITS: Final = 4
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a baseline is to be learned by. ``lowest``: evidence (nats) that the host threshold may fall to, None: not
    below the model's own."""

    false_alerts_per_day: float = 1.0
    sure_score: float = 0.999
    sure_connections: int = 3
    exclude: Networks = field(default_factory=Networks)
    lowest: float | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What analysts said: ``benign`` connections with their scores, and ``malicious`` ones."""

    benign: Mapping[Peer, float] = field(default_factory=dict)
    malicious: frozenset[Peer] = frozenset()

    @classmethod
    def of(cls, verdicts: Iterable[Mapping[str, str]]) -> Words:
        """The words in rows of a table of verdicts; one about a pair that is malicious weighs more than benign ones."""
        benign, malicious = dict[Peer, float](), set[Peer]()
        for row in verdicts:
            if not row["id.resp_p"].isdigit() or row["corrected"] == UNKNOWN:
                continue
            pair = (row["id.orig_h"], row["id.resp_h"], int(row["id.resp_p"]), row["proto"])
            if row["corrected"] == BENIGN:
                benign[pair] = max(benign.get(pair, 0.0), _number(row["score"]))
            else:
                malicious.add(pair)
        return cls(
            {pair: score for pair, score in benign.items() if pair not in malicious}, frozenset(malicious)
        )


@dataclass(frozen=True, slots=True)
class Trust:
    """Who and what is learned from.

    ``left_out``: hosts, with why. ``named``: hosts that the model would have named by its own threshold, with their
    most evidence. ``never``: peers that are ordinary for nobody, with why. ``never_failing``: host, port and protocol.
    """

    sure_score: float
    left_out: Mapping[str, str]
    named: Mapping[str, float]
    never: Mapping[Shared, str]
    never_failing: frozenset[tuple[str, int, str]]
    words: Words


def trust(gathered: Gathered, rows: pd.DataFrame, policy: AlertPolicy, asked: Asked, words: Words) -> Trust:
    """Decide who is learned from; ``rows``: the suspicious connections, ``policy`` has the model's own thresholds."""
    sure = rows[rows["score"] >= np.float32(asked.sure_score)]
    left_out = {
        host: f"the model is sure of {count:,} of its connections"
        for host, count in gathered.sure_hosts.items()
        if count >= asked.sure_connections
    }
    hosts = pd.Index([*dict.fromkeys([*gathered.suspicious_of, *left_out])], dtype="str")
    left_out |= dict.fromkeys(hosts[asked.exclude.contains(hosts)], "left out by --exclude")
    for host, *_ in words.malicious:
        left_out.setdefault(host, "an analyst called one of its connections malicious")
    most = evidence_by_day(rows, Ordinary(), policy).groupby("host")["evidence"].max()
    never = {
        peer: f"the model is sure of a connection of {host}" for peer, host in gathered.sure_peers.items()
    }
    never |= dict.fromkeys((pair[1:] for pair in words.malicious), "an analyst called it malicious")
    ports = sure[["id.orig_h", "id.resp_p", "proto"]].drop_duplicates().itertuples(index=False, name=None)
    return Trust(
        asked.sure_score,
        left_out,
        {str(host): float(value) for host, value in most.items() if value >= policy.host_threshold},
        never,
        frozenset((str(host), int(port), str(proto)) for host, port, proto in ports),
        words,
    )


def learnable(rows: pd.DataFrame, given: Trust) -> pd.DataFrame:
    """The suspicious connections that may be ordinary."""
    kept = rows["score"].to_numpy() < np.float32(given.sure_score)
    kept &= ~by_category(rows["id.orig_h"], lambda names: names.isin(list(given.left_out)))
    never = pd.MultiIndex.from_tuples(list(given.never), names=PAIR[1:]) if given.never else None
    if never is not None and len(rows):
        kept &= ~pd.MultiIndex.from_frame(rows[list(PAIR[1:])].astype({"proto": str, "id.resp_h": str})).isin(
            never
        )
    return rows[kept]


def ordinary_of(rows: pd.DataFrame, given: Trust) -> Ordinary:
    """What is usual by these suspicious connections; usual evidence is left open."""
    taken = learnable(rows, given)
    taken = taken.assign(day=np.floor(taken["time"] / _DAY))
    own = taken[~by_category(taken["id.orig_h"], lambda names: names.isin(list(given.named)))]
    failed = taken[by_category(taken["conn_state"], lambda states: states.isin(NOTHING_CAME))]
    peers = _recurring(own, PAIR)
    shared = _recurring(taken, PAIR[1:], ("id.orig_h", SHARED_BY))
    failing = _recurring(failed, ("id.orig_h", "id.resp_p", "proto"), ("id.resp_h", FAILING_PEERS))
    return Ordinary(
        peers | _benign(rows, given),
        shared,
        {key: score for key, score in failing.items() if key not in given.never_failing},
        sure=given.sure_score,
    )


def _recurring(
    rows: pd.DataFrame, by: tuple[str, ...], among: tuple[str, int] | None = None
) -> dict[Any, float]:
    """The highest score of each kind, rounded up, for those that came on days enough, and with as many different values
    of a column as ``among`` says."""
    groups = rows.groupby(list(by), observed=True)
    enough = groups["day"].nunique() >= ON_DAYS
    if among is not None:
        enough &= groups[among[0]].nunique() >= among[1]
    return {key: _up(score) for key, score in groups["score"].max()[enough].items()}


def _benign(rows: pd.DataFrame, given: Trust) -> dict[Peer, float]:
    """What analysts called benign: ordinary up to the score that it had, whatever the model said of it."""
    words = given.words.benign
    if not words:
        return {}
    most = rows.groupby(list(PAIR), observed=True)["score"].max().to_dict()
    return {
        pair: _up(max(score, most.get(pair, 0.0)))
        for pair, score in words.items()
        if score > 0 or pair in most
    }


def evidence_by_day(rows: pd.DataFrame, ordinary: Ordinary, policy: AlertPolicy) -> pd.DataFrame:
    """The most evidence (nats) of each host and day (UTC), and the highest score of what is not ordinary.

    Columns: ``host``, ``day`` (days since 1970), ``evidence`` (of what is not ordinary), ``whole`` (as the model alone
    has it), ``score``. Hosts start with nothing in every stream.
    """
    score = rows["score"].to_numpy()
    usual = ordinary.usual(rows, score)
    hosts, names = pd.factorize(rows["id.orig_h"].astype("object"))
    slots = pd.factorize(hosts + len(names) * rows["stream"].cat.codes.to_numpy().astype(np.int64))[0]
    evidence = HostEvidence(
        int(rows["class_index"].max()) + 1 if len(rows) else 1, policy.half_life, policy.forget_after
    )
    evidence.slots([str(slot) for slot in range(slots.max(initial=-1) + 1)])
    weight = weigh(score, np.maximum(policy.evidence_floor, usual))
    update = evidence.update(
        slots.astype(np.int64),
        rows["class_index"].to_numpy(dtype=np.int64),
        rows["time"].to_numpy(dtype=np.float64),
        weight,
        np.arange(len(rows)),
        excused=weigh(score, policy.evidence_floor) - weight,
    )
    order = update.order
    table = pd.DataFrame(
        {
            "host": names.to_numpy()[hosts[order]] if len(rows) else np.empty(0, dtype=object),
            "day": np.floor(update.clock / _DAY).astype(np.int64),
            "evidence": update.evidence,
            "whole": update.whole,
            "score": np.where(score > usual, score, 0.0)[order].astype(np.float64),
        }
    )
    return table.groupby(["host", "day"], as_index=False).max()


def _up(score: float) -> float:
    """Rounded up, so that a score is not above what is usual by its last digits, which depend on the machine."""
    return min(1.0, math.ceil(float(score) * 10**_DIGITS) / 10**_DIGITS)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 < value <= 1 else 0.0
