"""One log through everything that Zeek and others do to it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.records import logs
from tests.sensor import outsiders
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FIRST, Form, ZeekWriter

FORMS: tuple[Form, ...] = ("tsv", "json", "eve")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "conn.log"


@pytest.fixture(params=["held", "restarted"])
def between(request: pytest.FixtureRequest) -> Callable[[Following], None]:
    """What becomes of the follower while the files change: it holds its file open, or it is down."""

    def restarted(following: Following) -> None:
        following.restart()

    def held(following: Following) -> None:
        assert following.follower

    return restarted if request.param == "restarted" else held


Between = Callable[[Following], None]


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


def test_a_log_that_appears_and_is_rotated_between_two_polls_is_read(path: Path, between: Between) -> None:
    writer = ZeekWriter(path)
    writer.write(1)
    writer.rotate()
    following = Following(path, "end")
    assert following.drain() == []
    between(following)
    writer.write(2)
    writer.rotate()
    writer.write(3)
    assert following.drain() == [2, 3]


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


@pytest.mark.parametrize("form", FORMS)
def test_rotation_with_a_date(path: Path, form: Form, between: Between) -> None:
    writer, following = ZeekWriter(path, form=form), Following(path)
    writer.write(1, 2)
    assert following.drain() == [1, 2]
    writer.write(3)
    writer.rotate()
    between(following)
    # For seconds there is no conn.log at all.
    assert following.drain() == [3]
    assert following.drain() == []
    writer.write(4)
    assert following.drain() == [4]
    between(following)
    for number in range(5, 9):
        writer.write(number)
        writer.rotate()
    writer.write(9)
    assert following.drain(2) == [5, 6, 7, 8, 9]


def test_rotation_into_another_folder(path: Path, tmp_path: Path, between: Between) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    writer, following = ZeekWriter(path), Following(path, archives=[archive])
    following.poll()
    for number in range(1, 7):
        writer.write(number)
        if number == 2:
            following.drain()
            between(following)
        writer.rotate(folder=archive)
    writer.write(7)
    following.drain()
    assert following.taken == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("keep_time", [True, False])
def test_rotated_files_are_compressed(path: Path, between: Between, keep_time: bool) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1, 2)
    following.drain()
    between(following)
    for number in range(3, 8):
        writer.write(number)
        rotated = writer.rotate()
        assert rotated
        if number != 5:
            outsiders.compress(rotated, keep_time=keep_time)
    writer.write(8)
    assert following.drain(1) == [3, 4, 5, 6, 7, 8]


def test_zeekctl_archives_into_folders_by_date(tmp_path: Path, between: Between) -> None:
    spool, kept = tmp_path / "spool" / "zeek", tmp_path / "logs"
    spool.mkdir(parents=True)
    kept.mkdir()
    (kept / "current").symlink_to(spool)
    writer, following = ZeekWriter(spool / "conn.log"), Following(kept / "current" / "conn.log")
    following.poll()
    for hour in range(22, 27):
        writer.write(hour)
        if hour == 23:
            following.drain()
            between(following)
        moment = datetime(2026, 11, 23) + timedelta(hours=hour)
        rotated = writer.rotate(moment)
        assert rotated
        first = f"{moment:%H:%M:%S}"
        outsiders.archive(
            rotated, kept / f"{moment:%Y-%m-%d}", first, f"{moment + timedelta(hours=1):%H:%M:%S}"
        )
    writer.write(27)
    following.drain()
    assert following.taken == [22, 23, 24, 25, 26, 27]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("form", ["json", "eve"])
def test_logrotate(
    path: Path, between: Between, packed: bool, delayed: bool, create: bool, form: Form
) -> None:
    writer, following = ZeekWriter(path, form=form), Following(path)
    writer.write(0)
    following.drain()
    for number in range(1, 5):
        writer.write(number)
        outsiders.logrotate(path, create=create)
        writer.write(number + 10)  # it writes to the old file until it is told
        writer.reopen()
        due = path.with_name("conn.log.2" if delayed else "conn.log.1")
        if packed and due.exists():
            outsiders.compress(due)
        if number != 2:
            following.drain()
            between(following)
    writer.write(5)
    following.drain()
    assert following.taken == [0, 1, 11, 2, 12, 3, 13, 4, 14, 5]


def test_delete_and_recreate(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1, 2)
    following.drain()
    between(following)
    path.unlink()
    writer.close()
    ZeekWriter(path).write(3)
    ZeekWriter(path.with_name("conn2.log")).write(4)
    assert following.drain() == [3]


def test_inode_numbers_are_reused_at_once(path: Path, between: Between) -> None:
    following = Following(path)
    taken = []
    for number in range(1, 20):
        writer = ZeekWriter(path)
        writer.write(number)
        writer.close()
        following.drain()
        taken.append(number)
        between(following)
        path.unlink()
    assert following.taken == taken


@pytest.mark.parametrize("packed", [False, True])
def test_copytruncate(path: Path, between: Between, packed: bool) -> None:
    writer, following = ZeekWriter(path), Following(path)
    number = 0
    for turn in range(5):
        writer.write(number + 1, number + 2)
        if turn != 2:
            following.drain(1)
        between(following)
        writer.write(number + 3)
        outsiders.copytruncate(path, packed=packed)
        number += 3
    # Zeek keeps its offset: NUL bytes stand before what follows, and no header.
    writer.write(number + 1)
    assert path.read_bytes().startswith(b"\0")
    following.drain()
    assert following.taken == list(range(1, number + 2))
    assert following.rejected == []


def test_copytruncate_of_a_log_of_which_nothing_was_taken_yet(path: Path) -> None:
    writer, following = ZeekWriter(path), Following(path)
    following.poll()
    writer.write(0)
    outsiders.copytruncate(path)
    writer.write_half(1)
    assert following.drain() == [0]
    writer.finish_half()
    writer.write(2)
    outsiders.copytruncate(path)
    writer.write(3)
    assert following.drain() == [1, 2, 3]


def test_truncation_from_outside_leaves_nul_bytes(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(*range(1, 50))
    following.drain()
    between(following)
    os.truncate(path, 0)
    writer.write(50)
    assert following.drain() == [50]
    between(following)
    writer.write(51)
    assert following.drain() == [51]
    os.truncate(path, 0)
    assert following.drain() == []
    writer.write(52)
    assert following.drain() == [52]


def test_a_file_cut_short_is_not_read_twice(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(*range(1, 50))
    following.drain()
    between(following)
    os.truncate(path, 3000)
    assert following.drain() == []
    writer.write(50)
    assert following.drain() == [50]


def test_a_restarted_zeek_truncates_in_place(
    path: Path, between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(*range(1, 30))
    following.drain()
    between(following)
    writer.crash(half=30)
    inode = path.stat().st_ino
    writer.write(31)
    assert path.stat().st_ino == inode
    assert following.drain() == [31]
    assert "truncated in place" in caplog.text or "is gone" in caplog.text
    between(following)
    writer.crash()
    writer.write(*range(32, 90))  # it outgrows the old one before the next look
    assert following.drain() == list(range(32, 90))


def test_the_last_log_after_sigterm_is_read_and_truncated_by_the_next_start(
    path: Path, between: Between
) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    writer.terminate(last=[2, 3])
    between(following)
    following.drain()
    between(following)
    writer.write(4)
    following.drain()
    assert following.taken == [1, 2, 3, 4]


def test_a_left_over_log_is_rotated_with_its_half_line(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    writer.crash(half=2)
    between(following)
    path.rename(path.with_name("conn.2026-11-23-09-00-00.log"))
    writer.write(3)
    following.drain()
    assert following.taken == [1, 3]
    assert [(one.line, one.text[:10]) for one in following.rejected] == [(10, writer.line(2)[:10].decode())]


@pytest.mark.parametrize("form", FORMS)
def test_a_last_line_without_newline_is_read_at_rotation(path: Path, form: Form, between: Between) -> None:
    writer, following = ZeekWriter(path, form=form), Following(path)
    writer.write(1)
    writer.write_raw(writer.line(2).removesuffix(b"\n"))
    assert following.drain() == [1]
    between(following)
    path.rename(path.with_name("conn.2026-11-23-09-00-00.log"))
    assert following.drain() == []
    ZeekWriter(path, form=form).write(3)
    assert following.drain() == [2, 3]
    assert following.rejected == []


def test_a_rotated_file_may_grow_for_a_moment(path: Path) -> None:
    writer, following = ZeekWriter(path, form="json"), Following(path, settle=0.2)
    writer.write(1)
    following.drain()
    path.rename(path.with_name("conn.log.1"))
    ZeekWriter(path, form="json").write(4)
    assert following.poll() == []
    assert not following.follower.caught_up
    writer.write(2)
    assert following.poll() == [2]
    writer.write_half(3)
    assert following.poll() == []
    writer.finish_half()
    assert following.drain() == [3, 4]


def test_an_empty_successor_is_not_gone_on_to(path: Path) -> None:
    writer, following = ZeekWriter(path, form="eve"), Following(path)
    writer.write(1)
    following.poll(1)
    outsiders.logrotate(path, create=True)
    assert following.drain() == []
    writer.write(2)
    assert following.drain() == [2]
    writer.reopen()
    writer.write(3)
    assert following.drain() == [3]


def test_a_compressed_file_is_waited_for(path: Path) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    following.restart()
    writer.rotate()
    writer.write(*range(2, 400))
    rotated = writer.rotate()
    assert rotated
    packed = outsiders.compress(rotated)
    whole = packed.read_bytes()
    writer.write(400)
    for size in (0, 5, 100, len(whole) // 2):
        packed.write_bytes(whole[:size])
        following.poll()
        assert not following.follower.caught_up
    packed.write_bytes(whole)
    following.drain()
    assert following.taken == list(range(1, 401))


def test_a_damaged_compressed_file_is_passed_by_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(*range(500))
    following.poll(10)
    following.restart()
    rotated = writer.rotate()
    assert rotated
    packed = outsiders.compress(rotated)
    packed.write_bytes(packed.read_bytes()[:-200])
    writer.write(500)
    following.poll()
    assert following.taken == list(range(len(following.taken)))
    monkeypatch.setattr("zeekml.sensor.follow.PATIENCE", 0.0)
    following.drain()
    assert following.taken[-1] == 500
    assert "ends before its end mark" in caplog.text


def test_a_switched_link(tmp_path: Path, between: Between) -> None:
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "one")
    following = Following(current / "conn.log")
    first, second = ZeekWriter(tmp_path / "one" / "conn.log"), ZeekWriter(tmp_path / "two" / "conn.log")
    first.write(1)
    following.drain()
    first.write(2)
    between(following)
    second.write(3)
    outsiders.switch(current, tmp_path / "two")
    following.drain()
    between(following)
    second.write(4)
    following.drain()
    assert following.taken == [1, 2, 3, 4]


def test_a_link_to_the_log_itself_is_switched(tmp_path: Path, between: Between) -> None:
    link = tmp_path / "live.log"
    following = Following(link)
    following.poll()
    for number in range(1, 4):
        writer = ZeekWriter(tmp_path / f"run{number}.log")
        writer.write(number, number + 10)
        outsiders.switch(link, writer.path)
        following.drain()
        between(following)
    assert following.taken == [1, 11, 2, 12, 3, 13]


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


def test_hidden_files_are_no_part_of_the_chain(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    between(following)
    for name in (".shadow.conn.log", ".tmp.shadow.conn.log", ".conn.2026-11-23-10-00-30.log"):
        ZeekWriter(path.with_name(name)).write(99)
    ZeekWriter(path.with_name("conn_long.2026-11-23-10-00-30.log")).write(98)
    writer.rotate()
    writer.write(2)
    following.drain()
    assert following.taken == [1, 2]


def test_catching_up_after_downtime_through_everything(path: Path) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(*range(100))
    following.poll(40)
    following.stop()
    position = following.follower.position
    assert (position.line, position.offset > 0) == (48, True)
    for number in range(100, 112):
        rotated = writer.rotate()
        if rotated and number % 3:
            outsiders.compress(rotated)
        writer.write(number)
    following.restart()
    following.drain(7)
    assert following.taken == list(range(112))


def test_the_file_that_was_read_is_gone_after_downtime(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    writer.rotate()
    writer.write(2)
    following = Following(path)
    following.drain()
    following.stop()
    rotated = writer.rotate()
    assert rotated
    rotated.unlink()
    writer.write(3)
    writer.rotate()
    writer.write(4)
    following.restart()
    following.drain()
    assert following.taken == [2, 3, 4]
    assert "is gone" in caplog.text


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_log_without_read_permission_is_told_and_read_later(path: Path) -> None:
    ZeekWriter(path).write(1)
    path.chmod(0)
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


def test_nothing_is_doubled_when_a_clock_goes_back(path: Path, between: Between) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1)
    following.drain()
    between(following)
    writer.write(2)
    writer.rotate(FIRST)
    os.utime(path.with_name(f"conn.{FIRST:%Y-%m-%d-%H-%M-%S}.log"), (1, 1))
    writer.write(3)
    os.utime(path, (2, 2))
    following.drain()
    assert following.taken == [1, 2, 3]
