"""Renamed, numbered, compressed, archived: from one file to the next."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.sensor import outsiders
from tests.sensor.conftest import Between
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FORMS, Form, ZeekWriter


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


def test_a_supervised_cluster_s_queue_and_archive(tmp_path: Path, between: Between) -> None:
    """Zeek moves the log into log-queue, zeek-archiver from there into a folder by date."""
    queue, kept = tmp_path / "logger" / "log-queue", tmp_path / "logs"
    queue.mkdir(parents=True)
    kept.mkdir()
    writer = ZeekWriter(tmp_path / "logger" / "conn.log")
    following = Following(writer.path, archives=[queue, kept])
    for hour in range(10, 16):
        writer.write(hour)
        if hour == 11:
            following.drain()
            between(following)
        moment = datetime(2026, 11, 23, hour)
        rotated = writer.rotate(moment, folder=queue)
        assert rotated
        begun, ended = (f"{each:%Y-%m-%d-%H-%M-%S}" for each in (moment, moment + timedelta(hours=1)))
        queued = rotated.rename(queue / f"conn__{begun}__{ended}__.log")
        if hour != 14:
            outsiders.archive(
                queued, kept / "2026-11-23", f"{moment:%H:%M:%S}", f"{moment + timedelta(hours=1):%H:%M:%S}"
            )
    writer.write(16)
    following.drain()
    assert following.taken == list(range(10, 17))


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


@pytest.mark.parametrize("zst", [False, True])
def test_an_empty_log_that_was_rotated_and_compressed_holds_nothing_up(path: Path, zst: bool) -> None:
    writer, following = ZeekWriter(path, form="json"), Following(path)
    writer.write(1)
    following.drain()
    outsiders.logrotate(path, create=True)
    writer.reopen()
    outsiders.logrotate(path, create=True)
    outsiders.compress(path.with_name("conn.log.1"), zst=zst)
    writer.reopen()
    writer.write(2)
    assert following.drain() == [2]
