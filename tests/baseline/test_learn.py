"""What a baseline learns, and what it never does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.baseline.made import DAY, POLICY, Line, gathered, learned, line, week
from zeekml.addresses import Networks
from zeekml.alerts.ordinary import odd_threshold
from zeekml.baseline.thresholds import MOST, MOST_USUAL, Crossed
from zeekml.baseline.usual import Asked, Words

BOT = "10.0.0.66"
CONTROLLER = "203.0.113.66"


def test_a_peer_that_recurs_is_ordinary_up_to_its_score() -> None:
    baseline = learned([*week(0.9), line(DAY * 2.5, 0.93, "10.0.0.5", "198.51.100.7")])
    # Rounded up to four digits: a score is float32, and 0.93 there is a little more than 0.93.
    assert baseline.ordinary().peers == {("10.0.0.5", "198.51.100.7", 443, "tcp"): 0.9301}
    (host,) = baseline.hosts
    assert [(peer.peer, peer.usual_score) for peer in host.peers] == [
        ("198.51.100.7", 0.9301),
        ("198.51.100.1", None),
    ]


def test_what_came_on_one_day_is_not_usual() -> None:
    lines = [line(i * 600.0, 0.9, "10.0.0.5", "198.51.100.7") for i in range(3)]
    assert len(learned([*lines, *week(0.1)]).ordinary()) == 0


def test_rhythm_is_told() -> None:
    (host,) = learned(week()).hosts
    assert {peer.peer: peer.every for peer in host.peers} == {"198.51.100.7": None, "198.51.100.1": 3600.0}


def bot(score: float, count: int, every: float = 600.0) -> list[Line]:
    return [line(i * every, score, BOT, CONTROLLER) for i in range(count)]


def test_nothing_is_learned_of_a_host_that_the_model_is_sure_of() -> None:
    baseline = learned([*week(), *bot(0.9995, 3, DAY), *bot(0.95, 300)])
    assert [(one.host, one.why) for one in baseline.left_out] == [
        (BOT, "the model is sure of 3 of its connections")
    ]
    assert all(key[0] != BOT for key in baseline.ordinary().peers)
    assert BOT not in baseline.ordinary().evidence


def test_a_peer_that_the_model_is_sure_of_is_ordinary_for_nobody() -> None:
    others = [each for host in ("10.0.0.7", "10.0.0.8", "10.0.0.9") for each in week(0.9, host, CONTROLLER)]
    assert ((CONTROLLER, 443, "tcp") in learned(others).ordinary().shared) is True
    ordinary = learned([*others, *bot(0.9995, 1)])
    assert len(ordinary.ordinary()) == 0
    assert [(one.peer, one.port) for one in ordinary.never] == [(CONTROLLER, "443/tcp")]


def test_of_a_host_that_would_have_been_named_its_own_peers_are_not_learned() -> None:
    """A controller is a peer that one host alone talks to: who would have been named cannot make it ordinary."""
    baseline = learned([*week(), *bot(0.97, 200)])
    assert [one.host for one in baseline.look_at] == [BOT]
    assert all(key[0] != BOT for key in baseline.ordinary().peers)
    assert BOT not in baseline.ordinary().evidence


def test_what_fails_with_many_peers_is_ordinary_even_then() -> None:
    lines = [line(i * 1000.0, 0.97, BOT, f"203.0.113.{i % 9}", conn_state="S0") for i in range(200)]
    baseline = learned(lines)
    assert [one.host for one in baseline.look_at] == [BOT]
    assert dict(baseline.ordinary().failing) == {(BOT, 443, "tcp"): pytest.approx(0.97, abs=2e-4)}
    assert not baseline.ordinary().peers


def test_few_peers_or_a_sure_connection_keep_failing_from_being_ordinary() -> None:
    few = [line(i * 3000.0, 0.97, BOT, f"203.0.113.{i % 4}", conn_state="S0") for i in range(200)]
    assert not learned(few).ordinary().failing
    many = [line(i * 3000.0, 0.97, BOT, f"203.0.113.{i % 9}", conn_state="S0") for i in range(200)]
    assert not learned([*many, line(5.0, 0.9999, BOT, "203.0.113.99", conn_state="S0")]).ordinary().failing


def test_excluded_hosts_are_left_out() -> None:
    baseline = learned(week(), Asked(exclude=Networks.parse(["10.0.0.0/24"])))
    assert [(one.host, one.why) for one in baseline.left_out] == [("10.0.0.5", "left out by --exclude")]
    assert len(baseline.ordinary()) == 0


def verdict(corrected: str, score: str = "0.95", resp: str = CONTROLLER) -> dict[str, str]:
    ends = {"id.orig_h": "10.0.0.5", "id.resp_h": resp, "id.resp_p": "443", "proto": "tcp"}
    return {**ends, "corrected": corrected, "score": score}


def test_what_an_analyst_calls_benign_is_ordinary_whatever_the_model_says() -> None:
    words = Words.of([verdict("Benign", "0.9999")])
    baseline = learned(week(), words=words)
    assert baseline.ordinary().peers["10.0.0.5", CONTROLLER, 443, "tcp"] == pytest.approx(0.9999, abs=2e-4)
    assert baseline.about.benign_verdicts == 1


def test_what_an_analyst_calls_malicious_never_is() -> None:
    words = Words.of([verdict("Benign", resp="198.51.100.7"), verdict("C&C", resp="198.51.100.7")])
    baseline = learned(week(), words=words)
    assert len(baseline.ordinary()) == 0
    assert [(one.peer, one.why) for one in baseline.never] == [
        ("198.51.100.7", "an analyst called it malicious")
    ]
    assert [one.host for one in baseline.left_out] == ["10.0.0.5"]


def test_a_verdict_that_was_taken_back_counts_as_nothing() -> None:
    assert Words.of([verdict("Unknown")]) == Words()


def bursts(host: str, peers: int = 60) -> list[Line]:
    """Each noon connections to new peers: evidence that no list of peers makes ordinary."""
    return [
        line(day * DAY + 43_200 + i, 0.85, host, f"203.0.{day}.{i}") for day in range(7) for i in range(peers)
    ]


def test_usual_evidence_is_what_a_host_reaches_on_two_days_and_no_more_than_half_of_the_threshold() -> None:
    each = 0.348  # nats of a score of 0.85 above a floor of 0.8
    ordinary = learned([*bursts("10.0.0.5", 10), *week(0.1)]).ordinary()
    assert ordinary.evidence["10.0.0.5"] == pytest.approx(10 * each, abs=0.1)
    ordinary = learned([*bursts("10.0.0.5", 25), *week(0.1)]).ordinary()
    assert ordinary.evidence["10.0.0.5"] == 10.0 * MOST_USUAL


def test_thresholds_are_set_for_so_many_false_alerts_a_day() -> None:
    lines = [each for host in range(4) for each in bursts(f"10.0.0.{host}", 46)]
    loose = learned(lines, Asked(false_alerts_per_day=4.0)).thresholds
    assert loose.host.value == loose.host.model == 10.0
    tight = learned(lines, Asked(false_alerts_per_day=0.2)).thresholds
    assert 10.0 < tight.host.value < MOST * 10.0
    assert tight.host.why == "gives no more than 1 false alerts in 6.0 days"
    wild = [*lines, *[each for host in range(9) for each in bursts(f"10.0.1.{host}", 200)]]
    assert learned(wild, Asked(false_alerts_per_day=0.2)).thresholds.host.value == MOST * 10.0


def test_a_host_is_named_by_all_of_its_evidence_and_by_what_of_it_is_odd() -> None:
    """The highest threshold T that 30 nats reach in all, of which 8 are odd and 3 are usual: 8 = (T + 3) / 2."""
    days = pd.DataFrame(
        {
            "host": ["10.0.0.5"] * 2,
            "day": [0, 1],
            "stretch": [0, 1],
            "evidence": [3.0, 8.0],
            "whole": [3.0, 30.0],
            "score": 0.9,
        }
    )
    named = Crossed(days).named_from(POLICY)
    assert named.tolist() == [3.0, 13.0]
    odd, limit = days["evidence"].to_numpy(), named.to_numpy()
    usual = np.array([5.0, 3.0])  # of the other stretch, half of the threshold at most
    assert (odd >= [odd_threshold(float(each), usual)[place] for place, each in enumerate(limit)]).all()
    assert odd[1] < odd_threshold(limit[1] + 0.01, usual)[1]


def test_a_short_baseline_leaves_the_models_thresholds() -> None:
    found = learned([line(i * 60.0, 0.9, "10.0.0.5", "198.51.100.7") for i in range(100)]).thresholds
    assert (found.host.value, found.connection.value) == (10.0, 0.99)
    assert "too short to tell 1 false alerts a day" in found.host.why


def test_a_quiet_site_may_have_a_lower_threshold_when_that_is_asked_for() -> None:
    assert learned(week()).thresholds.host.value == 10.0
    assert learned(week(), Asked(lowest=4.0)).thresholds.host.value == 4.0


def test_the_cut_into_batches_changes_nothing() -> None:
    lines = [*week(), *bursts("10.0.0.8", 9), *bot(0.97, 50)]
    whole = learned(lines)
    assert [learned(lines, batch=size).sha256 for size in (7, 50)] == [whole.sha256] * 2


def test_a_site_without_anything_suspicious_has_a_baseline_too() -> None:
    baseline = learned(week(0.1))
    assert baseline.about.suspicious == 0
    assert len(baseline.ordinary()) == 0
    assert baseline.hosts[0].connections == 7 + 7 * 24


def test_names_that_are_no_addresses_are_passed_over() -> None:
    odd = [line(5.0, 0.9, "10.0.0.5", name, proto=proto) for name, proto in (("x" * 99, "tcp"), ("é", "tcp"))]
    odd += [
        line(6.0, 0.9, "10.0.0.5", "198.51.100.9", 70_000),
        line(7.0, 0.9, "10.0.0.5", "198.51.100.9", proto="a b"),
    ]
    assert gathered(odd).suspicious_of.total() == 0


def test_monitoring_scanners_and_proxies_are_proposed() -> None:
    polls = [
        line(i * 60.0 + peer, 0.01, "10.0.0.2", f"10.0.1.{peer}", 161, proto="udp", local_resp=True)
        for peer in range(12)
        for i in range(20)
    ]
    scan = [
        line(i, 0.01, "10.0.0.3", f"10.0.1.{i % 100}", 1 + i % 7, conn_state="S0", local_resp=True)
        for i in range(300)
    ]
    clients = [line(i, 0.01, f"10.0.2.{i % 9}", "10.0.0.4", 3128, local_resp=True) for i in range(200)]
    outward = [line(i + 0.5, 0.01, "10.0.0.4", f"198.51.100.{i % 50}", local_resp=False) for i in range(200)]
    proposed = [learned(lines).proposed_allowlist for lines in ([*polls, *scan], [*clients, *outward])]
    assert [(one.networks, one.reason.split(":")[0].split(",")[0]) for each in proposed for one in each] == [
        (("10.0.0.2",), "monitoring"),
        (("10.0.0.3",), "a scanner of your own"),
        (("10.0.0.4",), "a proxy"),
    ]
    assert learned(week()).proposed_allowlist == ()
