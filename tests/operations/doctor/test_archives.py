"""What the doctor says of the further folders where rotated logs lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor.zeek_writer import ZeekWriter
from zeekml.config import Settings, parse_settings
from zeekml.operations.doctor.archives import check_archives
from zeekml.operations.doctor.finding import Level


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    path = tmp_path / "logs" / "conn.log"
    path.parent.mkdir()
    ZeekWriter(path).write(1)
    return path


def told(log: Path, *archives: str) -> list[tuple[Level, str]]:
    settings = parse_settings(f"watch: {{archives: [{', '.join(archives)}]}}", "test")
    return [(finding.level, finding.what) for finding in check_archives([log], settings)]


def test_without_archives_there_is_nothing_to_say(log: Path) -> None:
    assert list(check_archives([log], Settings())) == []


@pytest.mark.parametrize("named", ["log", "folder"])
def test_an_archive_with_the_log_s_rotated_files_is_well(log: Path, tmp_path: Path, named: str) -> None:
    writer = ZeekWriter(log)
    for number in (1, 2):
        writer.write(number)
        writer.rotate(folder=tmp_path / "old")
    writer.write(3)
    ((level, what),) = told(log if named == "log" else log.parent, str(tmp_path / "old"))
    assert (level, what) == (Level.OK, f"watch.archives: {tmp_path / 'old'} holds 2 rotated files")


def test_an_archive_that_holds_nothing_or_is_of_another_log_is_worth_a_word(
    log: Path, tmp_path: Path
) -> None:
    ((level, what),) = told(log, str(tmp_path / "old"))
    assert (level, what.partition(" yet")[0][-8:]) == (Level.WARNING, "conn.log")
    ((level, what),) = told(log, f"{{folder: {tmp_path / 'old'}, log: /srv/other/conn.log}}")
    assert level == Level.WARNING
    assert "for none of the logs" in what


def test_an_archive_that_is_not_there_is_wrong(log: Path, tmp_path: Path) -> None:
    ((level, what),) = told(log, str(tmp_path / "nowhere"))
    assert level == Level.WRONG
    assert f"{tmp_path / 'nowhere'}: no such folder" in what


def test_an_archive_in_which_another_log_lives_is_wrong(log: Path, tmp_path: Path) -> None:
    ZeekWriter(tmp_path / "old" / "conn.log").write(9)
    assert (Level.WRONG, True) in [
        (level, "a log of its own" in what) for level, what in told(log, str(tmp_path / "old"))
    ]
