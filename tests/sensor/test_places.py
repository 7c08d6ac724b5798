"""One log under several spellings: positions and what is remembered of its hosts are found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sensor.several import Several
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.sensor import Position
from zeekml.sensor.places import stream_of

Spelling = Callable[[Path], Path]
SPELLINGS: dict[str, Spelling] = {
    "relative": lambda _: Path("logs/spool/conn.log"),
    "absolute": lambda folder: folder / "logs" / "spool" / "conn.log",
    "by a link to the folder": lambda folder: folder / "logs" / "current" / "conn.log",
    "by a link to the log": lambda folder: folder / "link.log",
    "with a detour": lambda folder: folder / "logs" / ".." / "logs" / "spool" / "conn.log",
    "by its folder": lambda folder: folder / "logs" / "spool",
}


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ZeekWriter:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs" / "spool").mkdir(parents=True)
    (tmp_path / "logs" / "current").symlink_to(tmp_path / "logs" / "spool")
    (tmp_path / "link.log").symlink_to(tmp_path / "logs" / "spool" / "conn.log")
    writer = ZeekWriter(tmp_path / "logs" / "spool" / "conn.log")
    writer.write(1, 2)
    return writer


@pytest.mark.parametrize("before", SPELLINGS)
@pytest.mark.parametrize("after", SPELLINGS)
def test_a_log_is_gone_on_with_under_another_spelling(
    tmp_path: Path, writer: ZeekWriter, before: str, after: str
) -> None:
    first = Several(SPELLINGS[before](tmp_path))
    assert list(first.take().values()) == [[1, 2]]
    writer.write(3)
    again = Several(SPELLINGS[after](tmp_path), positions=first.positions)
    assert list(again.take().values()) == [[3]]
    assert again.streams == first.streams
    assert again.positions.keys() == first.positions.keys()


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_spellings_the_kept_one_is_the_stream(tmp_path: Path, writer: ZeekWriter, order: int) -> None:
    kept, other = SPELLINGS["by a link to the folder"](tmp_path), SPELLINGS["relative"](tmp_path)
    first = Several(kept)
    assert first.take() == {"conn.log": [1, 2]}
    writer.write(3)
    again = Several(*[other, kept][::order], positions=first.positions)
    assert again.take() == {"conn.log": [3]}
    assert again.streams == first.streams


def test_a_relative_spelling_is_found_again_from_another_folder(
    tmp_path: Path, writer: ZeekWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Several(SPELLINGS["relative"](tmp_path))
    first.take()
    monkeypatch.chdir("/")
    again = Several(SPELLINGS["absolute"](tmp_path), positions=first.positions)
    assert again.streams == ("logs/spool/conn.log",)
    assert again.take() == {}


def test_a_copy_of_a_log_elsewhere_is_a_log_of_its_own(tmp_path: Path, writer: ZeekWriter) -> None:
    first = Several(SPELLINGS["absolute"](tmp_path))
    first.take()
    copy = tmp_path / "copy" / "conn.log"
    copy.parent.mkdir()
    copy.write_bytes(writer.path.read_bytes())
    again = Several(copy, positions=first.positions)
    assert again.streams == (str(copy),)
    assert again.take() == {"conn.log": [1, 2]}


def test_of_several_kept_spellings_the_same_one_goes_first_and_else_the_last_read(
    tmp_path: Path, writer: ZeekWriter
) -> None:
    kept = {"logs/spool/conn.log": Position(modified=1.0), str(tmp_path / "link.log"): Position(modified=2.0)}
    assert stream_of(Path("logs/spool/conn.log"), kept) == "logs/spool/conn.log"
    assert stream_of(writer.path, kept) == str(tmp_path / "link.log")
