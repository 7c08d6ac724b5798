"""Context features: independent of batches and of what comes later, right, bounded, and blind to addresses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Floats, cut, cuts, frame_of, logs, matrix_of, random_log, row, values_of
from tests.features.reference import context
from zeekml.features import LAYOUT, StateLimits, StreamState, connection, features

#: Small enough that hosts and pairs go idle and contexts are trimmed within a few dozen connections.
SMALL = StateLimits(idle=100, max_pairs=9)
TINY = StateLimits(idle=100, max_pairs=3)
FIRST_OF_CONTEXT = len(connection.FEATURES)


def in_batches(frame: pd.DataFrame, places: list[int], state: StreamState) -> Floats:
    return np.concatenate([features(part, state) for part in cut(frame, places)])


@settings(deadline=None, max_examples=60)
@given(frame=logs(), places=cuts(), limits=st.sampled_from((SMALL, TINY)))
def test_cuts_change_nothing(frame: pd.DataFrame, places: list[int], limits: StateLimits) -> None:
    """Bit for bit: any batches against the whole."""
    np.testing.assert_array_equal(in_batches(frame, places, StreamState(limits)), matrix_of(frame, limits))


@settings(deadline=None, max_examples=30)
@given(frame=logs(), share=st.floats(0, 1))
def test_what_comes_later_changes_nothing(frame: pd.DataFrame, share: float) -> None:
    count = max(int(len(frame) * share), 1)
    np.testing.assert_array_equal(matrix_of(cut(frame, [count])[0], SMALL), matrix_of(frame, SMALL)[:count])


@settings(deadline=None, max_examples=60)
@given(frame=logs(), limits=st.sampled_from((SMALL, TINY)))
def test_it_agrees_with_a_plain_reference(frame: pd.DataFrame, limits: StateLimits) -> None:
    expect_reference(frame, limits)


@pytest.mark.parametrize(
    ("limits", "peers"),
    [(StateLimits(), 12), (StateLimits(idle=60), 12), (StateLimits(max_pairs=16), 40), (TINY, 6)],
    ids=["default", "idle", "crowded", "tiny"],
)
def test_a_long_log_agrees_with_the_reference(limits: StateLimits, peers: int) -> None:
    frame = random_log(5, 1200, peers=peers)
    expect_reference(frame, limits)
    np.testing.assert_array_equal(
        in_batches(frame, list(range(0, 1200, 37)), StreamState(limits)), matrix_of(frame, limits)
    )


def expect_reference(frame: pd.DataFrame, limits: StateLimits) -> None:
    found = pd.DataFrame(
        matrix_of(frame, limits)[:, FIRST_OF_CONTEXT:], columns=LAYOUT.names[FIRST_OF_CONTEXT:]
    )
    expected = pd.DataFrame(context(frame, limits))[list(found.columns)]
    for name in found.columns:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-6, err_msg=name)


def test_a_host_that_was_idle_starts_anew() -> None:
    times = (0.0, 90.0, 190.0, 291.0)
    values = values_of(frame_of(row(ts=1e9 + t, duration=None) for t in times), StateLimits(idle=100))
    assert [np.isnan(v["host_gap"]) for v in values] == [True, False, False, True]
    assert [v["pair_new"] for v in values] == [1, 0, 0, 1]
    assert values[3]["pair_worked"] == 0


def test_a_pair_that_was_idle_starts_anew_while_its_host_goes_on() -> None:
    rows = [
        row(ts=1e9 + t, duration=None, id_resp_p=port) for t, port in ((0, 1), (60, 2), (101, 1), (150, 2))
    ]
    values = values_of(frame_of(rows), StateLimits(idle=100))
    assert [v["pair_new"] for v in values] == [1, 1, 1, 0]
    assert [np.isnan(v["host_gap"]) for v in values] == [True, False, False, False]


def test_the_clock_of_a_host_is_the_latest_end_and_never_goes_back() -> None:
    rows = [row(ts=1e9 + ts, duration=duration) for ts, duration in ((0, 50.0), (10, 5.0), (40, 20.0))]
    values = values_of(frame_of(rows))
    assert values[1]["host_gap"] == 0
    assert values[2]["host_gap"] == pytest.approx(np.log1p(10_000))


def test_protocols_are_pairs_of_their_own() -> None:
    rows = [
        row(proto=proto, id_resp_p=3, ts=1e9 + i) for i, proto in enumerate(("tcp", "udp", "icmp", "tcp"))
    ]
    assert [v["pair_new"] for v in values_of(frame_of(rows))] == [1, 1, 1, 0]


def test_icmp_types_are_not_taken_for_ports() -> None:
    rows = [row(proto=proto, id_resp_p=3, ts=1e9 + i) for i, proto in enumerate(("tcp", "icmp", "icmp"))]
    shares = [v["host_same_port"] for v in values_of(frame_of(rows))]
    assert shares == pytest.approx([1, 1 / 2, 2 / 3])


def test_streams_know_nothing_of_each_other() -> None:
    frame = random_log(1, 60)
    state = StreamState(StateLimits())
    features(frame, state)
    np.testing.assert_array_equal(features(frame, StreamState(StateLimits())), matrix_of(frame))
    assert not np.array_equal(features(frame, state), matrix_of(frame), equal_nan=True)


@settings(deadline=None, max_examples=40)
@given(frame=logs(), places=cuts())
def test_a_host_never_holds_more_pairs_than_it_may(frame: pd.DataFrame, places: list[int]) -> None:
    for limits in (SMALL, TINY):
        state = StreamState(limits)
        for part in cut(frame, places):
            features(part, state)
            held = np.bincount(state.pairs["host"][state.pairs.slots], minlength=state.hosts.capacity)
            assert held.max() <= limits.max_pairs
            np.testing.assert_array_equal(held[state.hosts.slots], state.hosts["pairs"][state.hosts.slots])


def test_pairs_are_bounded_in_a_scan() -> None:
    limits = StateLimits(max_pairs=64)
    state = StreamState(limits)
    for start in range(0, 2000, 90):
        features(
            frame_of(
                row(ts=1e9 + i, id_resp_h=f"10.0.{i // 250}.{i % 250}") for i in range(start, start + 90)
            ),
            state,
        )
        assert len(state.pairs) <= 64


class TestCaps:
    """``max_hosts`` and ``max_contexts``, enforced after every so many connections of a stream."""

    EVERY = 16
    LIMITS = StateLimits(idle=1e6, max_pairs=100, max_hosts=2, max_contexts=5)

    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("zeekml.features.state.CAP_EVERY", self.EVERY)

    @settings(deadline=None, max_examples=40)
    @given(frame=logs(), places=cuts())
    def test_cuts_change_nothing(self, frame: pd.DataFrame, places: list[int]) -> None:
        limits = StateLimits(idle=100, max_pairs=9, max_hosts=2, max_contexts=5)
        whole, pieces = StreamState(limits), StreamState(limits)
        np.testing.assert_array_equal(in_batches(frame, places, pieces), features(frame, whole))
        assert whole.caps_acted == pieces.caps_acted
        np.testing.assert_array_equal(whole.hosts.keys, pieces.hosts.keys)
        np.testing.assert_array_equal(whole.pairs.keys, pieces.pairs.keys)

    def test_the_hosts_seen_least_recently_go_first(self) -> None:
        hosts = [f"192.168.1.{i % 4}" for i in range(self.EVERY)]
        frame = frame_of(row(ts=1e9 + i, id_orig_h=host) for i, host in enumerate(hosts))
        state = StreamState(self.LIMITS)
        features(frame, state)
        assert (len(state.hosts), len(state.pairs), state.caps_acted) == (2, 2, 2)
        after = frame_of(row(ts=1e9 + 20 + i, id_orig_h=f"192.168.1.{i}") for i in range(4))
        gaps = features(after, state)[:, LAYOUT.names.index("host_gap")]
        assert np.isnan(gaps).tolist() == [True, True, False, False]

    def test_the_contexts_used_least_recently_go_first(self) -> None:
        frame = frame_of(row(ts=1e9 + i, id_resp_p=min(i, 8)) for i in range(self.EVERY))
        state = StreamState(self.LIMITS)
        features(frame, state)
        assert (len(state.hosts), len(state.pairs), state.caps_acted) == (1, 5, 4)
        after = frame_of(row(ts=1e9 + 20 + i, id_resp_p=i) for i in range(9))
        new = features(after, state)[:, LAYOUT.names.index("pair_new")]
        assert new.tolist() == [1] * 4 + [0] * 5

    def test_below_the_caps_nothing_acts(self) -> None:
        state = StreamState(StateLimits())
        features(random_log(2, 100), state)
        assert state.caps_acted == 0


RENAMED = {
    "192.168.1.10": "10.99.0.4", "192.168.1.11": "172.20.3.3", "203.0.113.9": "8.8.4.4",
    "198.51.100.1": "1.2.3.4", "198.51.100.2": "99.98.97.96", "198.51.100.3": "2001:db8::5",
    "192.168.1.20": "fd00::20", "192.168.1.255": "10.255.255.255", "224.0.0.251": "ff02::fb",
}  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(frame=logs())
def test_no_address_leaks(frame: pd.DataFrame) -> None:
    """Other addresses of the same kinds, other uids: the same features."""
    other = frame.assign(uid=[f"C{i}" for i in range(len(frame))])
    for name in ("id.orig_h", "id.resp_h"):
        other[name] = frame[name].cat.rename_categories(RENAMED)
    np.testing.assert_array_equal(matrix_of(other, SMALL), matrix_of(frame, SMALL))


@settings(deadline=None, max_examples=30)
@given(frame=logs(), shift=st.integers(-1_600_000_000, 100_000_000))
def test_no_absolute_time_leaks(frame: pd.DataFrame, shift: int) -> None:
    moved = frame.assign(ts=frame["ts"] + shift)
    np.testing.assert_allclose(matrix_of(moved, SMALL), matrix_of(frame, SMALL), rtol=1e-5, atol=1e-5)
