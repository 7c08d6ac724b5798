"""The weights of scores, and the scan against adding up one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.alerts.evidence import HostEvidence, weigh


def test_weights_are_log_odds_above_the_floor() -> None:
    score = np.array([0.0, 0.3, 0.5, 0.75, 0.9, 0.999999, 1.0])
    assert weigh(score, 0.5) == pytest.approx([0, 0, 0, np.log(3), np.log(9), 8, 8])
    assert weigh(score, 0.75)[4] == pytest.approx(np.log(9) - np.log(3))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 2000), st.floats(0, 8)), max_size=40),
    st.integers(0, 40),
)
def test_the_scan_adds_up_as_one_by_one_does(rows: list[tuple[int, float, float]], cut: int) -> None:
    half_life, forget_after = 50.0, 1000.0
    sums: dict[int, tuple[float, float]] = {}
    wanted = []
    for host, time, weight in rows:
        before, evidence = sums.get(host, (-np.inf, 0.0))
        clock = max(before, time)
        kept = 0.0 if clock - before > forget_after else evidence * 2 ** (-(clock - before) / half_life)
        sums[host] = (clock, kept + weight)
        wanted.append(kept + weight)

    hosts = HostEvidence(1, half_life, forget_after)
    found: list[float] = []
    for part in (rows[:cut], rows[cut:]):
        names, times, weights = zip(*part, strict=True) if part else ((), (), ())
        distinct = sorted(set(names))
        slots = dict(zip(distinct, hosts.slots([str(name) for name in distinct]).tolist(), strict=True))
        update = hosts.update(
            np.array([slots[name] for name in names], dtype=np.int64),
            np.zeros(len(part), dtype=np.int64),
            event_time=np.array(times, dtype=np.float64),
            weight=np.array(weights, dtype=np.float64),
            line=np.arange(len(part)) + len(found),
        )
        in_log_order = np.empty(len(part))
        in_log_order[update.order] = update.evidence
        found += in_log_order.tolist()
    assert found == pytest.approx(wanted, abs=1e-7)


def test_slots_grow_and_hosts_longest_quiet_go_first() -> None:
    hosts = HostEvidence(2, 100.0, 1000.0)
    slots = hosts.slots([str(i) for i in range(500)])
    assert hosts.capacity >= 500
    order = np.arange(500)[::-1]
    ones = np.ones(500)
    hosts.update(
        slots[order], np.zeros(500, dtype=np.int64), event_time=ones, weight=ones, line=np.arange(500)
    )
    kept = hosts.keep_latest(3)
    assert kept is not None
    assert kept.tolist() == [0, 1, 2]
    assert len(hosts) == 3
    assert hosts.keep_latest(3) is None
    assert hosts.slots(["2", "0", "new"]).tolist() == [2, 0, 3]
    update = hosts.update(
        np.array([2]),
        np.array([1]),
        event_time=np.array([101.0]),
        weight=np.array([2.0]),
        line=np.array([500]),
    )
    assert update.evidence.tolist() == [2.5]
    assert update.leading.tolist() == [1]
