"""A step as a record: the same frames, bytes and positions come back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

from tests.builders import frame_of, logs, renumbered, row
from zeekml.errors import StateError
from zeekml.journal import step
from zeekml.journal.step import Append, Step
from zeekml.records.to_arrow import to_arrow
from zeekml.records.to_pandas import to_frame
from zeekml.table import Table


@given(logs(most=20))
def test_a_step_comes_back_as_it_was(frame: pd.DataFrame) -> None:
    appends = (
        Append("notice.log", 7, 2**40, 0, b"#fields\n\x00\xff"),
        Append("zeekml.log", 7, 9, 2**33, b"", "zeekml.2026-11-23-14-00-00.log"),
    )
    written = Step(
        12,
        {"conn.log": {"offset": 5}},
        (("conn.log", Table.of(frame)), ("b/conn.log", Table.of(frame.iloc[:1]))),
        appends,
        (b"{}", b""),
        {"notice.log": (7, 8, 0.5)},
        {"suppress_for": 60.0},
    )
    back = Step.decode(written.encode())
    assert (back.number, back.positions, back.appends, back.alerts) == (
        12,
        written.positions,
        appends,
        (b"{}", b""),
    )
    assert (back.outputs, back.alert_settings) == (written.outputs, written.alert_settings)
    assert [stream for stream, _ in back.connections] == ["conn.log", "b/conn.log"]
    for wanted, (_, table) in zip((frame, renumbered(frame.iloc[:1])), back.connections, strict=True):
        pd.testing.assert_frame_equal(wanted, to_frame(to_arrow(table)), check_categorical=False)


def test_an_empty_step() -> None:
    assert Step.decode(Step(1, {}).encode()).connections == ()


@pytest.mark.parametrize("record", [b"", b"x", b"\x02" + bytes(7) + b"{}", b"\xff" * 64])
def test_another_record_is_refused(record: bytes) -> None:
    with pytest.raises(StateError, match="is not of this version"):
        Step.decode(record)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(["history"]), "connections lack history"),
        (
            lambda table: table.set_column(0, "ts", table.column("ts").cast(pa.float32())),
            "ts is float, expected double",
        ),
        (
            lambda table: table.set_column(3, "id.orig_p", table.column("id.orig_p").cast(pa.int64())),
            "id.orig_p is int64, expected int32",
        ),
    ],
    ids=["lacks a column", "another number", "another port"],
)
def test_connections_of_another_schema_are_refused(
    change: Callable[[pa.Table], pa.Table], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "to_arrow", lambda table: change(to_arrow(table)))
    record = Step(1, {}, (("conn.log", Table.of(frame_of([row()]))),)).encode()
    with pytest.raises(StateError, match=re.escape(said)):
        Step.decode(record)
