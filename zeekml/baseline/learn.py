"""Puts a baseline together from what was gathered. Pure: the hour and the names come from the caller."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from zeekml.alerts.ordinary import Ordinary, Peer
from zeekml.alerts.policy import AlertPolicy
from zeekml.baseline.content import FORMAT, Baseline
from zeekml.baseline.file import sealed
from zeekml.baseline.gather import PAIR, Gathered
from zeekml.baseline.known import evenly, proposals
from zeekml.baseline.thresholds import crossed, thresholds
from zeekml.baseline.usual import Asked, Trust, Words, evidence_by_day, learnable, ordinary_of, trust

LISTED: Final = 20
"""Peers and ports of a host that are listed, those with a usual score beside them."""
_DAY: Final = 86_400.0


def learn(
    gathered: Gathered,
    policy: AlertPolicy,
    asked: Asked,
    words: Words,
    *,
    model: Mapping[str, str],
    logs: int,
    made: float,
    version: str,
) -> Baseline:
    """The baseline of a site. ``policy`` has the model's own thresholds; ``model`` says its ``name``, ``version`` and
    ``weights_sha256``; ``made`` is now (epoch s), ``version`` zeekml's own. ``gathered`` holds a connection at least.
    """
    rows, pairs = gathered.suspicious, gathered.pairs
    given = trust(gathered, rows, policy, asked, words)
    ordinary = ordinary_of(rows, given)
    found = crossed(rows, given, policy)
    usual = found.usual_evidence(given, policy)
    span = (gathered.last - gathered.first) / _DAY
    content = {
        "format": FORMAT,
        "about": {
            "made": _moment(made),
            "zeekml": version,
            "first": _moment(gathered.first),
            "last": _moment(gathered.last),
            "days": round(span, 4),
            "logs": logs,
            "connections": gathered.connections,
            "hosts": int(pairs["id.orig_h"].nunique()),
            "suspicious": gathered.suspicious_of.total(),
            "benign_verdicts": len(words.benign),
            "malicious_verdicts": len(words.malicious),
        },
        "model": dict(model),
        "rules": {
            "false_alerts_per_day": asked.false_alerts_per_day,
            "sure_score": asked.sure_score,
            "sure_connections": asked.sure_connections,
            "excluded": [str(network) for network in asked.exclude.members],
        },
        "thresholds": thresholds(found, span, policy, asked).model_dump(),
        "look_at": _look_at(rows, given),
        "left_out": [{"host": host, "why": why} for host, why in sorted(given.left_out.items())],
        "never": _never(pairs, given),
        "proposed_allowlist": [proposal.model_dump() for proposal in proposals(pairs)],
        "shared": _shared(rows, ordinary, given),
        "hosts": _hosts(gathered, rows, pairs, ordinary, usual, given, policy),
    }
    return sealed(content)


def _look_at(rows: pd.DataFrame, given: Trust) -> list[dict[str, Any]]:
    found = []
    for host, evidence in sorted(given.named.items(), key=lambda item: -item[1]):
        if host in given.left_out:
            continue
        mine = rows[(rows["id.orig_h"] == host).to_numpy(dtype=bool)]
        top = mine.groupby(["id.resp_p", "proto", "conn_state"], observed=True)["score"].agg(["size", "max"])
        lines = [
            f"{int(size):,} connections to {port}/{proto}, {state}, scores up to {most:.3f}"
            for (port, proto, state), size, most in top.nlargest(3, "size").itertuples(name=None)
        ]
        found.append({"host": host, "evidence": round(evidence, 1), "top": lines})
    return found


def _never(pairs: pd.DataFrame, given: Trust) -> list[dict[str, Any]]:
    """Those that a host which was learned from talks to: the others would not be in the file anyhow."""
    kept = pairs[~pairs["id.orig_h"].isin(list(given.left_out))]
    used = set(kept[list(PAIR[1:])].itertuples(index=False, name=None))
    return [
        {"peer": peer, "port": f"{port}/{proto}", "why": why}
        for (peer, port, proto), why in sorted(given.never.items())
        if (peer, port, proto) in used or why.startswith("an analyst")
    ]


def _shared(rows: pd.DataFrame, ordinary: Ordinary, given: Trust) -> list[dict[str, Any]]:
    hosts = learnable(rows, given).groupby(list(PAIR[1:]), observed=True)["id.orig_h"].nunique()
    return [
        {"peer": key[0], "port": f"{key[1]}/{key[2]}", "hosts": int(hosts[key]), "usual_score": score}
        for key, score in sorted(ordinary.shared.items())
    ]


def _hosts(
    gathered: Gathered,
    rows: pd.DataFrame,
    pairs: pd.DataFrame,
    ordinary: Ordinary,
    usual: Mapping[str, float],
    given: Trust,
    policy: AlertPolicy,
) -> list[dict[str, Any]]:
    days = evidence_by_day(rows, Ordinary(), policy)
    days = days[days["evidence"] > 0]
    by_day = {
        str(host): {
            _day(day): round(evidence, 1) for day, evidence in zip(mine["day"], mine["evidence"], strict=True)
        }
        for host, mine in days.groupby("host")
    }
    pairs = pairs.assign(even=evenly(pairs))
    table = {str(host): mine for host, mine in pairs.groupby("id.orig_h", sort=True)}
    peers_of = _by_host(ordinary.peers)
    failing_of = _by_host(ordinary.failing)  # type: ignore[arg-type]  # keys that begin with the host, too
    found = []
    for host in sorted({*table, *peers_of} - {*given.left_out} | {*peers_of}):
        mine = table.get(host, pairs.iloc[:0])
        peers = _peers(mine, peers_of.get(host, {}))
        listed = min(len(mine), sum(peer["connections"] > 0 for peer in peers))
        found.append(
            {
                "host": host,
                "connections": int(mine["connections"].sum()),
                "suspicious": gathered.suspicious_of[host],
                "usual_evidence": usual.get(host, 0.0),
                "evidence_by_day": by_day.get(host, {}),
                "peers": peers,
                "more_peers": len(mine) - listed,
                "ports": _ports(mine, failing_of.get(host, {})),
            }
        )
    return found


def _by_host(scores: Mapping[Peer, float]) -> dict[str, dict[tuple[Any, ...], float]]:
    found: dict[str, dict[tuple[Any, ...], float]] = {}
    for (host, *key), score in scores.items():
        found.setdefault(host, {})[tuple(key)] = score
    return found


def _peers(mine: pd.DataFrame, scores: Mapping[tuple[Any, ...], float]) -> list[dict[str, Any]]:
    """The peers of a host: those with a usual score, then those with the most connections."""
    keys = list(mine[list(PAIR[1:])].itertuples(index=False, name=None))
    order = sorted(range(len(keys)), key=lambda at: (-int(mine["connections"].iloc[at]), keys[at]))
    chosen = [at for at in order if keys[at] in scores]
    chosen += [at for at in order if keys[at] not in scores][: max(0, LISTED - len(chosen))]
    found = []
    for at in chosen:
        line = mine.iloc[at]
        found.append(
            {
                "peer": line["id.resp_h"],
                "port": f"{line['id.resp_p']}/{line['proto']}",
                "connections": int(line["connections"]),
                "failed": int(line["failed"]),
                "first": _moment(line["first"]),
                "last": _moment(line["last"]),
                "every": round(float(line["every"]), 1) if line["even"] else None,
                "usual_score": scores.get(keys[at]),
            }
        )
    for peer, port, proto in sorted(scores.keys() - {*keys}):  # from an analyst's word alone
        nothing = {"connections": 0, "failed": 0, "first": _moment(0), "last": _moment(0), "every": None}
        score = scores[peer, port, proto]
        found.append({"peer": peer, "port": f"{port}/{proto}", **nothing, "usual_score": score})
    return found


def _ports(mine: pd.DataFrame, scores: Mapping[tuple[Any, ...], float]) -> list[dict[str, Any]]:
    """The ports of a host: those with a usual score, then those with the most connections."""
    by_port = mine.groupby(["id.resp_p", "proto"]).agg(
        connections=("connections", "sum"), failed=("failed", "sum"), peers=("id.resp_h", "nunique")
    )
    lines = sorted(by_port.itertuples(name=None), key=lambda line: (line[0] not in scores, -line[1], line[0]))
    return [
        {
            "port": f"{key[0]}/{key[1]}",
            "connections": int(connections),
            "failed": int(failed),
            "peers": int(peers),
            "usual_score": scores.get(key),
        }
        for number, (key, connections, failed, peers) in enumerate(lines)
        if key in scores or number < LISTED
    ]


def _moment(epoch: float) -> str:
    """As ISO 8601 in UTC, to the second; a log may say anything."""
    try:
        return datetime.fromtimestamp(math.floor(epoch), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat()


def _day(day: int) -> str:
    return _moment(day * _DAY)[:10]
