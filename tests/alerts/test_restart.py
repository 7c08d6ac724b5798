"""An engine that is saved anywhere and goes on as another one gives the same notices."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.logs import CLASSES, frame_of, part, scores_of
from tests.alerts.test_engine import POLICY, START, connections, policies
from zeekml.alerts import AlertEngine, AlertPolicy, Allowlist, engine
from zeekml.errors import StateError


@settings(max_examples=100, deadline=None)
@given(
    policies,
    connections,
    st.lists(st.integers(0, 60), max_size=5),
    st.sets(st.integers(0, 6), max_size=3),
    st.integers(1, 3),
)
def test_restarts_change_nothing(
    policy: AlertPolicy,
    log: list[tuple[str, float, float | None, float, int, bool | None]],
    cuts: list[int],
    restarts: set[int],
    max_hosts: int,
) -> None:
    times = START + np.cumsum([row[1] for row in log])
    frame = frame_of(
        [
            {"id.orig_h": host, "ts": ts, "duration": duration, "local_orig": local}
            for ts, (host, _, duration, _, _, local) in zip(times, log, strict=True)
        ]
    )
    scores = scores_of([row[3] for row in log], [row[4] for row in log])
    edges = sorted({0, len(frame), *(place for place in cuts if place < len(frame))})
    policy = replace(policy, max_hosts=max_hosts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CAP_EVERY", 10)
        steady, going = AlertEngine(policy, CLASSES), AlertEngine(policy, CLASSES)
        for number, (begin, end) in enumerate(pairwise(edges)):
            if number in restarts:
                arrays = going.export()
                going = AlertEngine(policy, CLASSES)
                going.restore(arrays)
            for stream in ("a", "b")[: 1 + number % 2]:
                batch = part(frame, scores, begin, end)
                found, expected = going.process(*batch, stream), steady.process(*batch, stream)
                assert found.notices == expected.notices
                assert found.alerting.tolist() == expected.alerting.tolist()
    assert (going.hosts_held, going.caps_acted) == (steady.hosts_held, steady.caps_acted)


def bots(hosts: int) -> AlertEngine:
    alerting = AlertEngine(POLICY, CLASSES)
    frame = frame_of([{"id.orig_h": f"10.0.{i // 250}.{i % 250}", "ts": START + i} for i in range(hosts)])
    alerting.process(frame, scores_of([0.99] * hosts), "conn")
    return alerting


def test_an_export_has_the_size_of_what_is_held() -> None:
    sizes = [sum(array.nbytes for array in bots(hosts).export().values()) for hosts in (100, 300)]
    assert sizes[1] / sizes[0] == pytest.approx(3, rel=0.1)


def test_an_export_stays_as_it_is_while_alerting_goes_on() -> None:
    alerting = bots(3)
    arrays = alerting.export()
    before = {key: array.copy() for key, array in arrays.items()}
    alerting.process(frame_of([{"id.orig_h": "10.0.0.1", "ts": START + 9}]), scores_of([0.99]), "conn")
    for key, array in before.items():
        np.testing.assert_array_equal(arrays[key], array)


def test_state_for_other_classes_is_refused_and_changes_nothing() -> None:
    arrays = bots(3).export()
    other = AlertEngine(POLICY, CLASSES[:2])
    other.process(frame_of([{}]), scores_of([0.99]), "conn")
    with pytest.raises(StateError, match=r"evidence: found float64 of shape \(3, 4\), expected .*\(3, 2\)"):
        other.restore(arrays)
    assert other.hosts_held == 1


def test_another_allowlist_loses_nothing() -> None:
    alerting = bots(1)
    frame = frame_of([{"id.orig_h": "10.0.0.0", "ts": START + 400}])
    ours = Allowlist.parse([{"reason": "a scanner of ours", "networks": ["10.0.0.0/8"]}], "allowlist")
    alerting.reload(replace(POLICY, allowlist=ours))
    assert not alerting.process(frame, scores_of([0.99]), "conn").alerting.any()
    alerting.reload(POLICY)
    first = alerting.process(frame, scores_of([0.99]), "conn").notices[0]
    assert (first.note, first.n) == ("ZeekML::Botnet_Connection", 1)
    assert alerting.hosts_held == 1
