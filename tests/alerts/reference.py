"""The rules of alerting written down once more, one connection at a time, to hold the engine against."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from tests.alerts.logs import CLASSES
from zeekml.alerts import CONNECTION_NOTE, HOST_NOTE, AlertPolicy, Notice
from zeekml.scoring.scores import Scores


@dataclass
class Host:
    clock: float = -math.inf
    evidence: dict[int, float] = field(default_factory=dict)
    until: dict[tuple[str, int], float] = field(default_factory=dict)
    count: dict[tuple[str, int], int] = field(default_factory=dict)


def notices_of(policy: AlertPolicy, frame: pd.DataFrame, scores: Scores) -> list[Notice]:
    hosts: dict[str, Host] = {}
    counts = policy.counts(frame, "conn")
    found: list[Notice] = []
    for i in range(len(frame)):
        score, kind = float(scores.score[i]), int(scores.class_index[i])
        above = bool(scores.score[i] >= policy.connection_threshold)  # both in float32, as scores are
        counted = bool(scores.score[i] >= policy.evidence_floor)
        if not counts[i] or not (above or counted):
            continue
        duration = frame["duration"].iloc[i]
        time = float(frame["ts"].iloc[i]) + (0.0 if math.isnan(duration) else float(duration))
        name = str(frame["id.orig_h"].iloc[i])
        host = hosts.setdefault(name, Host())
        clock = max(host.clock, time)
        if clock - host.clock > policy.forget_after:
            host = hosts[name] = Host(clock)
        for each in host.evidence:
            host.evidence[each] *= 2 ** (-(clock - host.clock) / policy.half_life)
        host.clock = clock
        weight = min(8.0, max(0.0, _logit(score) - _logit(policy.evidence_floor)))
        host.evidence[kind] = host.evidence.get(kind, 0.0) + weight

        if above:
            key = (CONNECTION_NOTE, kind)
            host.count[key] = host.count.get(key, 0) + 1
            if clock >= host.until.get(key, -math.inf):
                found.append(_notice(i, key, score, host.count.pop(key), None, policy))
                host.until[key] = clock + policy.suppress_for
        if counted:
            host.count[HOST_NOTE, kind] = host.count.get((HOST_NOTE, kind), 0) + 1
        evidence = round(sum(host.evidence.values()), 9)
        leading = min(host.evidence, key=lambda each: (-round(host.evidence[each], 9), each))
        key = (HOST_NOTE, leading)
        if evidence >= policy.host_threshold and clock >= host.until.get(key, -math.inf):
            n = host.count.pop(key, 0) + (leading != kind or not counted)
            found.append(_notice(i, key, score, n, evidence, policy))
            host.until[key] = clock + policy.suppress_for
    return found


def _notice(
    row: int, key: tuple[str, int], score: float, n: int, evidence: float | None, policy: AlertPolicy
) -> Notice:
    return Notice(row, key[0], CLASSES[key[1]], score, n, evidence, policy.suppress_for)


def _logit(p: float) -> float:
    return math.inf if p == 1.0 else math.log(p) - math.log1p(-p)
