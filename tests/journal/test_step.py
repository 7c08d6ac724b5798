"""A step as a record: the same frames, bytes and positions come back."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given

from tests.builders import logs, renumbered
from zeekml.errors import StateError
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
    step = Step(
        12,
        {"conn.log": {"offset": 5}},
        (("conn.log", Table.of(frame)), ("b/conn.log", Table.of(frame.iloc[:1]))),
        appends,
        (b"{}", b""),
        {"notice.log": (7, 8, 0.5)},
        {"suppress_for": 60.0},
    )
    back = Step.decode(step.encode())
    assert (back.number, back.positions, back.appends, back.alerts) == (
        12,
        step.positions,
        appends,
        (b"{}", b""),
    )
    assert (back.outputs, back.alert_settings) == (step.outputs, step.alert_settings)
    assert [stream for stream, _ in back.connections] == ["conn.log", "b/conn.log"]
    for wanted, (_, table) in zip((frame, renumbered(frame.iloc[:1])), back.connections, strict=True):
        pd.testing.assert_frame_equal(wanted, to_frame(to_arrow(table)), check_categorical=False)


def test_an_empty_step() -> None:
    assert Step.decode(Step(1, {}).encode()).connections == ()


@pytest.mark.parametrize("record", [b"", b"x", b"\x02" + bytes(7) + b"{}", b"\xff" * 64])
def test_another_record_is_refused(record: bytes) -> None:
    with pytest.raises(StateError, match="is not of this version"):
        Step.decode(record)
