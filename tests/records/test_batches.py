"""Cutting a log into batches changes nothing but the cuts."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.logs import FLOW, header, json_object, line, ndjson, read, tsv
from zeekml.errors import InputError
from zeekml.records import LogFile, Rejects, read_batches

CONTENTS = {
    "tsv": (tsv(150) + line() + "broken\n" + header() + line() * 60 + tsv(80)).encode(),
    "json": ndjson(json_object(number) for number in range(200)) + b"broken\n" + ndjson([json_object()]),
    "eve": ndjson([FLOW, {"event_type": "dns"}] * 90),
}


@pytest.mark.parametrize("kind", list(CONTENTS))
@given(batch_rows=st.integers(1, 400))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_rows_gives_the_same_connections(tmp_path: Path, kind: str, batch_rows: int) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(CONTENTS[kind])
    whole, cut = read(path, extra=True), read(path, batch_rows=batch_rows, extra=True)
    pd.testing.assert_frame_equal(whole.frame, cut.frame)
    assert whole.lines == cut.lines
    assert whole.rejects == cut.rejects
    assert cut.batches == -(-len(cut.lines) // batch_rows)


def test_the_format_is_told_by_many_lines_however_few_rows_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(ndjson([{"_path": "dns", "ts": 1.0}, *(json_object(number) for number in range(5))]))
    assert len(read(path, batch_rows=1).frame) == len(read(path).frame) == 5


class Failing(io.BytesIO):
    """A file of which only the beginning can be read."""

    def readinto(self, room: Any) -> int:
        if self.tell() > 100_000:
            raise OSError(errno.EIO, "Input/output error")
        return super().readinto(room)


def test_a_file_that_cannot_be_read_on_is_told_after_what_could_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tsv(30_000).encode()
    monkeypatch.setattr("pathlib.Path.open", lambda _self, _mode: Failing(content))
    batches = read_batches(LogFile(tmp_path, "x"), "s", rejects=Rejects(), batch_rows=100)
    assert len(next(batches)) == 100
    with pytest.raises(InputError, match=r"^x: cannot be read: Input/output error\.$"):
        list(batches)


def test_a_batch_frame_may_be_changed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text(tsv(300))
    for batch in read_batches(LogFile(path, "x"), "s", rejects=Rejects()):
        batch.frame["ts"].to_numpy()
        batch.frame.loc[0, "orig_bytes"] = 1.0
        batch.frame["extra"] = 1


def test_batch_rows_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_rows"):
        list(read_batches(LogFile(tmp_path, "x"), "s", rejects=Rejects(), batch_rows=0))
