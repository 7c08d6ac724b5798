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
    ordinary = Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.9})
    frame, scores = frame_of([connection(ts=START + i) for i in range(30)]), scores_of([0.95] * 30)
    without = [n for n in notices(Ordinary(), frame, scores) if n.note == HOST_NOTE]
    found = [n for n in notices(ordinary, frame, scores) if n.note == HOST_NOTE]
    each = np.log(0.95 / 0.05) - np.log(0.9 / 0.1)
    assert found[0].row == int(np.ceil(5.0 / each)) - 1 > without[0].row
    assert found[0].evidence == pytest.approx(each * (found[0].row + 1), rel=1e-2)


def test_what_the_model_is_sure_of_counts_in_full() -> None:
    """A bot that uses a port on which much fails here is found as before."""
    ordinary = Ordinary(failing={(HOST, 443, "tcp"): 0.99}, sure=0.999)
    frame = frame_of([connection(ts=START + i, conn_state="S0") for i in range(5)])
    scores = scores_of([0.9995] * 5)
    assert notices(ordinary, frame, scores) == notices(Ordinary(), frame, scores) != []


def test_a_host_must_exceed_its_usual_evidence() -> None:
    frame, scores = frame_of([connection(ts=START + i) for i in range(8)]), scores_of([0.88] * 8)
    each = np.log(0.88 / 0.12)
    without = notices(Ordinary(), frame, scores)
    found = notices(Ordinary(evidence={HOST: 6.0}), frame, scores)
    assert without[0].row == int(np.ceil(5.0 / each)) - 1
    assert found[0].row == int(np.ceil(11.0 / each)) - 1
    assert (without[0].usual, found[0].usual) == (0.0, 6.0)


def test_another_host_is_not_excused() -> None:
    ordinary = Ordinary(peers={(HOST, PEERS[0], 443, "tcp"): 0.99}, evidence={HOST: 50.0})
    frame = frame_of([connection(ts=START + i, orig=OTHER) for i in range(10)])
    assert notices(ordinary, frame, scores_of([0.95] * 10)) == notices(
        Ordinary(), frame, scores_of([0.95] * 10)
    )


def test_words() -> None:
    host = Notice(0, HOST_NOTE, "C&C", 0.97, 3, 20.0, 60.0, usual=6.0)
    ends = {"orig_h": HOST, "resp_h": PEERS[0], "resp_p": 443, "proto": "tcp"}
    assert sentence(host, **ends).endswith("; usual for this host is evidence up to 6.0")  # type: ignore[arg-type]
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
        assert len(named[0]) <= len(named[1])


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_higher_floor_never_weighs_more(score: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    given_ = np.array([score], dtype=np.float32)
    assert 0 <= weigh(given_, np.array([high]))[0] <= weigh(given_, np.array([low]))[0] <= 8
