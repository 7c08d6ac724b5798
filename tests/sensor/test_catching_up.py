"""After a pause: the place is found again, and what came meanwhile read in order."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from tests.sensor import outsiders
from tests.sensor.conftest import Between
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FIRST, ZeekWriter
from zeekml.errors import InputError
from zeekml.sensor import content


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
    assert following.taken == [1, 2, 3, 4]
    assert "is gone" in caplog.text


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


@pytest.mark.parametrize("packed", [False, True])
def test_more_rotations_than_files_that_are_compared(
    path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeekml.sensor.family._LOOKED_AT", 5)
    writer, following = ZeekWriter(path), Following(path)
    writer.write(0, 1)
    following.poll(1)
    following.stop()
    for number in range(2, 20):
        rotated = writer.rotate()
        if rotated and packed:
            outsiders.compress(rotated)
        writer.write(number)
    following.restart()
    following.drain()
    assert following.taken == list(range(20))


def test_a_site_that_goes_from_numbers_to_dates_and_back(path: Path, between: Between) -> None:
    writer = ZeekWriter(path, form="json")
    for number in range(3):
        writer.write(number)
        outsiders.logrotate(path)
        writer.close()
    writer.write(3)
    following = Following(path)
    assert following.drain() == [0, 1, 2, 3]
    for number in range(4, 8):
        between(following)
        writer.rotate()
        writer.write(number)
        assert following.drain() == [number]
    between(following)
    for number in range(8, 11):
        outsiders.logrotate(path)
        writer.close()
        writer.write(number)
    following.drain()
    assert following.taken == list(range(11))


def test_files_dated_in_the_future_are_not_read_again_when_the_clock_is_set_right(
    path: Path, between: Between
) -> None:
    writer, following = ZeekWriter(path), Following(path)
    for day in range(1, 5):
        writer.write(day)
        writer.rotate(datetime(2037, 1, day))
    writer.write(5)
    following.drain()
    between(following)
    following.drain()
    writer.rotate(FIRST)
    writer.write(6)
    writer.rotate(FIRST + timedelta(hours=1))
    writer.write(7)
    following.drain()
    assert following.taken == [1, 2, 3, 4, 5, 6, 7]


def test_a_log_truncated_by_a_restart_while_zeekml_was_down_brings_no_old_file_back(path: Path) -> None:
    writer = ZeekWriter(path, form="json")
    writer.write(1)
    outsiders.logrotate(path)
    writer.close()
    writer.write(2)
    following = Following(path)
    assert following.drain() == [1, 2]
    following.stop()
    writer.crash()
    writer.write(3)
    outsiders.compress(path.with_name("conn.log.1"), keep_time=False)  # as if it were written now
    following.restart()
    assert following.drain() == [3]


def test_a_log_with_a_header_alone_is_found_in_the_middle_of_a_chain(path: Path) -> None:
    """Its inode number goes to another file when it is compressed; what it follows tells its place."""
    writer = ZeekWriter(path)
    writer.write(1)
    writer.rotate()
    writer.write_raw(b"")
    following = Following(path, "end")
    assert following.drain() == []
    following.stop()
    for number in range(2, 7):
        writer.write(number)
        rotated = writer.rotate()
        assert rotated
        outsiders.compress(rotated)
    writer.write(7)
    following.restart()
    assert following.drain() == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("start", ["start", "end"])
def test_a_folder_that_cannot_be_listed_is_told_and_tried_again(
    path: Path, start: Literal["start", "end"], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = ZeekWriter(path)
    writer.write(1)
    refused = [True]
    scandir = os.scandir

    def scan(folder: Path) -> object:
        if refused and Path(folder) == path.parent:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("zeekml.sensor.members.os.scandir", scan)
    following = Following(path, start)
    assert following.drain() == []
    assert "cannot be listed" in str(following.follower.problem)
    refused.clear()
    assert following.drain() == ([1] if start == "start" else [])
    refused.append(True)
    writer.rotate()
    writer.write(2)
    writer.rotate()
    writer.write(3)
    assert following.drain() == []
    assert "cannot be listed" in str(following.follower.problem)
    refused.clear()
    assert following.drain() == [2, 3]
    assert following.follower.problem is None


def test_the_lag_counts_the_files_in_between(path: Path) -> None:
    writer = ZeekWriter(path)
    for number in range(4):
        writer.write(number)
        writer.rotate()
    writer.write(4)
    following = Following(path)
    following.poll(1)
    sizes = sum(one.stat().st_size for one in path.parent.iterdir())
    first = min(path.parent.glob("conn.2*")).stat().st_size
    assert sizes - first <= following.follower.lag_bytes < sizes
    following.drain()
    assert following.follower.lag_bytes == 0


@pytest.mark.parametrize("rotated", [False, True])
def test_a_place_in_a_file_that_cannot_be_opened_now_is_waited_for(
    path: Path, rotated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = ZeekWriter(path)
    writer.write(1, 2)
    following = Following(path)
    following.poll(1)
    following.stop()
    if rotated:
        writer.rotate()
        writer.write(3)
    refused = path.with_name(f"conn.{FIRST:%Y-%m-%d-%H-%M-%S}.log") if rotated else path
    open_content = content.open_content

    def without_right(name: Path) -> content.Content:
        if name == refused:
            raise InputError(f"{name}: no right to read it")
        return open_content(name)

    for module in ("family", "follow", "members"):
        monkeypatch.setattr(f"zeekml.sensor.{module}.open_content", without_right)
    following.restart()
    assert following.drain() == []
    assert "no right to read it" in str(following.follower.problem)
    monkeypatch.undo()
    assert following.drain() == ([2, 3] if rotated else [2])
    assert following.follower.problem is None
