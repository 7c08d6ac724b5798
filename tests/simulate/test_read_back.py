"""What the writers wrote, the readers read: the same connections from every flavour of the golden logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.made import GOLDEN, LOGS, sample
from zeekml.errors import FormatError
from zeekml.records import NAMES, LogFile, Rejects, read_batches
from zeekml.simulate.table import HISTORIES, LABELS, MICROSECONDS, PROTOS, SERVICES, STATES

ZEEK = [name for name in GOLDEN if name not in ("eve.json", "dns.log")]
CODES = {"proto": PROTOS, "service": SERVICES, "conn_state": STATES, "history": HISTORIES}
COUNTS = ("orig_bytes", "resp_bytes", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes")


def frame_of(name: str, *, extra: bool = False) -> pd.DataFrame:
    """A golden log through the reader; it has no line that cannot be read."""
    rejects = Rejects()
    log = LogFile(Path(LOGS / name), name)
    batches = list(read_batches(log, name, rejects=rejects, extra=extra))
    assert rejects.total == 0
    return pd.concat([batch.frame for batch in batches], ignore_index=True)


def texts(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]


def numbers(column: pd.Series) -> np.ndarray:
    """Unset is -1, as in the simulator's tables."""
    return column.to_numpy(dtype=np.float64, na_value=-1.0)


@pytest.mark.parametrize("name", ZEEK)
def test_every_zeek_flavour_reads_as_it_was_made(name: str) -> None:
    frame, table = frame_of(name), sample()
    assert tuple(frame.columns) == NAMES
    moments = np.round(frame["ts"].to_numpy() * MICROSECONDS).astype(np.int64)
    made = table.ts // 1000 * 1000 if name.startswith("millis") else table.ts
    assert (moments == made).all()
    assert frame["uid"].is_unique
    durations = numbers(frame["duration"])
    assert np.allclose(
        durations, np.where(table.duration < 0, -1.0, table.duration / MICROSECONDS), atol=1e-6
    )
    for column, words in CODES.items():
        assert texts(frame[column]) == [words[code] for code in getattr(table, column)], column
    for column in COUNTS:
        assert (numbers(frame[column]) == getattr(table, column)).all(), column
    assert (frame["id.resp_p"].to_numpy() == table.resp_p).all()
    assert frame["local_orig"].all()


@pytest.mark.parametrize("name", ["labelled.conn.log", "labelled.conn.json", "iot23.conn.log.labeled"])
def test_the_truth_is_read_with_the_log(name: str) -> None:
    frame = frame_of(name, extra=True)
    told = list(zip(texts(frame["label"]), texts(frame["detailed-label"]), strict=True))
    assert told == [LABELS[code] for code in sample().label]


def test_eve_reads_as_the_same_connections() -> None:
    frame = frame_of("eve.json")
    table = sample().take(slice(0, len(frame)))
    zeek = frame_of("zeek7.conn.log").head(len(frame))
    assert (np.round(frame["ts"].to_numpy() * MICROSECONDS) == table.ts).all()
    for column in ("id.orig_h", "id.resp_h", "proto"):
        assert texts(frame[column]) == texts(zeek[column]), column
    for column in ("id.orig_p", "id.resp_p", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"):
        assert (numbers(frame[column]) == numbers(zeek[column])).all(), column
    same_state = np.array(texts(frame["conn_state"])) == np.array(texts(zeek["conn_state"]))
    assert same_state.mean() > 0.9, "conn_state of a flow is approximate"
    assert frame[["orig_bytes", "resp_bytes", "history"]].isna().all().all()


def test_another_log_is_refused() -> None:
    with pytest.raises(FormatError):
        frame_of("dns.log")
