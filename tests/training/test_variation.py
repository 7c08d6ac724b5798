"""Variations of a bot: pace and scanned ports change, the rest stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from tests.builders import row
from tests.training.data import log_of
from zeekml.training.overlays import HostLog
from zeekml.training.recipe import VariationPart
from zeekml.training.variation import varied

PACED = VariationPart(pace=1.0, ports=0.0, pace_factor=3.0)
MOVED = VariationPart(pace=0.0, ports=1.0)


def scanner(peers: int = 25, states: Sequence[str] = ("S0",), proto: str = "tcp") -> HostLog:
    """A scan of port 23, and a few connections to other ports."""
    rows = [
        row(
            ts=1.7e9 + 2 * i, id_resp_h=f"198.51.100.{i}", id_resp_p=23, proto=proto,
            conn_state=states[i % len(states)], duration=None,
        )
        for i in range(peers)
    ]  # fmt: skip
    rows += [row(ts=1.7e9 + 60 + i, duration=3.0) for i in range(3)]
    return log_of(rows)


def test_without_variation_nothing_changes() -> None:
    log = scanner()
    assert varied(log, VariationPart(pace=0, ports=0), np.random.default_rng(0)) is log


def test_pace_stretches_the_time_between_ends() -> None:
    log = scanner()
    before = (log.frame["ts"] + log.frame["duration"].fillna(0)).to_numpy()
    factors = []
    for seed in range(30):
        frame = varied(log, PACED, np.random.default_rng(seed)).frame
        after = (frame["ts"] + frame["duration"].fillna(0)).to_numpy()
        factor = np.diff(after) / np.diff(before)
        np.testing.assert_allclose(factor, factor[0], rtol=1e-5)
        assert after[0] == before[0]
        factors.append(float(factor[0]))
        pd.testing.assert_frame_equal(frame.drop(columns="ts"), log.frame.drop(columns="ts"))
    assert min(factors) >= 1 / 3 - 1e-4
    assert max(factors) <= 3 + 1e-4
    assert min(factors) < 1 < max(factors)


def test_a_scan_moves_to_another_port_and_nothing_else_does() -> None:
    log = scanner()
    ports = set()
    for seed in range(30):
        frame = varied(log, MOVED, np.random.default_rng(seed)).frame
        (port,) = frame["id.resp_p"][:25].unique()
        ports.add(int(port))
        assert (frame["id.resp_p"][25:] == 443).all()
        pd.testing.assert_frame_equal(frame.drop(columns="id.resp_p"), log.frame.drop(columns="id.resp_p"))
        assert frame["id.resp_p"].dtype == np.int32
    assert len(ports) > 5


@pytest.mark.parametrize(
    "log",
    [
        scanner(peers=19),
        scanner(states=("SF",)),
        scanner(peers=100, states=("S0", "SF", "SF")),
        scanner(proto="udp"),
    ],
    ids=["few peers", "answered", "mostly answered", "UDP"],
)
def test_what_is_no_scan_stays(log: HostLog) -> None:
    for seed in range(10):
        frame = varied(log, MOVED, np.random.default_rng(seed)).frame
        np.testing.assert_array_equal(frame["id.resp_p"], log.frame["id.resp_p"])


def test_the_original_is_not_changed_and_labels_stay() -> None:
    log = scanner()
    before = log.frame.copy(deep=True)
    other = varied(log, VariationPart(pace=1, ports=1), np.random.default_rng(1))
    pd.testing.assert_frame_equal(log.frame, before)
    assert not other.frame.equals(before)
    assert other.labels is log.labels
    assert other.of_bot is log.of_bot


def test_shares_of_the_draws() -> None:
    log = scanner()
    part = VariationPart(pace=0.3, ports=0.0)
    changed = sum(varied(log, part, np.random.default_rng(seed)) is not log for seed in range(200))
    assert 35 <= changed <= 85


DEAD = VariationPart(pace=0.0, ports=0.0, dead=1.0)
SERVER = "198.51.100.1"


def caller(protos: Sequence[str] = ("tcp",), calls: int = 12, **changes: object) -> HostLog:
    """Calls to one server, each followed by one to another that is called but once; not in the order of their ends."""
    rows = []
    for i in range(calls):
        proto = protos[i % len(protos)]
        history = "ShADadFf" if proto == "tcp" else "Dd"
        mine = {"proto": proto, "history": history, "duration": 0.5 + 25 * (i % 3 == 0)} | changes
        rows.append(row(uid=f"S{i}", ts=1.7e9 + 20 * i, id_resp_h=SERVER, **mine))
        rows.append(row(uid=f"O{i}", ts=1.7e9 + 20 * i + 5, id_resp_h=f"198.51.100.{9 + i}", duration=3.0))
    return log_of(rows, [1] * len(rows))


@pytest.mark.parametrize("protos", [("tcp",), ("tcp", "udp")], ids=["tcp", "both"])
def test_a_server_that_is_gone_never_answers_again_and_others_do(protos: Sequence[str]) -> None:
    log, states, firsts = caller(protos), set(), set()
    for seed in range(40):
        out = varied(log, DEAD, np.random.default_rng(seed))
        frame = out.frame
        assert (frame["ts"] + frame["duration"].fillna(0)).is_monotonic_increasing
        assert sorted(frame["uid"]) == sorted(log.frame["uid"])
        assert out.labels.tolist() == [1] * len(frame)
        mine = frame[frame["id.resp_h"] == SERVER].sort_values("ts")
        gone = (mine["conn_state"] != "SF").to_numpy()
        firsts.add(int(gone.argmax()))
        assert gone[gone.argmax() :].all(), "from one call on"
        tcp, udp = (mine[gone & (mine["proto"] == proto).to_numpy()] for proto in ("tcp", "udp"))
        assert (udp["conn_state"] == "S0").all()
        assert (udp["history"] == "D").all()
        assert len(set(tcp["conn_state"])) <= 1
        states |= set(tcp["conn_state"])
        assert tcp["service"].isna().all()
        assert (mine[gone]["resp_bytes"].fillna(0) == 0).all()
        assert (tcp["orig_ip_bytes"] >= tcp["orig_bytes"].fillna(0) + 40 * tcp["orig_pkts"]).all()
        answers = {"S0": 0, "REJ": 1, "RSTR": 2}
        assert tcp["resp_pkts"].tolist() == [answers[state] for state in tcp["conn_state"]]
        others, before = (
            one[one["id.resp_h"] != SERVER].sort_values("ts").reset_index(drop=True)
            for one in (frame, log.frame)
        )
        pd.testing.assert_frame_equal(others, before, check_categorical=False)
    assert states == {"S0", "REJ", "RSTR"}
    assert len(firsts) > 5


def test_datagrams_to_a_server_that_is_gone_have_no_answer() -> None:
    frame = varied(caller(("udp",)), DEAD, np.random.default_rng(1)).frame
    gone = frame[frame["conn_state"] == "S0"]
    assert len(gone)
    assert (gone["history"] == "D").all()
    assert (gone["resp_pkts"] == 0).all()
    assert (gone["orig_bytes"] == 1000).all(), "the questions stay as they were"


def test_a_single_packet_has_neither_duration_nor_sizes() -> None:
    frame = varied(caller(("udp",), orig_pkts=1.0), DEAD, np.random.default_rng(1)).frame
    gone = frame[frame["conn_state"] == "S0"]
    assert len(gone)
    assert gone[["duration", "orig_bytes", "resp_bytes"]].isna().all().all()


def test_what_asked_for_nothing_sends_nothing_to_a_server_that_resets() -> None:
    histories = set()
    for seed in range(30):
        frame = varied(caller(orig_bytes=0.0), DEAD, np.random.default_rng(seed)).frame
        histories |= set(frame["history"][frame["conn_state"] == "RSTR"])
    assert histories == {"ShAr"}


@pytest.mark.parametrize(
    "log",
    [
        log_of([row(resp_pkts=0.0)] * 9),
        log_of([row(conn_state="REJ", history="Sr", resp_pkts=1.0)] * 9),
        log_of([row()] * 9, [0] * 9),
        caller(calls=1),
    ],
    ids=["no answer", "refused", "benign", "one call each"],
)
def test_without_a_server_that_was_called_twice_nothing_dies(log: HostLog) -> None:
    assert varied(log, DEAD, np.random.default_rng(0)) is log
