"""Folders where rotated files lie: read in order, and never those of another log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sensor.several import Several
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.errors import ConfigError
from zeekml.sensor.archives import Archive, shared_archive


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    return folder


def sensor(folder: Path, *numbers: int) -> ZeekWriter:
    folder.mkdir(exist_ok=True)
    writer = ZeekWriter(folder / "conn.log")
    writer.write(*numbers)
    return writer


def test_a_watched_folder_does_not_read_its_archive_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = tmp_path / "logs" / "old"
    conn = sensor(tmp_path / "logs", 1)
    old.mkdir()
    conn.rotate(folder=old)
    conn.write(2)
    logs = Several(tmp_path / "logs", archives=[Archive(old)])
    assert logs.take() == {"conn.log": [1, 2]}
    conn.rotate(folder=old)
    conn.write(3)
    conn.rotate(folder=old)
    conn.write(4)
    assert logs.take() == {"conn.log": [3, 4]}
    assert not caplog.records


def test_rotated_files_in_a_folder_that_was_not_named_are_passed_over_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = tmp_path / "logs" / "old"
    conn = sensor(tmp_path / "logs", 1)
    old.mkdir()
    logs = Several(tmp_path / "logs")
    assert logs.take() == {"conn.log": [1]}
    conn.rotate(folder=old)
    conn.write(2)
    assert logs.take() == {"conn.log": [2]}
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "name the folder in watch.archives" in caplog.text


def test_a_log_of_a_name_that_is_rotated_away_for_a_moment_is_found_when_it_is_back(tmp_path: Path) -> None:
    sensor(tmp_path / "a", 1)
    other = sensor(tmp_path / "b", 11)
    rotated = other.rotate()
    assert rotated
    os.utime(rotated, (1_700_000_000, 1_700_000_000))
    logs = Several(tmp_path, start="end")
    assert logs.take() == {}
    other.write(12)
    other.rotate()
    other.write(13)
    assert logs.take() == {"conn.log": [12, 13]}
    assert set(logs.streams) == {str(tmp_path / "a" / "conn.log"), str(tmp_path / "b" / "conn.log")}


def test_an_archive_of_one_log_is_not_that_of_another(tmp_path: Path) -> None:
    folders = {name: tmp_path / f"{name}-old" for name in "ab"}
    writers = {name: sensor(tmp_path / name, number) for name, number in (("a", 1), ("b", 11))}
    for folder in folders.values():
        folder.mkdir()
    archives = [Archive(folders[name], tmp_path / name) for name in "ab"]
    logs = Several(tmp_path / "a" / "conn.log", tmp_path / "b" / "conn.log", archives=archives)
    assert logs.take_by_stream() == {"a": [1], "b": [11]}
    for step in (1, 2):
        for name, writer in writers.items():
            writer.rotate(folder=folders[name])
            writer.write((1 if name == "a" else 11) + step)
    assert logs.take_by_stream() == {"a": [2, 3], "b": [12, 13]}


def test_one_archive_for_two_logs_of_a_name_is_refused(tmp_path: Path, old: Path) -> None:
    paths = [sensor(tmp_path / name, 1).path for name in "ab"]
    with pytest.raises(ConfigError, match=r"would hold the rotated files of both.*folder: .*old, log: "):
        Several(*paths, archives=[Archive(old)])
    other = sensor(tmp_path / "c", 1).path.rename(tmp_path / "c" / "conn-c.log")
    Several(paths[0], other, archives=[Archive(old)])


def test_the_folder_of_another_log_is_no_archive(tmp_path: Path) -> None:
    paths = [sensor(tmp_path / name, 1).path for name in "ab"]
    with pytest.raises(ConfigError, match="would hold the rotated files of both"):
        Several(*paths, archives=[Archive(tmp_path / "a", paths[1])])
    with pytest.raises(ConfigError, match="is a log of its own"):
        Several(paths[1], archives=[Archive(tmp_path / "a")])
    assert (
        shared_archive(paths[0], [], [Archive(tmp_path / "a")]) is None
    )  # beside the log, as without the setting


def test_a_second_log_of_the_name_that_appears_later_ends_the_use_of_the_archive(
    tmp_path: Path, old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    conn = sensor(tmp_path / "logs", 1)
    logs = Several(tmp_path / "logs", archives=[Archive(old)])
    assert logs.take() == {"conn.log": [1]}
    late = sensor(tmp_path / "logs" / "late", 11)
    assert logs.take() == {"conn.log": [11]}
    assert "used for neither" in caplog.text
    late.rotate(folder=old)
    late.write(12)
    conn.write(2)
    assert sorted(logs.take()["conn.log"]) == [2, 12]


def test_an_archive_that_vanishes_is_waited_for(tmp_path: Path, old: Path) -> None:
    conn = sensor(tmp_path / "logs", 1)
    logs = Several(conn.path, archives=[Archive(old)])
    assert logs.take() == {"conn.log": [1]}
    for number in (2, 3):
        conn.rotate(folder=old)
        conn.write(number)
    away = old.rename(tmp_path / "unmounted")
    logs.take()
    assert "rotated logs may lie there unread" in str(next(iter(logs.problems.values())))
    away.rename(old)
    assert logs.take() == {"conn.log": [2, 3]}
    assert logs.problems == {}
