"""After a pause: the place is found again, and what came meanwhile read in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sensor import outsiders
from tests.sensor.conftest import Between
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FIRST, ZeekWriter


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
