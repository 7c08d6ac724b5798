"""Ways in which a baseline could bear on who is named, side by side: clean hosts named, infected ones lost.

The same logs, halves and places as in `benchmarks.baseline`, but the rule by which a host is named is each of some in
turn, worked out from the evidence that the model alone has and from what of it is not ordinary. Writes a table into a
page, between two marks of its own::

    python benchmarks/baseline_rules.py --data zeek/ --document docs/baseline.md
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # however it is started

from benchmarks.baseline_logs import (
    Log,
    baseline_of,
    by_group,
    cells,
    changes,
    command,
    laid_on,
    levels,
    ordinary_hosts,
)
from zeekml import __version__
from zeekml.alerts import AlertPolicy, Ordinary
from zeekml.alerts.evidence import HostEvidence, weigh
from zeekml.alerts.policy import DECIDING
from zeekml.scoring import Bundle
from zeekml.scoring.scores import Scores
from zeekml.table import Table

MARKS = ("<!-- rules: begin -->", "<!-- rules: end -->")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Held:
    """What is held against hosts when each of N connections has come: all of it as the model alone has it, the odd part
    of it, and the host's usual evidence, (N,) nats each; and the host threshold."""

    all: Floats
    odd: Floats
    usual: Floats
    limit: float

    def reach(self, share: float, usual: float = 0.5) -> Bools:
        """Where all of it reaches the threshold, and the odd part a share of it and one of what is usual above that."""
        least = np.minimum(share * self.limit + usual * self.usual, self.limit)
        return (self.all >= self.limit) & (self.odd >= least)


RULES: Final[Mapping[str, Callable[[Held], Bools]]] = {
    "the odd part reaches the threshold and the usual evidence": lambda held: (
        held.odd >= held.limit + held.usual
    ),
    "the odd part reaches the threshold": lambda held: held.odd >= held.limit,
    "it does, with an eighth of what is ordinary": lambda held: (held.all + 7 * held.odd) / 8 >= held.limit,
    "it does, with half of what is ordinary": lambda held: (held.all + held.odd) / 2 >= held.limit,
    "all reaches the threshold and the usual evidence, and half of all is odd": lambda held: (
        (held.all >= held.limit + held.usual) & (held.odd >= held.all / 2)
    ),
    "all reaches the threshold, the odd part two thirds of it, and half of the usual evidence": lambda held: (
        held.reach(2 / 3)
    ),
    "all reaches the threshold, the odd part half of it": lambda held: held.reach(1 / 2, usual=0),
    "**the same, with half of the usual evidence above the half**": lambda held: held.reach(1 / 2),
    "the same, with all of the usual evidence above the half": lambda held: held.reach(1 / 2, usual=1),
    "all reaches the threshold, the odd part a third of it, and half of the usual evidence": lambda held: (
        held.reach(1 / 3)
    ),
}


def named(
    frame: pd.DataFrame, scores: Scores, policy: AlertPolicy, ordinary: Ordinary, limit: float
) -> dict[str, set[str]]:
    """The hosts that each rule names."""
    kept = np.flatnonzero(
        (scores.score >= policy.evidence_floor) & policy.counts(frame.loc[:, list(DECIDING)], "log")
    )
    frame, score = frame.iloc[kept], scores.score[kept]
    if not len(frame):
        return {rule: set() for rule in RULES}
    usual = ordinary.usual(frame, score)
    weight = weigh(score, np.maximum(policy.evidence_floor, usual))
    hosts, names = pd.factorize(frame["id.orig_h"].astype(str))
    held = HostEvidence(int(scores.class_index.max()) + 1, policy.half_life, policy.forget_after)
    update = held.update(
        held.slots(list(names))[hosts],
        scores.class_index[kept],
        (frame["ts"] + frame["duration"].fillna(0.0)).to_numpy(dtype=np.float64),
        weight,
        kept,
        excused=weigh(score, policy.evidence_floor) - weight,
    )
    against = Held(
        update.whole,
        update.evidence,
        ordinary.usual_evidence(Table.of(frame).label("id.orig_h"))[update.order],
        limit,
    )
    odd = (score > usual)[update.order]
    hosts = hosts[update.order]
    return {
        rule: {names[at] for at in np.unique(hosts[odd & holds(against)]).tolist()}
        for rule, holds in RULES.items()
    }


def counted(logs: Sequence[Log], bundle: Bundle, policy: AlertPolicy) -> dict[str, Counter[str]]:
    """By rule: clean hosts ``named``, infected hosts ``hidden`` by a clean site's baseline, or ``own``: by the one of
    the first half of their own log. Beside the rules ``none``: without a baseline."""
    found = {rule: Counter[str]() for rule in ("none", *RULES)}
    baselines = {group: baseline_of(mine, bundle, policy) for group, mine in by_group(logs).items()}
    own_limit, nothing = policy.host_threshold, Ordinary()

    def without(frame: pd.DataFrame, scores: Scores) -> set[str]:
        return named(frame, scores, policy, nothing, own_limit)[next(iter(RULES))]

    for group, mine in by_group(logs).items():
        limit, ordinary = baselines[group].thresholds.host.value, baselines[group].ordinary()
        for log in mine:
            part = log.part(log.halves[1])
            found["none"]["named"] += len(without(*part))
            for rule, hosts in named(*part, policy, ordinary, limit).items():
                found[rule]["named"] += len(hosts)
    places = [
        (each.ordinary(), each.thresholds.host.value, host)
        for each in baselines.values()
        if changes(each)
        for host in ordinary_hosts(each)
    ]
    for log in (log for log in logs if log.infected):
        second, own = log.part(log.halves[1]), baseline_of([log], bundle, policy)
        after = named(*second, policy, own.ordinary(), own.thresholds.host.value)
        late = without(*second) & {*log.infected}
        found["none"]["own"] += len(late)
        for rule, hosts in after.items():
            found[rule]["own"] += len(late - hosts)
        for infected in log.infected:
            if not without(*laid_on(log, infected, infected)):
                continue
            found["none"]["hidden"] += 1
            lost = {
                rule
                for ordinary, limit, host in places
                for rule, hosts in named(*laid_on(log, infected, host), policy, ordinary, limit).items()
                if not hosts
            }
            for rule in lost:
                found[rule]["hidden"] += 1
    return found


def tried(logs: Sequence[Log], bundle: Bundle, own: AlertPolicy) -> str:
    """Every rule at every level, in Markdown."""
    found = {words: counted(logs, bundle, policy) for words, policy in levels(own)}
    return page(found, f"{bundle.name} {bundle.version}")


def page(found: Mapping[str, Mapping[str, Counter[str]]], model: str) -> str:
    """The table, in Markdown."""
    head = ["a host is named when", *found]
    lines = [
        [
            "without a baseline",
            *(
                f"{each['none']['named']} / {each['none']['hidden']} / {each['none']['own']}"
                for each in found.values()
            ),
        ]
    ]
    for rule in RULES:
        each = [level[rule] for level in found.values()]
        lines.append([rule, *(f"{one['named']} / -{one['hidden']} / -{one['own']}" for one in each)])
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(
        [
            f"Written by `python benchmarks/baseline_rules.py` with zeekml {__version__} and {model}. In each cell:",
            "clean hosts named; infected hosts found, or lost after a clean site's baseline; those found in their",
            "second halves, or lost after their first. The rule in bold holds.",
            "",
            *(cells(*row) for row in rows),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    return command(__doc__, tried, MARKS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
