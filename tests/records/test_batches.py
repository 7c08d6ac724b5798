"""Cutting a log into batches changes nothing but the cuts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.logs import FLOW, header, json_object, line, ndjson, read, tsv
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
