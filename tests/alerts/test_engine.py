"""Notices: against a plain reference, whatever the cuts; suppression, originators, the cap on hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.logs import CLASSES, frame_of, part, scores_of
from tests.alerts.reference import notices_of
from zeekml.addresses import Networks
from zeekml.alerts import (
    CONNECTION_NOTE,
    HOST_NOTE,
    AlertEngine,
    AlertPolicy,
    Allowlist,
    Notice,
    Standing,
    engine,
)
from zeekml.alerts.notices import union
from zeekml.scoring.scores import Scores

POLICY = AlertPolicy(
    connection_threshold=0.9, host_threshold=5.0, evidence_floor=0.5, half_life=100.0, suppress_for=300.0
)
START = 1_700_000_000.0


def run(policy: AlertPolicy, frame: pd.DataFrame, scores: Scores, cuts: Sequence[int] = ()) -> list[Notice]:
    """The notices of a log cut into batches before the rows ``cuts``; their rows are those of the whole."""
    alerting = AlertEngine(policy, CLASSES)
    found = []
    edges = [0, *sorted(cuts), len(frame)]
    for begin, end in pairwise(edges):
        alerts = alerting.process(*part(frame, scores, begin, end), "conn")
        found += [replace(notice, row=notice.row + begin) for notice in alerts.notices]
    return found


def same(found: list[Notice], expected: list[Notice]) -> None:
    """Equal but for the last digits of the evidence, which depend on the order of adding up."""
    assert [replace(n, evidence=None) for n in found] == [replace(n, evidence=None) for n in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.evidence == pytest.approx(other.evidence, abs=1e-6)


connections = st.lists(
    st.tuples(
        st.sampled_from(["192.168.1.10", "10.0.0.2", "fd00::1", "203.0.113.9"]),
        st.floats(-20, 400, allow_nan=False),  # step of ts; logs are not in the order of ts
        st.none() | st.floats(0, 500),  # duration
        st.sampled_from([0.0, 0.2, 0.5, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0]),
        st.integers(1, 3),
        st.sampled_from([None, True, False]),
    ),
    max_size=60,
)
policies = st.builds(
    AlertPolicy,
    connection_threshold=st.sampled_from([0.4, 0.9]),
    host_threshold=st.sampled_from([0.0001, 5.0, 20.0]),
    evidence_floor=st.just(0.5),
    half_life=st.sampled_from([1.0, 100.0, 5000.0]),
    suppress_for=st.sampled_from([0.0, 60.0, 3600.0]),
    alert_inbound=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(policies, connections, st.data())
def test_any_cut_gives_the_notices_of_the_plain_rules(
    policy: AlertPolicy,
    log: list[tuple[str, float, float | None, float, int, bool | None]],
    data: st.DataObject,
) -> None:
    times = START + np.cumsum([row[1] for row in log])
    frame = frame_of(
        [
            {"id.orig_h": host, "ts": ts, "duration": duration, "local_orig": local}
            for ts, (host, _, duration, _, _, local) in zip(times, log, strict=True)
        ]
    )
    scores = scores_of([row[3] for row in log], [row[4] for row in log])
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=5))
    found = run(policy, frame, scores, cuts)
    # The plain rules leave out what carries the evidence: test_carriers has that.
    same([replace(notice, peers=(), ports=()) for notice in found], notices_of(policy, frame, scores))


def test_one_scanner_gives_few_notices_that_count_the_rest() -> None:
    frame = frame_of([{"ts": START + i} for i in range(1000)])
    found = run(POLICY, frame, scores_of([0.99] * 1000))
    connection = [(n.row, n.n) for n in found if n.note == CONNECTION_NOTE]
    host = [(n.row, n.n, n.class_name) for n in found if n.note == HOST_NOTE]
    assert connection == [(0, 1), (300, 300), (600, 300), (900, 300)]
    assert host == [
        (1, 2, "PortScan"),
        (301, 300, "PortScan"),
        (601, 300, "PortScan"),
        (901, 300, "PortScan"),
    ]


def test_each_class_is_suppressed_by_itself() -> None:
    frame = frame_of([{"ts": START + i} for i in range(4)])
    found = run(replace(POLICY, host_threshold=1e6), frame, scores_of([0.95] * 4, [1, 3, 1, 3]))
    assert [(n.row, n.class_name, n.n) for n in found] == [(0, "PortScan", 1), (1, "C&C", 1)]


def test_the_event_time_is_the_end_of_the_connection() -> None:
    frame = frame_of(
        [{"ts": START}, {"ts": START + 10, "duration": 290.0}, {"ts": START + 20, "duration": 100.0}]
    )
    found = run(replace(POLICY, host_threshold=1e6), frame, scores_of([0.95] * 3))
    assert [(n.row, n.n) for n in found] == [(0, 1), (1, 1)], "and the clock of the third does not go back"


def test_connections_below_the_threshold_add_up() -> None:
    frame = frame_of([{"ts": START + i} for i in range(10)])
    (notice,) = run(POLICY, frame, scores_of([0.8] * 10))
    assert (notice.note, notice.row, notice.n) == (HOST_NOTE, 3, 4)
    assert notice.evidence == pytest.approx(5.488, abs=0.001)


def test_evidence_halves_with_the_half_life() -> None:
    frame = frame_of([{"ts": START + 100.0 * i} for i in range(20)])
    assert not run(POLICY, frame, scores_of([0.8] * 20)), "1.39 each adds up to 2.77 at most"


def test_a_host_after_a_long_gap_starts_anew() -> None:
    policy = replace(POLICY, host_threshold=1e6)
    frame = frame_of([{"ts": START}, {"ts": START + 1}, {"ts": START + 1002.0}])
    found = run(policy, frame, scores_of([0.95] * 3))
    assert [(n.row, n.n) for n in found] == [(0, 1), (2, 1)]


def test_the_class_of_a_host_is_the_one_with_most_evidence() -> None:
    frame = frame_of([{"ts": START + i} for i in range(4)])
    (notice,) = run(POLICY, frame, scores_of([0.8] * 4, [2, 2, 2, 3]))
    assert (notice.row, notice.class_name) == (3, "DDoS")
    assert notice.n == 4, "the connection that carries the notice counts, though it is of another class"


def test_streams_do_not_share_hosts() -> None:
    alerting = AlertEngine(POLICY, CLASSES)
    frame, scores = frame_of([{}]), scores_of([0.99])
    assert alerting.process(frame, scores, "a").notices
    assert alerting.process(frame, scores, "b").notices
    assert alerting.hosts_held == 2
    alerting.end_stream("a")
    assert alerting.hosts_held == 1


@pytest.mark.parametrize(
    ("changes", "alerting"),
    [
        ({}, [True, False, True, False]),
        ({"alert_inbound": True}, [True, True, True, True]),
        ({"local_nets": Networks.parse(["203.0.113.0/24"])}, [False, False, True, True]),
        (
            {"allowlist": Allowlist.parse([{"networks": ["192.168.1.10"], "reason": "scanner"}])},
            [False, False, True, False],
        ),
        (
            {"allowlist": Allowlist.parse([{"sensors": ["dmz-*"], "reason": "ours"}])},
            [True, False, True, False],
        ),
        (
            {
                "allowlist": Allowlist.parse(
                    [{"sensors": ["LAB"], "peers": ["198.51.100.7"], "reason": "ours"}]
                )
            },
            [False] * 4,
        ),
    ],
)
def test_whose_connections_alert(changes: dict[str, object], alerting: list[bool]) -> None:
    frame = frame_of(
        [
            {"id.orig_h": "192.168.1.10"},  # local_orig unset: a private address is local
            {"id.orig_h": "192.168.1.11", "local_orig": False},
            {"id.orig_h": "203.0.113.5", "local_orig": True},
            {"id.orig_h": "203.0.113.6"},
        ]
    )
    policy = replace(POLICY, **changes)  # type: ignore[arg-type]
    alerts = AlertEngine(policy, CLASSES).process(frame, scores_of([0.99] * 4), "/logs/lab/conn.log")
    assert alerts.above.tolist() == [True] * 4
    assert alerts.alerting.tolist() == alerting
    assert [n.row for n in alerts.notices if n.note == CONNECTION_NOTE] == np.flatnonzero(alerting).tolist()


def test_the_cap_on_hosts_acts_at_fixed_lines_whatever_the_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CAP_EVERY", 16)
    policy = replace(POLICY, max_hosts=3, suppress_for=1e6)
    rng = np.random.default_rng(1)
    frame = frame_of(
        [{"id.orig_h": f"10.0.0.{host}", "ts": START + i} for i, host in enumerate(rng.integers(0, 9, 200))]
    )
    scores = scores_of(rng.choice([0.1, 0.6, 0.95], 200).tolist(), rng.integers(1, 4, 200).tolist())
    whole = run(policy, frame, scores)
    assert len(whole) > len(run(replace(policy, max_hosts=9), frame, scores)), "hosts forgotten alert again"
    for cuts in ([1], [16], [15, 17, 90], list(range(1, 200))):
        same(run(policy, frame, scores, cuts), whole)


def test_the_cap_on_hosts_bounds_memory_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CAP_EVERY", 100)
    alerting = AlertEngine(replace(POLICY, max_hosts=10), CLASSES)
    frame = frame_of([{"id.orig_h": f"10.0.{i // 256}.{i % 256}"} for i in range(1000)])
    alerting.process(frame, scores_of([0.99] * 1000), "conn")
    assert (alerting.hosts_held, alerting.caps_acted) == (10, 990)


def test_an_empty_batch_is_no_trouble() -> None:
    alerts = AlertEngine(POLICY, CLASSES).process(frame_of([]), scores_of([]), "conn")
    assert len(alerts.alerting) == 0
    assert alerts.notices == []


def test_rows_to_explain_are_those_above_and_those_of_notices() -> None:
    frame = frame_of([{"ts": START + i} for i in range(5)])
    alerts = AlertEngine(POLICY, CLASSES).process(frame, scores_of([0.8, 0.8, 0.8, 0.8, 0.95]), "conn")
    assert alerts.rows_to_explain(np.array([0, 1, 4])).tolist() == [3, 4]


def test_what_stands_against_a_host() -> None:
    """Two connections of 0.99 weigh log(99) each; the first one's weight has halved when the second comes."""
    alerting = AlertEngine(POLICY, CLASSES)
    frame = frame_of([{"ts": START}, {"ts": START + 90, "duration": 10.0}])
    alerting.process(frame, scores_of([0.99, 0.99], [1, 3]), "conn")
    host, weight = "192.168.1.10", np.log(99)
    found = alerting.standing("conn", host, START + 200)
    assert found.evidence == pytest.approx({"PortScan": weight / 4, "C&C": weight / 2}, rel=1e-6)
    assert found.suppressed == {
        (CONNECTION_NOTE, "PortScan"): START + 300,
        (CONNECTION_NOTE, "C&C"): START + 400,
        (HOST_NOTE, "C&C"): START + 400,
    }
    # The host's clock never goes back, and stands at START + 100.
    early = alerting.standing("conn", host, START)
    assert early.evidence == pytest.approx({"PortScan": weight / 2, "C&C": weight}, rel=1e-6)
    assert set(alerting.standing("conn", host, START + 350).suppressed) == {
        (CONNECTION_NOTE, "C&C"),
        (HOST_NOTE, "C&C"),
    }
    for nothing in (("conn", host, START + 1e5), ("conn", "192.168.1.11", START), ("other", host, START)):
        assert alerting.standing(*nothing) == Standing()


@given(first=st.lists(st.integers(0, 9), max_size=8), second=st.lists(st.integers(0, 9), max_size=8))
def test_rows_of_either(first: list[int], second: list[int]) -> None:
    found = union(np.array(first, dtype=np.int64), np.array(second, dtype=np.int64))
    assert found.tolist() == sorted({*first, *second})
