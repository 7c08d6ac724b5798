"""What is ordinary: counts nothing, never hides more than it says, and never raises evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.logs import CLASSES, frame_of, scores_of
from zeekml.alerts import CONNECTION_NOTE, HOST_NOTE, AlertEngine, AlertPolicy, Notice, Ordinary
from zeekml.alerts.evidence import weigh
from zeekml.alerts.message import facts, sentence
from zeekml.scoring.scores import Scores

START = 1_700_000_000.0
HOST, OTHER = "192.168.1.10", "192.168.1.11"
PEERS = ("198.51.100.7", "198.51.100.8")
POLICY = AlertPolicy(
    connection_threshold=0.9, host_threshold=5.0, evidence_floor=0.5, half_life=3600.0, suppress_for=0.0
)


def connection(**changes: object) -> dict[str, object]:
    """An answered connection of HOST to its first peer; write ``orig`` and ``resp`` for its ends."""
    names = {"orig": "id.orig_h", "resp": "id.resp_h", "port": "id.resp_p"}
    row: dict[str, object] = {"ts": START, "id.orig_h": HOST, "id.resp_h": PEERS[0], "id.resp_p": 443}
    return {**row, "conn_state": "SF", **{names.get(name, name): value for name, value in changes.items()}}


def usual(ordinary: Ordinary, score: float = 0.8, **changes: object) -> float:
    frame = frame_of([connection(**changes)])
    return float(ordinary.usual(frame, np.array([score], dtype=np.float32))[0])


def head(frame: pd.DataFrame, scores: Scores, rows: int) -> tuple[pd.DataFrame, Scores]:
    """The first rows of a batch."""
    first = slice(rows)
    return frame.iloc[first], Scores(
        scores.score[first], scores.class_index[first], scores.class_score[first]
    )


def notices(ordinary: Ordinary, frame: pd.DataFrame, scores: Scores) -> list[Notice]:
    return AlertEngine(replace(POLICY, ordinary=ordinary), CLASSES).process(frame, scores, "conn").notices


def test_each_kind_is_known_by_what_it_names() -> None:
    ordinary = Ordinary(
        peers={(HOST, PEERS[0], 443, "tcp"): 0.6},
        shared={(PEERS[1], 443, "tcp"): 0.7},
        failing={(HOST, 22, "tcp"): 0.95},
    )
    assert usual(ordinary) == 0.6
    assert usual(ordinary, orig=OTHER) == 0.0
    assert usual(ordinary, port=444) == 0.0
    assert usual(ordinary, proto="udp") == 0.0
    assert usual(ordinary, orig=OTHER, resp=PEERS[1]) == 0.7
    assert usual(ordinary, resp="203.0.113.1", port=22, conn_state="S0") == 0.95
    assert usual(ordinary, resp="203.0.113.1", port=22, conn_state="SF") == 0.0
    assert usual(ordinary, orig=OTHER, resp="203.0.113.1", port=22, conn_state="REJ") == 0.0


def test_the_highest_usual_score_holds() -> None:
    ordinary = Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.6}, shared={(PEERS[0], 443, "tcp"): 0.8})
    assert usual(ordinary) == 0.8


@pytest.mark.parametrize("port", [-1, 65_536, 65_536 + 443, 2**31 - 1])
def test_a_port_that_is_none_is_never_ordinary(port: int) -> None:
    ordinary = Ordinary(
        peers={(HOST, PEERS[0], p, "tcp"): 0.6 for p in (0, 443, 65_535)}, failing={(HOST, 0, "udp"): 0.6}
    )
    assert usual(ordinary, port=port, conn_state="S0") == 0.0


def test_what_is_ordinary_raises_nothing() -> None:
    frame, scores = frame_of([connection(ts=START + i) for i in range(30)]), scores_of([0.95] * 30)
    assert {notice.note for notice in notices(Ordinary(), frame, scores)} == {CONNECTION_NOTE, HOST_NOTE}
    assert notices(Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.95}), frame, scores) == []


def test_what_exceeds_the_usual_counts_by_what_it_exceeds() -> None:
    """A host is named when half of the threshold is odd; the notice says all of its evidence, and how much is usual."""
    ordinary = Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.9})
    frame, scores = frame_of([connection(ts=START + i) for i in range(30)]), scores_of([0.95] * 30)
    without = [n for n in notices(Ordinary(), frame, scores) if n.note == HOST_NOTE]
    found = [n for n in notices(ordinary, frame, scores) if n.note == HOST_NOTE]
    each, odd = np.log(0.95 / 0.05), np.log(0.95 / 0.05) - np.log(0.9 / 0.1)
    first = found[0].row
    assert first == int(np.ceil(2.5 / odd)) - 1 > without[0].row
    assert found[0].evidence == pytest.approx(each * (first + 1), rel=1e-2)
    assert found[0].usual == pytest.approx((each - odd) * (first + 1), rel=1e-2)


def test_something_new_beside_what_is_ordinary_is_no_excuse_for_it() -> None:
    """A bot that does in part what the host always did is named by both together, once its own part is half."""
    ordinary = Ordinary(failing={(HOST, 443, "tcp"): 0.95})
    each = np.log(0.9 / 0.1)  # two of them stay below the threshold
    rows = [connection(ts=START + i, conn_state="S0") for i in range(9)]
    rows += [connection(ts=START + 9 + i) for i in range(2)]
    frame, scores = frame_of(rows), scores_of([0.9] * 11)
    found = [n for n in notices(ordinary, frame, scores) if n.note == HOST_NOTE]
    assert [n.row for n in found] == [10]
    assert found[0].evidence == pytest.approx(11 * each, rel=1e-2)
    assert found[0].usual == pytest.approx(9 * each, rel=1e-2)
    assert not [n for n in notices(ordinary, *head(frame, scores, 10)) if n.note == HOST_NOTE]


def test_what_the_model_is_sure_of_counts_in_full() -> None:
    """A bot that uses a port on which much fails here is found as before."""
    ordinary = Ordinary(failing={(HOST, 443, "tcp"): 0.99}, sure=0.999)
    frame = frame_of([connection(ts=START + i, conn_state="S0") for i in range(5)])
    scores = scores_of([0.9995] * 5)
    assert notices(ordinary, frame, scores) == notices(Ordinary(), frame, scores) != []


def test_beside_what_is_ordinary_a_host_must_exceed_half_of_its_usual_evidence_too() -> None:
    rows = [connection(ts=START + i, port=80) for i in range(9)]
    rows += [connection(ts=START + 9 + i) for i in range(8)]
    frame, scores = frame_of(rows), scores_of([0.75] * 17)
    each, peers = np.log(0.75 / 0.25), {(HOST, PEERS[0], 80, "tcp"): 0.8}
    named = {
        usual: notices(Ordinary(peers=peers, evidence={HOST: usual}), frame, scores)[0]
        for usual in (0.0, 1.5, 2.5, 99.0)
    }
    needed = {
        0.0: 2.5,
        1.5: 3.25,
        2.5: 3.75,
        99.0: 5.0,
    }  # what is usual never asks for more than the threshold
    assert {usual: notice.row for usual, notice in named.items()} == {
        usual: 9 + int(np.ceil(odd / each)) - 1 for usual, odd in needed.items()
    }
    assert named[1.5].usual == pytest.approx(9 * each + 1.5, rel=1e-2)
    assert named[99.0].usual == named[99.0].evidence


def test_a_host_whose_odd_evidence_alone_reaches_the_threshold_is_named_whatever_is_usual() -> None:
    frame, scores = frame_of([connection(ts=START + i) for i in range(8)]), scores_of([0.88] * 8)
    found = notices(Ordinary(evidence={HOST: 99.0}), frame, scores)
    assert [n.row for n in found] == [n.row for n in notices(Ordinary(), frame, scores)]


def test_another_host_is_not_excused() -> None:
    ordinary = Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.99}, evidence={HOST: 50.0})
    frame = frame_of([connection(ts=START + i, orig=OTHER) for i in range(10)])
    assert notices(ordinary, frame, scores_of([0.95] * 10)) == notices(
        Ordinary(), frame, scores_of([0.95] * 10)
    )


def test_words() -> None:
    host = Notice(0, HOST_NOTE, "C&C", 0.97, 3, 20.0, 60.0, usual=6.0)
    ends = {"orig_h": HOST, "resp_h": PEERS[0], "resp_p": 443, "proto": "tcp"}
    assert sentence(host, **ends).endswith("; 6.0 of the evidence is usual for this host")  # type: ignore[arg-type]
    assert " usual=6.000 " in facts(host, model="m", reasons="why") + " "
    peer = Notice(0, CONNECTION_NOTE, "C&C", 0.97, 1, None, 60.0, usual=0.95)
    assert sentence(peer, **ends).endswith("; usual there is a score up to 0.950")  # type: ignore[arg-type]
    nothing = Notice(0, CONNECTION_NOTE, "C&C", 0.97, 1, None, 60.0)
    assert "usual" not in sentence(nothing, **ends) + facts(nothing, model="m", reasons="")  # type: ignore[arg-type]


LOGS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 600.0, 5000.0, -400.0]),
        st.sampled_from([HOST, OTHER]),
        st.sampled_from(PEERS),
        st.sampled_from([22, 443]),
        st.sampled_from(["SF", "S0"]),
        st.sampled_from([0.1, 0.55, 0.8, 0.93, 0.9995, 1.0]),
        st.sampled_from([1, 3]),
    ),
    min_size=1,
    max_size=40,
)
SCORES = st.sampled_from([0.3, 0.6, 0.85, 0.95, 1.0])
PEER_KEYS = st.tuples(
    st.sampled_from([HOST, OTHER]), st.sampled_from(PEERS), st.sampled_from([22, 443]), st.just("tcp")
)
ENTRIES = st.builds(
    Ordinary,
    peers=st.dictionaries(PEER_KEYS, SCORES, max_size=4),
    shared=st.dictionaries(
        st.tuples(st.sampled_from(PEERS), st.just(443), st.just("tcp")), SCORES, max_size=2
    ),
    failing=st.dictionaries(st.tuples(st.just(HOST), st.just(22), st.just("tcp")), SCORES, max_size=1),
    evidence=st.dictionaries(st.sampled_from([HOST, OTHER]), st.just(3.0), max_size=2),
    sure=st.sampled_from([0.999, 1.0]),
)


@given(LOGS, ENTRIES, ENTRIES)
def test_adding_what_is_ordinary_never_raises_evidence(
    log: list[tuple[float, str, str, int, str, float, int]], some: Ordinary, more: Ordinary
) -> None:
    at, rows = START, []
    for step, orig, resp, port, state, _, _ in log:
        at += step
        rows.append(connection(ts=at, orig=orig, resp=resp, port=port, conn_state=state))
    frame = frame_of(rows)
    scores = scores_of([each[5] for each in log], [each[6] for each in log])
    both = Ordinary(
        peers={
            **more.peers,
            **{key: max(score, more.peers.get(key, 0)) for key, score in some.peers.items()},
        },
        shared={
            **more.shared,
            **{key: max(score, more.shared.get(key, 0)) for key, score in some.shared.items()},
        },
        failing={
            **more.failing,
            **{key: max(score, more.failing.get(key, 0)) for key, score in some.failing.items()},
        },
        evidence={**more.evidence, **some.evidence},
        sure=some.sure,
    )
    engines = [AlertEngine(replace(POLICY, ordinary=each), CLASSES) for each in (both, some, Ordinary())]
    alerts = [engine.process(frame, scores, "conn") for engine in engines]
    for host in (HOST, OTHER):
        held = [sum(engine.standing("conn", host, at).evidence.values()) for engine in engines]
        assert held[0] <= held[1] + 1e-9 <= held[2] + 2e-9
    for less, all_ in ((alerts[0], alerts[1]), (alerts[1], alerts[2])):
        assert not (less.alerting & ~all_.alerting).any()
        named = [{n.row for n in each.notices if n.note == HOST_NOTE} for each in (less, all_)]
        assert named[0] <= named[1]
    for some_alerts in alerts[:2]:  # all of the evidence is what the model alone says, whatever is ordinary
        alone = {n.row: n.evidence for n in alerts[2].notices if n.note == HOST_NOTE}
        for n in some_alerts.notices:
            if n.note == HOST_NOTE and n.evidence is not None:
                assert n.evidence == pytest.approx(alone[n.row])
                odd = n.evidence - n.usual
                assert odd <= n.evidence >= POLICY.host_threshold - 1e-6


@given(LOGS, ENTRIES)
def test_a_baseline_asks_for_half_more_at_most(
    log: list[tuple[float, str, str, int, str, float, int]], ordinary: Ordinary
) -> None:
    """Whoever reaches the threshold by what is odd alone is named: no baseline hides more than half."""
    at, rows = START, []
    for step, orig, resp, port, state, _, _ in log:
        at += step
        rows.append(connection(ts=at, orig=orig, resp=resp, port=port, conn_state=state))
    frame, scores = frame_of(rows), scores_of([each[5] for each in log], [each[6] for each in log])
    alerts = AlertEngine(replace(POLICY, ordinary=ordinary), CLASSES).process(frame, scores, "conn")
    named = {n.row for n in alerts.notices if n.note == HOST_NOTE}
    usual_score = ordinary.usual(frame, scores.score)
    weight = weigh(scores.score, np.maximum(POLICY.evidence_floor, usual_score))
    clock, odd = dict.fromkeys((HOST, OTHER), -np.inf), dict.fromkeys((HOST, OTHER), 0.0)
    for row, (_, host, *_) in enumerate(log):
        if scores.score[row] < np.float32(POLICY.evidence_floor):
            continue  # moves no clock
        at = max(clock[host], float(frame["ts"].iloc[row]))
        if at - clock[host] > POLICY.forget_after:
            odd[host] = 0.0
        odd[host] *= 2.0 ** (-min(at - clock[host], POLICY.forget_after) / POLICY.half_life)
        odd[host] += weight[row]
        clock[host] = at
        if scores.score[row] > usual_score[row] and odd[host] >= POLICY.host_threshold + 1e-6:
            assert row in named
        if row in named:
            assert odd[host] >= POLICY.host_threshold / 2 - 1e-6


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_higher_floor_never_weighs_more(score: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    given_ = np.array([score], dtype=np.float32)
    assert 0 <= weigh(given_, np.array([high]))[0] <= weigh(given_, np.array([low]))[0] <= 8
