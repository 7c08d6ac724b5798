"""A sensor that misses packets, or sees one side: what is logged then, and what is not there any more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import logs, row
from tests.training.data import log_of
from zeekml.features import LAYOUT, StateLimits, StreamState, features
from zeekml.records.schema import COLUMNS
from zeekml.training.overlays import HostLog
from zeekml.training.recipe import VariationPart
from zeekml.training.sight import seen

LOSSY = VariationPart(loss=1.0, loss_most=0.5)
ONE_SIDED = VariationPart(one_sided=1.0)


def drawn(log: HostLog, part: VariationPart, times: int = 40) -> list[HostLog]:
    return [seen(log, part, np.random.default_rng(seed)) for seed in range(times)]


def sides(log: HostLog) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log as seen from the originator alone, and from the responder."""
    found = {bool((out.frame["orig_pkts"] > 0).any()): out.frame for out in drawn(log, ONE_SIDED)}
    return found[True], found[False]


def test_by_default_a_sensor_sees_everything() -> None:
    log = log_of([row(), row()])
    assert seen(log, VariationPart(), np.random.default_rng(0)) is log


@pytest.mark.parametrize("part", [LOSSY, ONE_SIDED])
@given(frame=logs(most=20), seed=st.integers(0, 2**32))
def test_what_is_seen_is_a_log_that_a_reader_could_give(
    part: VariationPart, frame: pd.DataFrame, seed: int
) -> None:
    count = len(frame)
    log = HostLog("c", "h", frame, np.arange(count), np.arange(count) % 2 == 0)
    out = seen(log, part, np.random.default_rng(seed))
    assert out.frame.columns.tolist() == [column.name for column in COLUMNS]
    assert 0 < len(out.frame) <= count or count == 0
    assert len(out.labels) == len(out.of_bot) == len(out.frame)
    kept = out.labels
    assert (np.diff(kept) > 0).all()
    assert (out.of_bot == (kept % 2 == 0)).all()
    assert out.frame["uid"].tolist() == frame["uid"].iloc[kept].tolist()
    for name in ("orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "orig_bytes", "resp_bytes"):
        after, before = out.frame[name], frame[name].iloc[kept].reset_index(drop=True)
        assert ((after <= before) | before.isna()).all()
        assert (after.isna() == before.isna()).all()
    if count:
        assert features(out.frame, StreamState(StateLimits())).shape == (len(out.frame), len(LAYOUT.features))


def test_with_packets_missed_sizes_of_tcp_stay_and_those_of_datagrams_shrink() -> None:
    large = {"orig_pkts": 1000.0, "orig_ip_bytes": 900_000.0, "orig_bytes": 850_000.0}
    log = log_of([row(**large), row(**large, proto="udp", history="Dd")])
    for out in drawn(log, LOSSY):
        tcp, udp = out.frame.iloc[0], out.frame.iloc[1]
        lost = 1 - tcp["orig_pkts"] / 1000
        assert 0 <= lost < 0.6
        assert tcp["orig_ip_bytes"] == pytest.approx(900_000 * (1 - lost), abs=1)
        assert tcp["orig_bytes"] == 850_000
        assert tcp["missed_bytes"] >= round(850_000 * lost) - 1
        assert udp["orig_bytes"] == pytest.approx(850 * udp["orig_pkts"], abs=1)
        assert udp["missed_bytes"] == 0


def test_a_handshake_that_was_missed_makes_oth_and_the_history_lacks_it() -> None:
    log = log_of([row(history="ShADadFf")] * 200)
    frame = drawn(log, LOSSY, 1)[0].frame
    found = set(zip(frame["conn_state"], frame["history"], strict=True))
    assert found == {("SF", "ShADadFf"), ("OTH", "hADadFf"), ("OTH", "SADadFf"), ("OTH", "ADadFf")}


def test_answers_that_were_missed_leave_a_question() -> None:
    one = {"proto": "udp", "history": "Dd", "orig_pkts": 1.0, "resp_pkts": 1.0, "conn_state": "SF"}
    log = log_of([row(**one)] * 200)
    frame = drawn(log, LOSSY, 1)[0].frame
    assert len(frame) < 200
    assert (frame["orig_pkts"] == 1).all(), "an answer alone is no connection of this host"
    assert set(zip(frame["conn_state"], frame["history"], frame["resp_pkts"], strict=True)) == {
        ("SF", "Dd", 1.0),
        ("S0", "D", 0.0),
    }


def test_from_the_originator_alone_nothing_is_answered() -> None:
    histories = ("ShADadFf", "ShADadR", "ShADad", "Sr", "DadA", "Dd")
    rows = [row(history=text, proto="tcp" if text != "Dd" else "udp") for text in histories]
    mine, _ = sides(log_of(rows))
    assert mine["history"].tolist() == ["SADF", "SADR", "SAD", "S", "DA", "D"]
    assert mine["conn_state"].tolist() == ["SH", "RSTOS0", "S0", "S0", "OTH", "S0"]
    assert (mine[["resp_pkts", "resp_bytes", "resp_ip_bytes"]] == 0).all().all()
    assert mine["service"].isna().tolist() == [True] * 5 + [False]


def test_from_the_responder_alone_what_it_never_answered_is_not_there() -> None:
    rows = [
        row(uid="answered", history="ShADadFf"),
        row(uid="reset", history="ShADadr"),
        row(uid="open", history="ShADad"),
        row(uid="nobody", history="S", resp_pkts=0.0, conn_state="S0"),
        row(uid="datagram", history="Dd", proto="udp"),
    ]
    _, theirs = sides(log_of(rows))
    assert theirs["uid"].tolist() == ["answered", "reset", "open"]
    assert theirs["history"].tolist() == ["^hadf", "^hadr", "^had"]
    assert theirs["conn_state"].tolist() == ["SHR", "RSTRH", "OTH"]
    assert (theirs[["orig_pkts", "orig_bytes", "orig_ip_bytes"]] == 0).all().all()
