"""Truncated, deleted, made anew: a file that is no longer what it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sensor import outsiders
from tests.sensor.conftest import Between
from tests.sensor.following import Following
from tests.sensor.zeek_writer import ZeekWriter


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


@pytest.mark.parametrize("packed", [False, True])
def test_the_copy_that_follows_a_file_cut_to_nothing(path: Path, between: Between, packed: bool) -> None:
    """All begin with NUL bytes: which one came before is told by what stands behind those."""
    writer, following = ZeekWriter(path), Following(path)
    many = 30  # more NUL bytes than are compared
    for turn in range(3):
        writer.write(*range(turn * many, (turn + 1) * many))
        following.drain()
        if turn < 2:
            outsiders.copytruncate(path, packed=packed)
    between(following)
    os.truncate(path, 0)
    for turn in (3, 4):
        writer.write(*range(turn * many, (turn + 1) * many))
        outsiders.copytruncate(path, packed=packed)
    writer.write(5 * many)
    following.drain()
    assert following.taken == list(range(5 * many + 1))


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


@pytest.mark.parametrize("packed", [False, True])
def test_a_truncation_without_a_copy_and_then_one_with_it(path: Path, between: Between, packed: bool) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1, 2)
    outsiders.copytruncate(path)
    writer.write(3, 4)
    assert following.drain() == [1, 2, 3, 4]
    before = len(following.taken)
    between(following)
    os.truncate(path, 0)
    writer.write(5, 6)
    outsiders.copytruncate(path, packed=packed)
    writer.write(7)
    following.drain()
    assert following.taken[before:] == [5, 6, 7]


def test_a_truncation_without_a_copy_and_then_a_rotation(path: Path) -> None:
    writer, following = ZeekWriter(path), Following(path)
    writer.write(1, 2)
    assert following.drain() == [1, 2]
    writer.crash()
    writer.write(3, 4)  # a restart: the same file, from its start
    writer.rotate()
    writer.write(5)
    writer.rotate()
    writer.write(6)
    assert following.drain() == [3, 4, 5, 6]


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
