"""What stands in the file that is being written: whole lines, once and in order."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from tests.records import logs
from tests.sensor.conftest import Between
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FORMS, Form, ZeekWriter


@pytest.mark.parametrize("form", FORMS)
def test_lines_are_taken_as_they_come(path: Path, form: Form, between: Between) -> None:
    writer, following = ZeekWriter(path, form=form), Following(path)
    assert following.drain() == []  # the log is not there yet
    writer.write(1, 2)
    assert following.drain() == [1, 2]
    between(following)
    assert following.drain() == []
    writer.write(3)
    assert following.drain() == [3]
    assert following.follower.lag_bytes == 0
    writer.write(4)
    assert following.follower.lag_bytes == len(writer.line(4))
    following.stop()


def test_a_log_is_followed_from_its_end_or_its_start(path: Path) -> None:
    writer = ZeekWriter(path)
    writer.write(1, 2)
    writer.write_half(3)
    end, start = Following(path, "end"), Following(path, "start")
    assert end.drain() == []
    assert start.drain() == [1, 2]
    writer.finish_half()
    assert end.drain() == [3]  # half a line is not passed over
    assert end.batches[0].lines.tolist() == [11]
    end.restart()
    writer.write(4)
    assert end.drain() == [4]


def test_a_log_that_appears_after_the_start_is_read_from_its_start(path: Path) -> None:
    ZeekWriter(path.with_name("older.log")).write(9)
    following = Following(path, "end")
    following.poll()
    ZeekWriter(path).write(1, 2)
    assert following.drain() == [1, 2]


@pytest.mark.parametrize("form", FORMS)
def test_half_lines_and_half_headers_wait(path: Path, form: Form) -> None:
    writer, following = ZeekWriter(path, form=form), Following(path)
    whole = b"".join([*writer.header(), writer.line(1), writer.line(2)])
    path.write_bytes(b"")
    for cut in range(0, len(whole), 37):
        with path.open("ab") as file:
            file.write(whole[cut : cut + 37])
        following.poll()
        if cut % 3 == 0:
            following.restart()
    assert following.taken == [1, 2]
    assert following.rejected == []


def test_other_columns_in_mid_stream_and_after_rotation(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    between(following)
    fewer = tuple(name for name in reversed(logs.FIELDS) if name not in ("service", "history"))
    other = ZeekWriter(path, names=fewer)
    writer.write_raw(b"".join(other.header()) + other.line(2))
    following.drain()
    between(following)
    writer.write_raw(other.line(3))
    following.drain()
    writer.rotate()
    other.write(4)
    following.drain()
    assert following.taken == [1, 2, 3, 4]
    assert following.rejected == []


def test_lines_that_are_too_long_are_rejected_once(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    writer.write_raw(b"x" * 3_000_000)
    following.drain()
    assert following.rejected == []
    between(following)
    writer.write_raw(b"x" * 2_000_000 + b"\n")
    writer.write(2)
    following.drain()
    between(following)
    following.drain()
    assert following.taken == [1, 2]
    assert [one.line for one in following.rejected] == [10]


def test_no_connection_log_is_told_once_and_its_successor_read(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = ZeekWriter(path, names=("ts", "uid", "query"))
    other.write(1)
    following = Following(path)
    assert following.drain() == following.drain() == []
    assert "lacks id.orig_h" in str(following.follower.problem)
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    other.rotate()
    ZeekWriter(path).write(2)
    assert following.drain() == [2]
    assert following.follower.problem is None


def test_a_log_without_read_permission_is_told_and_read_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def open_as_a_user(name: Path, flags: int, mode: int = 0o777) -> int:
        """Root may read everything; a watch does not run as root."""
        if name == path and not path.stat().st_mode & 0o400:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(name, flags, mode)

    ZeekWriter(path).write(1)
    path.chmod(0)
    monkeypatch.setattr("zeekml.sensor.content.os.open", open_as_a_user)
    following = Following(path)
    assert following.drain() == []
    assert "right to read" in str(following.follower.problem)
    path.chmod(0o600)
    assert following.drain() == [1]


def test_the_same_uids_are_made_up_as_in_batch(path: Path) -> None:
    names = tuple(name for name in logs.FIELDS if name != "uid")
    writer = ZeekWriter(path, names=names)
    follower = Following(path).follower
    uids = []
    for number in range(5):
        writer.write(number)
        uids += [uid for batch in follower.poll() for uid in batch.frame["uid"]]
    assert uids == logs.read(path, stream="conn").frame["uid"].tolist()
