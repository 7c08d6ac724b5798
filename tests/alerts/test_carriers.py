"""What carries the evidence: the heaviest peers and ports, whatever the cuts and restarts, in bounded memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.logs import CLASSES, frame_of, part, scores_of
from tests.alerts.test_engine import POLICY, START, run
from zeekml.alerts import CONNECTION_NOTE, HOST_NOTE, AlertEngine, Notice, carriers
from zeekml.alerts.carriers import KEPT, LONGEST, MOST, SHOWN
from zeekml.alerts.evidence import weigh
from zeekml.errors import StateError
from zeekml.scoring.scores import Scores

ANY = replace(POLICY, host_threshold=1e-6, suppress_for=0.0)
"""A notice with every connection that is evidence."""

rows = st.lists(
    st.tuples(
        st.sampled_from(["192.168.1.10", "10.0.0.2"]),
        st.integers(0, 40).map(lambda number: f"198.51.100.{number}"),
        st.sampled_from([23, 80, 443]),
        st.sampled_from([0.1, 5.0, 90.0, 4000.0, 1.5e6]),  # step of ts: up to beyond what is remembered
        st.sampled_from([0.2, 0.6, 0.9, 0.99, 1.0]),
    ),
    max_size=80,
)
Row = tuple[str, str, int, float, float]


def log_of(log: Sequence[Row]) -> tuple[pd.DataFrame, Scores]:
    times = START + np.cumsum([row[3] for row in log])
    frame = frame_of(
        [
            {"id.orig_h": host, "id.resp_h": peer, "id.resp_p": port, "ts": ts}
            for ts, (host, peer, port, _, _) in zip(times, log, strict=True)
        ]
    )
    return frame, scores_of([row[4] for row in log])


@settings(max_examples=100, deadline=None)
@given(rows, st.data())
def test_any_cut_and_restart_gives_the_same(log: list[Row], data: st.DataObject) -> None:
    frame, scores = log_of(log)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(log) - 1)), max_size=6)))
    expected = AlertEngine(ANY, CLASSES).process(frame, scores, "conn").notices
    going, found = AlertEngine(ANY, CLASSES), list[Notice]()
    for begin, end in pairwise([0, *(cut for cut in cuts if cut < len(log)), len(log)]):
        arrays = going.export()
        going = AlertEngine(ANY, CLASSES)
        going.restore(arrays)
        notices = going.process(*part(frame, scores, begin, end), "conn").notices
        found += [replace(notice, row=notice.row + begin) for notice in notices]
    assert [(n.row, n.note, n.peers, n.ports) for n in found] == [
        (n.row, n.note, n.peers, n.ports) for n in expected
    ]


@settings(max_examples=100, deadline=None)
@given(rows)
def test_the_heaviest_come_first(log: list[Row]) -> None:
    """Against plain sums, where there is room for all of them."""
    log = [
        (host, f"198.51.100.{int(peer.rpartition('.')[2]) % MOST}", port, step, score)
        for host, peer, port, step, score in log
    ]
    frame, scores = log_of(log)
    weight = np.ceil(weigh(scores.score, ANY.evidence_floor))
    for notice in run(ANY, frame, scores):
        host, now = log[notice.row][0], frame["ts"][notice.row]
        sums: Counter[str] = Counter()
        clock = -math.inf
        for at in range(notice.row + 1):
            if log[at][0] != host or scores.score[at] < ANY.evidence_floor:
                continue
            if frame["ts"][at] - clock > ANY.forget_after:
                sums.clear()
            clock = frame["ts"][at]
            sums[log[at][1]] += weight[at] * 2 ** (-(now - clock) / ANY.half_life)
        told = [sums[peer] for peer in notice.peers]
        assert len(set(notice.peers)) == len(told) <= SHOWN
        assert all(before >= after * (1 - 1e-9) for before, after in pairwise(told))
        rest = [value for peer, value in sums.items() if peer not in notice.peers]
        least = max(told) / 100 if len(told) < SHOWN else told[-1]
        assert max(rest, default=0.0) <= least * (1 + 1e-9)


def test_what_carries_much_is_never_lost_among_many() -> None:
    """One connection in five goes to one peer, the others to a new one each."""
    log = [
        {"ts": START + i, "id.resp_h": "203.0.113.9" if i % 5 == 0 else f"198.51.{i // 250}.{i % 250}"}
        for i in range(2000)
    ]
    notices = run(
        replace(POLICY, host_threshold=1.0, suppress_for=10.0), frame_of(log), scores_of([0.99] * 2000)
    )
    late = [notice for notice in notices if notice.row > 100]
    assert len(late) > 100
    assert {notice.peers[0] for notice in late} == {"203.0.113.9"}
    assert {notice.ports for notice in late} == {("23/tcp",)}


def test_memory_is_bounded() -> None:
    alerting = AlertEngine(POLICY, CLASSES)
    log = [
        {"ts": START + i, "id.resp_h": f"198.51.{i // 250}.{i % 250}", "id.resp_p": i} for i in range(5000)
    ]
    alerting.process(frame_of(log), scores_of([0.99] * 5000), "conn")
    arrays = alerting.export()
    for name in ("peers", "ports"):
        assert KEPT <= int(arrays[f"0/carriers/{name}/count"][0]) <= MOST
    standing = alerting.standing("conn", "192.168.1.10", START + 5000)
    assert (len(standing.peers), len(standing.ports)) == (SHOWN, SHOWN)
    assert standing.peers[0] == "198.51.19.249", "of peers that carry the same the latest"


def test_a_connection_notice_names_what_carries_the_evidence_against_its_host() -> None:
    log = [{"ts": START + i, "id.resp_h": "203.0.113.9", "id.resp_p": 8080} for i in range(3)]
    log.append({"ts": START + 3, "id.resp_h": "198.51.100.7"})
    frame, scores = frame_of(log), scores_of([0.95] * 4, [1, 1, 1, 3])
    last = run(replace(POLICY, host_threshold=1e6), frame, scores)[-1]
    assert (last.row, last.note, last.class_name) == (3, CONNECTION_NOTE, "C&C")
    assert last.peers == ("203.0.113.9", "198.51.100.7")
    assert last.ports == ("8080/tcp", "23/tcp")


def test_a_connection_that_is_no_evidence_speaks_for_itself() -> None:
    policy = replace(POLICY, connection_threshold=0.4)
    (notice,) = run(policy, frame_of([{}]), scores_of([0.45]))
    assert (notice.peers, notice.ports) == (("198.51.100.7",), ("23/tcp",))


def test_icmp_has_no_ports() -> None:
    log = [{"proto": "icmp", "id.orig_p": 8, "id.resp_p": 0}, {"proto": "udp", "id.resp_p": 53}]
    notice = run(ANY, frame_of(log), scores_of([0.99, 0.6]))[-1]
    assert (notice.note, notice.ports) == (HOST_NOTE, ("icmp", "53/udp"))


def test_the_ports_of_several_protocols_are_apart() -> None:
    log = [
        {"proto": "tcp", "id.resp_p": 53},
        {"proto": "udp", "id.resp_p": 53},
        {"proto": "udp", "id.resp_p": 53},
    ]
    assert run(ANY, frame_of(log), scores_of([0.9] * 3))[-1].ports == ("53/udp", "53/tcp")


def test_a_text_that_is_no_address_is_cut() -> None:
    (notice,) = run(POLICY, frame_of([{"id.resp_h": "x" * 5000}]), scores_of([0.95]))
    assert notice.peers == ("x" * LONGEST,)


def test_weights_do_not_overflow_in_years_of_evidence() -> None:
    """Ten thousand half-lives without a gap."""
    policy = replace(POLICY, half_life=1.0, suppress_for=5.0, host_threshold=1e-6)
    log = [{"ts": START + 5 * i, "id.resp_h": f"198.51.100.{i % 2}"} for i in range(2000)]
    last = run(policy, frame_of(log), scores_of([0.99] * 2000))[-1]
    assert last.row > 1990
    assert last.peers[0] == f"198.51.100.{last.row % 2}"


def test_hosts_put_out_by_the_cap_take_theirs_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeekml.alerts.engine.CAP_EVERY", 4)
    log = [{"id.orig_h": f"10.0.0.{i}", "id.resp_h": f"198.51.100.{i}", "ts": START + i} for i in range(4)]
    alerting = AlertEngine(replace(POLICY, max_hosts=2), CLASSES)
    alerting.process(frame_of(log), scores_of([0.95] * 4), "conn")
    told = [alerting.standing("conn", f"10.0.0.{i}", START + 4).peers for i in range(4)]
    assert told == [(), (), ("198.51.100.2",), ("198.51.100.3",)]


def state() -> dict[str, np.ndarray]:
    alerting = AlertEngine(POLICY, CLASSES)
    alerting.process(frame_of([{"ts": START}]), scores_of([0.95]), "conn")
    return alerting.export()


def test_state_from_before_peers_and_ports_were_told_goes_on() -> None:
    arrays = {key: array for key, array in state().items() if "/carriers/" not in key}
    going = AlertEngine(POLICY, CLASSES)
    going.restore(arrays)
    assert going.standing("conn", "192.168.1.10", START).peers == ()
    log = frame_of([{"ts": START + 5, "id.resp_h": "203.0.113.9"}])
    notice = going.process(log, scores_of([0.99]), "conn").notices[-1]
    assert (notice.note, notice.n, notice.peers) == (HOST_NOTE, 2, ("203.0.113.9",))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("0/carriers/epoch", np.zeros(2), "epoch: found float64"),
        ("0/carriers/peers/count", np.array([2]), "count: found 2 peers or ports of all hosts, expected 1"),
        ("0/carriers/peers/weight", np.zeros(3), "weight: found float64"),
    ],
)
def test_state_that_does_not_fit_is_refused(key: str, value: np.ndarray, expected: str) -> None:
    with pytest.raises(StateError, match=expected):
        AlertEngine(POLICY, CLASSES).restore(state() | {key: value})


def test_the_bounds_allow_what_is_shown() -> None:
    assert SHOWN <= KEPT < MOST
    assert len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") <= carriers.LONGEST
