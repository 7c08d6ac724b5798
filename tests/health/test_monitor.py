"""Findings, marks and state do not depend on how a log was cut or on restarts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import cut, cuts, logs, renumbered
from tests.health.made import STRETCHES, log_of
from tests.health.reference import Reference, connections_of
from zeekml.arrays import under
from zeekml.errors import StateError
from zeekml.health import SensorHealth
from zeekml.health.flags import flags_of
from zeekml.health.monitor import BLOCK, WINDOW, _Stream
from zeekml.health.rows import Rows

STREAM = "conn.log"
PARTS = st.lists(
    st.tuples(st.sampled_from([*STRETCHES]), st.integers(1, 900))
    | st.tuples(st.sampled_from(["pause", "back"]), st.integers(1, 100_000)),
    min_size=1,
    max_size=5,
).filter(lambda parts: any(kind in STRETCHES for kind, _ in parts))


def marks_of(health: SensorHealth, frame: pd.DataFrame) -> list[tuple[str, ...]]:
    marks = health.process(frame, STREAM)
    return [marks.at(row) for row in range(len(frame))]


@settings(max_examples=40, deadline=None)
@given(
    parts=PARTS,
    places=st.lists(st.integers(1, 4000), max_size=12),
    restart=st.booleans(),
    seed=st.integers(0, 99),
)
def test_cuts_and_restarts_change_nothing(
    parts: list[tuple[str, int]], places: list[int], restart: bool, seed: int
) -> None:
    log = log_of(*parts, seed=seed)
    whole = SensorHealth()
    expected = marks_of(whole, log)
    pieces = SensorHealth()
    marks: list[tuple[str, ...]] = []
    for piece in cut(log, places):
        marks += marks_of(pieces, piece)
        if restart:
            state = pieces.export()
            pieces = SensorHealth()
            pieces.restore(state)
    assert marks == expected
    assert pieces.standing(STREAM) == whole.standing(STREAM)
    assert pieces.end_stream(STREAM) == whole.end_stream(STREAM)
    assert pieces.streams == ()


@settings(max_examples=40, deadline=None)
@given(parts=PARTS, places=st.lists(st.integers(1, 4000), max_size=4), seed=st.integers(0, 99))
def test_many_blocks_at_once_are_judged_as_one_by_one(
    parts: list[tuple[str, int]], places: list[int], seed: int
) -> None:
    log = log_of(*parts, ("healthy", 500), seed=seed)
    durations = np.random.default_rng(seed).exponential(30.0, len(log))
    log["duration"] = np.where(np.arange(len(log)) % 7 == 0, durations, log["duration"])
    health, reference = SensorHealth(), Reference()
    marks = [mark for piece in cut(log, places) for mark in marks_of(health, piece)]
    assert marks == reference.process(log)
    told = health.export()
    for name, expected in reference.export().items():
        assert np.array_equal(told[f"0/{name}"], expected), name
    reference.end()
    found = {each.code: each.seen for each in health.end_stream(STREAM)}
    ended = _Stream()
    ended.restore({**_Stream().export(), **reference.export(), **under("rows", Rows.none().export())})
    assert found == {each.code: each.seen for each in ended.end()}


@given(log=logs(), seed=st.integers(0, 99))
def test_every_connection_is_known_for_what_it_is(log: pd.DataFrame, seed: int) -> None:
    rng, count = np.random.default_rng(seed), len(log)

    def some(*values: object) -> list[object]:
        return [values[at] for at in rng.integers(len(values), size=count)]

    changed = log.assign(
        **{
            "history": pd.Series(
                some(None, "S", "ShADadFf", "D", "Dd", "C", "Cd", "^dA", "DR", "ShAdTg"), dtype="str"
            ),
            "conn_state": pd.Series(some("SF", "S0", "SHR", "OTH", "REJ"), dtype="str"),
            "proto": pd.Series(some("tcp", "udp", "icmp"), dtype="str"),
            "id.orig_h": pd.Series(some("10.0.0.1", "8.8.8.8", "fe80::1"), dtype="str"),
            "id.resp_h": pd.Series(
                some("10.0.0.1", "192.168.1.255", "224.0.0.1", "2001:db8::1", "1.2.3.4"), dtype="str"
            ),
            "local_orig": pd.Series(some(None, True, False), dtype="boolean"),
            "local_resp": pd.Series(some(None, True, False), dtype="boolean"),
            "id.orig_p": pd.Series(some(80, 1023, 1024, 50_000), dtype="int32"),
            "id.resp_p": pd.Series(some(80, 1023, 1024, 50_000), dtype="int32"),
            **{
                name: pd.Series(some(None, 0.0, 2.0, 3.0), dtype="float64")
                for name in ("orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "resp_pkts")
            },
        }
    )
    for name in ("history", "conn_state", "proto", "id.orig_h", "id.resp_h"):
        changed[name] = changed[name].astype("category")
    assert flags_of(changed).tolist() == [each.flags for each in connections_of(changed)]


@given(log=logs(), places=cuts())
def test_logs_with_unset_columns_are_looked_at_as_well(log: pd.DataFrame, places: list[int]) -> None:
    whole, pieces = SensorHealth(), SensorHealth()
    marks_of(whole, log)
    for piece in cut(log, places):
        pieces.process(piece, STREAM)
    assert pieces.export().keys() == whole.export().keys()
    assert pieces.end_stream(STREAM) == whole.end_stream(STREAM)


def test_a_connection_is_marked_by_those_before_it() -> None:
    log = log_of(("healthy", 600), ("bad-checksums", 1000), ("healthy", 3000))
    marks = marks_of(SensorHealth(), log)
    assert {places for places, (before, after) in enumerate(pairwise(marks), 1) if before != after} == {
        3 * BLOCK,  # most of the third block is bad
        7 * BLOCK + WINDOW - BLOCK,  # the sixth block is the last, and four without follow
    }
    assert marks[3 * BLOCK] == ("bad-checksums",)
    assert marks_of(SensorHealth(), renumbered(log.iloc[:1500])) == marks[:1500]


def test_what_stands_is_told_with_its_own_figures() -> None:
    health = SensorHealth()
    health.process(log_of(("bad-checksums", 512), ("healthy", 2048), ("bad-checksums", 256)), STREAM)
    [standing] = health.standing(STREAM)
    assert standing.seen.startswith("bad checksums in 256 of 256 connections, most lately from 192.168.1.")
    [whole] = health.end_stream(STREAM)
    assert whole.seen.startswith("bad checksums in 768 of 768 connections")
    assert health.standing(STREAM) == []


def test_streams_are_apart() -> None:
    health = SensorHealth()
    health.process(log_of(("bad-checksums", 600)), "a")
    health.process(log_of(("healthy", 600)), "b")
    assert health.streams == ("a", "b")
    assert [each.code for each in health.standing("a")] == ["bad-checksums"]
    assert health.standing("b") == health.standing("c") == []


def test_an_empty_batch_changes_nothing() -> None:
    health = SensorHealth()
    assert health.process(log_of(("healthy", 5)).iloc[:0], STREAM).codes == ((),)
    assert health.end_stream(STREAM) == []
    assert health.end_stream("never seen") == []


def test_memory_does_not_grow_with_the_log() -> None:
    health = SensorHealth()
    log = log_of(("healthy", 4 * WINDOW - 1))
    health.process(log, STREAM)
    before = sum(array.nbytes for array in health.export().values())
    for _ in range(4):
        health.process(renumbered(log.iloc[: 3 * WINDOW]), STREAM)
    assert sum(array.nbytes for array in health.export().values()) < 1.1 * before < 100_000


def test_state_that_does_not_fit_is_refused() -> None:
    health = SensorHealth()
    health.process(log_of(("healthy", 300)), STREAM)
    state = health.export()
    for key in ("0/left", "0/rows/ts", "0/codes/text", "0/hosts/ends", "0/times/early", "0/rows/orig/ends"):
        damaged = {**state, key: np.zeros(1, dtype=np.uint8)}
        fresh = SensorHealth()
        with pytest.raises(StateError, match="another zeekml"):
            fresh.restore(damaged)
        assert fresh.streams == ()


def test_state_of_before_there_was_any_begins_anew() -> None:
    health = SensorHealth()
    health.process(log_of(("healthy", 300)), STREAM)
    health.restore({})
    assert health.streams == ()
