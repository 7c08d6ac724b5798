"""A sensor that misses packets, or sees one side: what is logged then, and what is not there any more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import row
from tests.training.data import log_of
from zeekml.features import LAYOUT, StateLimits, StreamState, features
from zeekml.records.schema import COLUMNS
from zeekml.training import load_recipe
from zeekml.training.captures import load_captures
from zeekml.training.overlays import HostLog
from zeekml.training.recipe import VariationPart
from zeekml.training.sight import seen, tcp_state

LOSSY = VariationPart(loss=1.0, loss_most=0.9)
ONE_SIDED = VariationPart(one_sided=1.0)
#: Connections as Zeek logs them: protocol, history, packets of either side.
KINDS = (
    ("tcp", "ShADadFf", 6, 5), ("tcp", "ShADadFfR", 7, 5), ("tcp", "ShADad", 30, 40), ("tcp", "S", 3, 0),
    ("tcp", "S", 1, 0), ("tcp", "Sr", 1, 1), ("tcp", "SrSr", 2, 2), ("tcp", "ShR", 2, 1), ("tcp", "C", 0, 0),
    ("tcp", None, 4, 4),
    ("udp", "Dd", 1, 1), ("udp", "Dd", 4, 4), ("udp", "D", 1, 0), ("icmp", None, 2, 2), ("icmp", "C", 1, 0),
)  # fmt: skip
STATES = {"S": "S0", "Sr": "REJ", "SrSr": "REJ", "D": "S0", "ShADad": "S1", "ShR": "RSTO", "C": "OTH"}


def log_of_kinds(kinds: list[tuple[str, str | None, int, int]], *, lasts: bool = True) -> HostLog:
    rows = [
        row(
            uid=f"C{at}", ts=1.7e9 + at, proto=proto, history=history, orig_pkts=float(out), resp_pkts=float(back),
            conn_state="OTH" if proto == "icmp" else STATES.get(history or "", "SF"),
            duration=0.5 if lasts and out + back > 1 else None, orig_bytes=40.0 * out if out + back > 1 else None,
            resp_bytes=40.0 * back if out + back > 1 else None, orig_ip_bytes=80.0 * out, resp_ip_bytes=80.0 * back,
        )
        for at, (proto, history, out, back) in enumerate(kinds)
    ]  # fmt: skip
    log = log_of(rows, list(range(len(rows))))
    return HostLog(log.capture, log.host, log.frame, log.labels, np.arange(len(rows)) % 2 == 0)


def drawn(log: HostLog, part: VariationPart, times: int = 40) -> list[HostLog]:
    return [seen(log, part, np.random.default_rng(seed)) for seed in range(times)]


def sides(log: HostLog) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log as seen from the originator alone, and from the responder."""
    found = {bool((out.frame["orig_pkts"] > 0).any()): out.frame for out in drawn(log, ONE_SIDED)}
    return found[True], found[False]


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ("ShADadFf", "SF"), ("ShADadFfR", "SF"), ("ShADad", "S1"), ("ShADadF", "S2"), ("ShADadf", "S3"), ("S", "S0"),
        ("SADa", "S0"), ("Sr", "REJ"), ("ShADadr", "RSTR"), ("ShADadR", "RSTO"), ("SR", "RSTOS0"), ("DR", "RSTOS0"),
        ("^hadf", "SHR"), ("^hadr", "RSTRH"), ("SADF", "SH"), ("F", "SH"), ("^df", "SHR"), ("hADadFf", "SF"),
        ("hADadF", "S2"), ("SADadf", "S3"), ("hADad", "OTH"), ("DadA", "OTH"), ("C", "OTH"), ("", "OTH"),
    ],
)  # fmt: skip
def test_the_state_follows_from_the_history(history: str, state: str) -> None:
    assert tcp_state(history) == state


def test_states_are_those_of_real_logs(shared_data: Path, root: Path) -> None:
    recipe = load_recipe(root / "models" / "recipes" / "conn-1-res.yaml")
    frames = [
        capture.frame[["proto", "history", "conn_state"]].astype("object")
        for capture in load_captures(recipe, shared_data)
    ]
    frame = pd.concat(frames)
    frame = frame[(frame["proto"] == "tcp") & frame["history"].notna()]
    assert len(frame) > 100_000
    assert (frame["history"].map(tcp_state) == frame["conn_state"]).mean() > 0.995


def test_by_default_a_sensor_sees_everything() -> None:
    log = log_of_kinds(list(KINDS))
    assert seen(log, VariationPart(), np.random.default_rng(0)) is log


@pytest.mark.parametrize("part", [LOSSY, ONE_SIDED], ids=["loss", "one side"])
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=20), seed=st.integers(0, 2**32))
def test_what_is_seen_is_some_of_it_as_zeek_would_log_it(
    part: VariationPart, kinds: list[tuple[str, str | None, int, int]], seed: int
) -> None:
    log = log_of_kinds(kinds)
    before = log.frame.copy(deep=True)
    out = seen(log, part, np.random.default_rng(seed))
    pd.testing.assert_frame_equal(log.frame, before)
    if out is log:
        return
    frame, kept = out.frame, out.labels
    assert frame.columns.tolist() == [column.name for column in COLUMNS]
    assert len(frame) == len(kept) == len(out.of_bot) > 0
    assert len(set(kept.tolist())) == len(kept)
    assert (out.of_bot == (kept % 2 == 0)).all()
    assert frame["uid"].tolist() == before["uid"].iloc[kept].tolist()
    assert (frame["ts"] + frame["duration"].fillna(0)).is_monotonic_increasing
    was = before.iloc[kept].reset_index(drop=True)
    for name in ("orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "orig_bytes", "resp_bytes"):
        assert ((frame[name] <= was[name]) | frame[name].isna()).all()
    packets = frame["orig_pkts"] + frame["resp_pkts"]
    assert ((packets > 0) | (was["orig_pkts"] + was["resp_pkts"] == 0)).all(), "of nothing nothing is logged"
    single = frame[(packets == 1) & (was["orig_pkts"] + was["resp_pkts"] > 1)]
    assert single[["duration", "orig_bytes", "resp_bytes"]].isna().all().all()
    assert (frame["history"].isna() == was["history"].isna()).all() or "C" in set(was["history"])
    for proto, history, state, back in zip(
        frame["proto"],
        frame["history"].astype("object"),
        frame["conn_state"],
        frame["resp_pkts"],
        strict=True,
    ):
        if proto == "tcp" and isinstance(history, str):
            assert state == tcp_state(history)
            assert back > 0 or not any(letter.islower() for letter in history)
    assert (frame["conn_state"][frame["proto"] == "icmp"] == "OTH").all()
    assert features(frame, StreamState(StateLimits())).shape == (len(frame), len(LAYOUT.features))


def test_with_packets_missed_sizes_of_tcp_stay_and_those_of_datagrams_shrink() -> None:
    large = {"orig_pkts": 1000.0, "orig_ip_bytes": 900_000.0, "orig_bytes": 850_000.0}
    log = log_of([row(**large), row(**large, proto="udp", history="Dd")])
    for out in drawn(log, LOSSY):
        tcp, udp = out.frame.iloc[0], out.frame.iloc[1]
        lost = 1 - tcp["orig_pkts"] / 1000
        assert 0 <= lost < 0.95
        assert tcp["orig_ip_bytes"] == pytest.approx(900_000 * (1 - lost), abs=1)
        assert tcp["orig_bytes"] == 850_000
        assert tcp["missed_bytes"] >= round(850_000 * lost) - 1
        assert udp["orig_bytes"] == pytest.approx(850 * udp["orig_pkts"], abs=1)
        assert udp["missed_bytes"] == 0


def test_what_begins_and_ends_a_connection_is_missed_like_any_packet() -> None:
    log = log_of([row(history="ShADadFf", orig_pkts=10.0, resp_pkts=10.0)] * 400)
    out = seen(log, VariationPart(loss=1.0, loss_most=1e-9), np.random.default_rng(0))
    assert set(out.frame["history"]) == {"ShADadFf"}
    frame = seen(log, LOSSY, np.random.default_rng(1)).frame
    rate = 1 - frame["orig_pkts"].mean() / 10
    for letter in "ShFf":
        without = 1 - frame["history"].astype("str").str.contains(letter).mean()
        assert without == pytest.approx(rate, abs=0.08)
    assert set(frame["conn_state"]) >= {"SF", "S2", "S3"}


def test_a_refusal_that_was_missed_is_no_answer() -> None:
    frame = drawn(log_of_kinds([("tcp", "Sr", 1, 1)] * 200), LOSSY, 1)[0].frame
    found = set(
        zip(frame["conn_state"], frame["history"], frame["orig_pkts"], frame["resp_pkts"], strict=True)
    )
    assert found <= {("REJ", "Sr", 1.0, 1.0), ("S0", "S", 1.0, 0.0), ("RSTRH", "^r", 0.0, 1.0)}
    assert ("S0", "S", 1.0, 0.0) in found


def test_a_connection_without_packets_stays_as_it_is() -> None:
    log = log_of_kinds([("tcp", "C", 0, 0), ("tcp", "ShADadFf", 6, 5)] * 20)
    for out in drawn(log, LOSSY):
        mine = out.frame[out.frame["history"] == "C"]
        assert len(mine) == 20
        assert (mine["conn_state"] == "OTH").all()


def test_from_the_originator_alone_nothing_is_answered() -> None:
    histories = ("ShADadFf", "ShADadR", "ShADad", "Sr", "DadA", "Dd")
    rows = [row(history=text, proto="tcp" if text != "Dd" else "udp") for text in histories]
    mine, _ = sides(log_of(rows))
    assert mine["history"].tolist() == ["SADF", "SADR", "SAD", "S", "DA", "D"]
    assert mine["conn_state"].tolist() == ["SH", "RSTOS0", "S0", "S0", "OTH", "S0"]
    assert (mine[["resp_pkts", "resp_bytes", "resp_ip_bytes"]] == 0).all().all()
    assert mine["service"].isna().tolist() == [True] * 5 + [False]


def test_from_the_responder_alone_what_it_never_answered_or_would_be_taken_for_its_own_is_not_there() -> None:
    rows = [
        row(uid="answered", history="ShADadFf"),
        row(uid="reset", history="ShADadr"),
        row(uid="open", history="ShADad"),
        row(uid="nobody", history="S", resp_pkts=0.0, conn_state="S0"),
        row(uid="datagram", history="Dd", proto="udp", id_resp_p=53),
        row(uid="odd port", history="ShADadFf", id_resp_p=4444),
    ]
    _, theirs = sides(log_of(rows))
    assert theirs["uid"].tolist() == ["answered", "reset", "open", "datagram"]
    assert theirs["history"].tolist() == ["^hadf", "^hadr", "^had", "^d"]
    assert theirs["conn_state"].tolist() == ["SHR", "RSTRH", "OTH", "SHR"]
    assert (theirs[["orig_pkts", "orig_bytes", "orig_ip_bytes"]] == 0).all().all()


def test_where_nothing_would_be_left_nothing_is_changed() -> None:
    log = log_of_kinds([("tcp", "S", 3, 0), ("udp", "D", 1, 0)] * 5)
    outs = drawn(log, ONE_SIDED)
    assert any(out is log for out in outs)
    assert all(out is log or (out.frame["orig_pkts"] > 0).all() for out in outs)
