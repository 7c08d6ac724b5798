"""A scenario makes exactly what was asked, the same every time, in log order, and consistent in itself."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeekml.errors import ConfigError
from zeekml.simulate import PATTERNS, Connections, Scenario, simulate
from zeekml.simulate.addresses import PUBLIC_RANGES, is_local, local_addresses, public_by_index
from zeekml.simulate.scenario import MOST_HOSTS
from zeekml.simulate.share import PIECE
from zeekml.simulate.table import (
    BENIGN,
    FIELDS,
    HISTORIES,
    LABELS,
    MICROSECONDS,
    PROTOS,
    SCAN,
    SERVICES,
    STATES,
    concat,
)


def whole(scenario: Scenario) -> Connections:
    return concat(list(simulate(scenario)))


@pytest.fixture(scope="module")
def table() -> Connections:
    return whole(Scenario(connections=60_000, seed=3))


def test_it_makes_as_many_as_asked_in_log_order(table: Connections) -> None:
    assert len(table) == 60_000
    assert (np.diff(table.ends) >= 0).all()
    assert (np.diff(table.ts) < 0).any(), "connections are logged when they end, so ts goes back now and then"
    assert table.ts.min() >= Scenario().start * MICROSECONDS


def test_every_label_service_and_state_occurs(table: Connections) -> None:
    assert set(table.label) == set(range(len(LABELS)))
    assert set(table.service) == set(range(len(SERVICES)))
    assert set(table.conn_state) == set(range(len(STATES)))
    assert set(table.proto) == set(range(len(PROTOS)))


def test_numbers_identify_connections(table: Connections) -> None:
    assert len(np.unique(table.number)) == len(table)
    assert len(np.unique(table.number >> np.uint64(13))) == len(table)


def test_the_same_scenario_makes_the_same(table: Connections) -> None:
    again = whole(Scenario(connections=60_000, seed=3))
    assert all(np.array_equal(getattr(again, name), getattr(table, name)) for name in FIELDS)
    other = whole(Scenario(connections=60_000, seed=4))
    assert not np.array_equal(other.ts, table.ts)


def test_a_longer_log_of_the_same_network_begins_alike() -> None:
    short, long = (whole(Scenario(connections=count, seed=5, hosts=30)) for count in (3_000, 9_000))
    head = long.take(slice(0, 3_000))
    assert all(np.array_equal(getattr(short, name), getattr(head, name)) for name in FIELDS)


def test_what_a_connection_says_fits_together(table: Connections) -> None:
    state = np.array(STATES)[table.conn_state]
    history = np.array([text or "" for text in HISTORIES])[table.history]
    tcp = table.proto == PROTOS.index("tcp")

    unanswered = state == "S0"
    assert (table.resp_pkts[unanswered] == 0).all()
    assert (table.resp_bytes[unanswered] <= 0).all()
    assert set(history[unanswered]) == {"S", "D"}
    lone = (table.orig_pkts + table.resp_pkts) == 1
    assert (table.duration[lone] < 0).all()
    assert (table.orig_bytes[lone] < 0).all()
    assert (table.resp_bytes[lone] < 0).all()
    assert (table.duration[~lone] > 0).all()
    assert (table.orig_bytes[~lone] >= 0).all()

    refused = state == "REJ"
    assert set(history[refused]) == {"Sr"}
    assert (table.orig_bytes[refused] == 0).all()
    assert set(state[history == "Sh"]) == {"S1"}

    for pkts, ip_bytes, payload, upper in (
        (table.orig_pkts, table.orig_ip_bytes, table.orig_bytes, True),
        (table.resp_pkts, table.resp_ip_bytes, table.resp_bytes, False),
    ):
        assert (ip_bytes >= pkts * 28 + np.maximum(payload, 0)).all()
        assert (ip_bytes - np.maximum(payload, 0) <= pkts * 60 + 8 + 512 * lone).all()
        assert ((pkts == 0) <= (ip_bytes == 0)).all()
        sent = np.char.find(history, "D" if upper else "d") >= 0
        assert ((payload > 0) <= (sent | ~tcp)).all()

    closed = np.array(["F" in text and "f" in text for text in history])
    assert (closed[(state == "SF") & tcp]).all()
    assert set(history[~tcp & (table.proto == PROTOS.index("icmp"))]) == {""}


def test_icmp_ports_are_type_and_code(table: Connections) -> None:
    icmp = table.proto == PROTOS.index("icmp")
    assert set(table.orig_p[icmp]) == {8}
    assert set(table.resp_p[icmp]) == {0}


def test_no_real_party_is_named(table: Connections) -> None:
    allowed = [ipaddress.IPv4Network(text) for text in (*PUBLIC_RANGES, "10.0.0.0/8", "192.168.0.0/16")]
    for value in np.unique(np.concatenate([table.orig_h, table.resp_h])).tolist():
        assert any(ipaddress.IPv4Address(value) in network for network in allowed)
    assert is_local(table.orig_h).all()


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_stands_alone(name: str) -> None:
    table = whole(Scenario(connections=50, seed=1, hosts=40, patterns=(name,)))
    assert len(table) == 50
    assert (table.ts >= Scenario().start * MICROSECONDS).all()


def test_a_scan_tries_many_and_a_beacon_keeps_time() -> None:
    scan = whole(Scenario(connections=1_000, seed=1, hosts=12, patterns=("mirai-scan",)))
    assert len(np.unique(scan.resp_h)) > 990
    assert set(scan.resp_p) == {23, 2323}
    assert (scan.conn_state == STATES.index("S0")).mean() > 0.9
    regular, jittered = (
        np.diff(np.sort(whole(Scenario(connections=100, hosts=12, patterns=(name,))).ts)) / MICROSECONDS
        for name in ("beacon-regular", "beacon-jittered")
    )
    assert regular.std() < 0.05
    assert jittered.std() > 5


def test_backups_run_at_night() -> None:
    table = whole(Scenario(connections=200, hosts=60, patterns=("backups",)))
    hours = table.ts // MICROSECONDS % 86_400 // 3600
    assert set(hours) == {22}
    assert np.median(table.orig_bytes) > 50e6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"connections": 0}, "connections is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"hosts": 0}, "hosts is 0"),
        ({"hosts": 5_000_000}, "hosts is 5000000"),
        ({"malicious": 1.5}, "malicious is 1.5"),
        ({"malicious": float("nan")}, "malicious is nan"),
        ({"start": float("nan")}, "start is nan"),
        ({"patterns": ("browsing", "magic")}, "no pattern named magic"),
        ({"patterns": ()}, "expected some of browsing"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Scenario(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.6, 1.0])
def test_as_many_are_malicious_as_asked(share: float) -> None:
    table = whole(Scenario(connections=60_000, seed=3, malicious=share))
    assert len(table) == 60_000
    off = PIECE + 0.1 * share * 60_000 if 0 < share < 1 else 0  # they are logged later than they start
    assert (table.label != BENIGN).sum() == pytest.approx(share * 60_000, abs=off)
    assert (np.diff(table.ends) >= 0).all()


def test_what_is_left_of_a_scan_still_is_one() -> None:
    table = whole(Scenario(connections=60_000, seed=3, malicious=0.02))
    scan = table.take(table.label == SCAN)
    assert len(scan) / len(np.unique(scan.orig_h)) >= PIECE / 4
    assert np.median(np.diff(np.sort(scan.ts[scan.orig_h == scan.orig_h[0]]))) < 2 * MICROSECONDS


def test_a_share_that_the_patterns_cannot_give_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"in a week that malicious 0.5 leaves in"):
        whole(Scenario(connections=10, patterns=("ntp",), malicious=0.5))
    assert len(whole(Scenario(connections=10, patterns=("ntp",), malicious=0.0))) == 10


@pytest.mark.parametrize("hosts", [1, 5])
def test_few_hosts_are_addresses_of_many(hosts: int) -> None:
    table = whole(Scenario(connections=5_000, seed=3, hosts=hosts))
    assert len(np.unique(table.orig_h)) == hosts
    assert is_local(table.orig_h).all()
    apart = whole(Scenario(connections=5_000, seed=3))
    assert np.array_equal(table.ts, apart.ts)
    assert len(np.unique(apart.orig_h)) > hosts


def test_of_many_hosts_every_one_has_its_own_address() -> None:
    table = whole(Scenario(connections=200_000, seed=3, hosts=300_000))
    assert len(np.unique(table.orig_h)) > 100_000
    assert is_local(table.orig_h).all()
    assert len(np.unique(local_addresses(MOST_HOSTS))) == MOST_HOSTS


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50))
def test_outside_addresses_are_outside(index: list[int]) -> None:
    addresses = public_by_index(np.array(index, dtype=np.int64))
    assert not is_local(addresses).any()
    networks = [ipaddress.IPv4Network(text) for text in PUBLIC_RANGES]
    assert all(any(ipaddress.IPv4Address(value) in one for one in networks) for value in addresses.tolist())


@settings(max_examples=15, deadline=None)
@given(connections=st.integers(1, 3_000), seed=st.integers(0, 2**40), hosts=st.integers(1, 300))
def test_any_size_seed_and_network(connections: int, seed: int, hosts: int) -> None:
    table = whole(Scenario(connections=connections, seed=seed, hosts=hosts))
    assert len(table) == connections
    assert (np.diff(table.ends) >= 0).all()
