"""The rules side by side: the one in bold is what alerting does, and each loses whom it should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baseline import host_notices
from benchmarks.baseline_rules import RULES, Held, counted, named, page
from tests.alerts.logs import CLASSES, frame_of, scores_of
from tests.baseline.made import POLICY
from tests.benchmarks.sites import made_logs, random_lines
from tests.builders import tiny_bundle
from zeekml.alerts import Ordinary
from zeekml.scoring import load_bundle

(HOLDS,) = (rule for rule in RULES if rule.startswith("**"))
ODD = "the odd part reaches the threshold"
HALF = "all reaches the threshold, the odd part half of it"
FULL = "the same, with all of the usual evidence above the half"
THIRD = "all reaches the threshold, the odd part a third of it, and half of the usual evidence"
ALL = frozenset(RULES)


@pytest.mark.parametrize(
    ("everything", "odd", "usual", "holding"),
    [
        (12.0, 12.0, 0.0, ALL),
        (11.9, 11.9, 0.0, frozenset[str]()),
        (12.0, 12.0, 1.0, ALL - {f"{ODD} and the usual evidence",
                                 "all reaches the threshold and the usual evidence, and half of all is odd"}),
        (12.0, 6.0, 0.0, frozenset((
            HALF, HOLDS, FULL, THIRD,
            "all reaches the threshold and the usual evidence, and half of all is odd"))),
        (12.0, 7.4, 3.0, frozenset((HALF, THIRD))),
        (12.0, 7.5, 3.0, frozenset((HALF, HOLDS, THIRD))),
        (12.0, 9.0, 3.0, frozenset((HALF, HOLDS, FULL, THIRD))),
        (96.0, 0.0, 0.0, frozenset((
            "it does, with an eighth of what is ordinary", "it does, with half of what is ordinary"))),
    ],
)  # fmt: skip
def test_what_each_rule_asks_for(
    everything: float, odd: float, usual: float, holding: frozenset[str]
) -> None:
    held = Held(np.array([everything]), np.array([odd]), np.array([usual]), 12.0)
    assert {rule for rule, holds in RULES.items() if holds(held)[0]} == holding


@pytest.mark.parametrize("seed", range(6))
def test_the_rule_in_bold_names_whom_alerting_names(seed: int) -> None:
    lines = random_lines(seed)
    frame, scores = frame_of([row for _, row in lines]), scores_of([score for score, _ in lines])
    ordinary = Ordinary(
        peers={("10.0.0.1", "203.0.113.1", 443, "tcp"): 0.9},
        shared={("203.0.113.2", 443, "tcp"): 0.85},
        failing={("10.0.0.2", 23, "tcp"): 0.97, ("10.0.0.3", 443, "tcp"): 0.85},
        evidence={"10.0.0.1": 2.0, "10.0.0.3": 9.0},
    )
    limit = (4.0, 12.0, 30.0)[seed % 3]
    policy = replace(POLICY, host_threshold=limit, ordinary=ordinary)
    found = named(frame, scores, policy, ordinary, limit)
    assert found[HOLDS] == set(host_notices(frame, scores, policy, CLASSES))
    alone = replace(policy, ordinary=Ordinary())
    without = set(host_notices(frame, scores, alone, CLASSES))
    assert named(frame, scores, alone, Ordinary(), limit)[ODD] == without
    assert all(hosts <= without for hosts in found.values())


def test_each_rule_loses_whom_it_should(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny"))
    found = counted(made_logs(), bundle, POLICY)
    assert found["none"] == {"named": 1, "hidden": 2, "own": 2}
    assert {rule: each["named"] for rule, each in found.items() if rule != "none"} == dict.fromkeys(RULES, 0)
    # The bot with the habit alone does nothing that is odd; of the mixed one two sevenths of all are, 6.5 nats of 23.
    assert {rule: each["own"] for rule, each in found.items() if rule != "none"} == dict.fromkeys(RULES, 1)
    kept = {rule for rule in RULES if found[rule]["hidden"] == 1}
    assert kept == {HALF, HOLDS, FULL, THIRD, "it does, with half of what is ordinary"}
    assert {found[rule]["hidden"] for rule in ALL - kept} == {2}
    head, _, without, *lines = page({"as they are": found}, "tiny 1").splitlines()[4:]
    assert head == "| a host is named when | as they are |"
    assert without == "| without a baseline | 1 / 2 / 2 |"
    assert lines[0] == f"| {ODD} and the usual evidence | 0 / -2 / -1 |"
    assert f"| {HOLDS} | 0 / -1 / -1 |" in lines


def test_where_nothing_is_suspicious_nobody_is_named() -> None:
    lines = random_lines(0, 0)
    frame, scores = frame_of([row for _, row in lines]), scores_of([])
    assert named(frame, scores, POLICY, Ordinary(), 10.0) == {rule: set() for rule in RULES}
