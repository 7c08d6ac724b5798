"""Whole logs in memory: the same connections as batch by batch, rotated files joined, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.made import LOGS, conn_log, row
from zeekml import InputError, TruncatedError, read_logs
from zeekml.records import NAMES, Rejects, discover, join, read_batches


def test_a_log_as_its_batches_have_it() -> None:
    (log,) = read_logs(LOGS / "zeek7.conn.log")
    (stream,) = discover([str(LOGS / "zeek7.conn.log")]).streams
    (batch,) = read_batches(stream.files[0], stream.name, rejects=Rejects())
    assert log.stream == stream.name
    assert log.rejected == 0
    pd.testing.assert_frame_equal(log.frame, batch.frame)


def test_all_logs_of_a_folder(tmp_path: Path) -> None:
    for place in ("office", "plant"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "conn.log").write_text(conn_log([row(uid=place)]))
    (tmp_path / "office" / "dns.log").write_bytes((LOGS / "dns.log").read_bytes())
    assert {log.stream: log.frame["uid"].tolist() for log in read_logs(tmp_path)} == {
        f"{tmp_path}/office/conn.log": ["office"],
        f"{tmp_path}/plant/conn.log": ["plant"],
    }


def test_rotated_files_are_joined_in_their_order(tmp_path: Path) -> None:
    """They keep their categories; a column that one of them lacks is unset there."""
    fields = [name for name in row() if name != "service"]
    (tmp_path / "conn.2023-11-14-21-00-00.log").write_text(
        conn_log([row(uid="a", proto="udp")], fields=fields)
    )
    (tmp_path / "conn.2023-11-14-22-00-00.log").write_text(conn_log([row(uid="b"), row(uid="c")]))
    (tmp_path / "conn.log").write_text(conn_log([row(uid="d", service="http")]))
    (log,) = read_logs(str(tmp_path / "conn*.log"))
    assert log.frame["uid"].tolist() == ["a", "b", "c", "d"]
    assert log.frame["proto"].tolist() == ["udp", "tcp", "tcp", "tcp"]
    assert isinstance(log.frame["proto"].dtype, pd.CategoricalDtype)
    assert log.frame["service"].isna().tolist() == [True, False, False, False]
    assert isinstance(log.frame.index, pd.RangeIndex)


def test_further_columns_if_asked_for(tmp_path: Path) -> None:
    assert tuple(read_logs(LOGS / "labelled.conn.log")[0].frame.columns) == NAMES
    (log,) = read_logs(LOGS / "labelled.conn.log", extra=True)
    assert {"label", "detailed-label"} <= set(log.frame.columns)
    parts = [log.frame.iloc[:3], log.frame[list(NAMES)].iloc[3:]]
    assert join(parts)["label"].isna().tolist() == [False] * 3 + [True] * (len(log.frame) - 3)


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(conn_log([row(uid="a"), row(uid="b", id_orig_p="http")]))
    (log,) = read_logs(tmp_path)
    assert (len(log.frame), log.rejected) == (1, 1)


def test_a_log_without_connections(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(conn_log([]))
    (log,) = read_logs(tmp_path)
    assert log.frame.empty
    assert tuple(log.frame.columns) == NAMES
    (full,) = read_logs(LOGS / "zeek7.conn.log")
    assert (log.frame.dtypes.map(str) == full.frame.dtypes.map(str)).all()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_logs(tmp_path / "conn.log")
    with pytest.raises(InputError, match=r"found no connection log, expected a conn\.log or eve\.json; name"):
        read_logs(tmp_path)
    with pytest.raises(InputError, match="no path: found no connection log"):
        read_logs()
    import gzip

    packed = gzip.compress((LOGS / "zeek7.conn.log").read_bytes())
    (tmp_path / "conn.log.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(TruncatedError):
        read_logs(tmp_path)
