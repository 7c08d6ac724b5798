"""Several logs at once, named or found in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sensor.several import Several
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.records import discover
from zeekml.sensor import Position


def test_two_sensors_and_suricata_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "conn.log", tmp_path / "b" / "conn2.log", tmp_path / "eve.json"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
    writers = [
        ZeekWriter(paths[0]),
        ZeekWriter(paths[1], form="json"),
        ZeekWriter(paths[2], form="eve"),
    ]
    followed = Several(*paths)
    for writer in writers:
        writer.write(1, 2, 3)
    assert followed.take(2) == {"conn.log": [1, 2, 3], "conn2.log": [1, 2, 3], "eve.json": [1, 2, 3]}
    assert list(followed.streams) == [str(path) for path in paths]
    assert followed.lag_bytes == 0
    again = Several(*paths, positions=followed.positions, start="end")
    for writer in writers:
        writer.rotate()
        writer.write(4)
    assert again.take() == {"conn.log": [4], "conn2.log": [4], "eve.json": [4]}


def test_a_busy_log_leaves_the_others_their_share(tmp_path: Path) -> None:
    busy, quiet = ZeekWriter(tmp_path / "busy.log"), ZeekWriter(tmp_path / "quiet.log")
    busy.write(*range(100))
    quiet.write(1)
    followed = Several(busy.path, quiet.path)
    first = followed.poll(10) + followed.poll(10)
    assert {Path(batch.stream).name for batch in first} == {"busy.log", "quiet.log"}
    assert not followed.caught_up


def test_a_folder_of_logs(tmp_path: Path) -> None:
    conn = ZeekWriter(tmp_path / "conn.log")
    conn.write(1)
    conn.rotate()
    conn.write(2)
    ZeekWriter(tmp_path / "dns.log", names=("ts", "uid", "query")).write(90)
    ZeekWriter(tmp_path / ".shadow.conn.log").write(91)
    (tmp_path / "stdout.log").write_text("zeek started\n")
    (tmp_path / "weird.log").touch()
    followed = Several(tmp_path, start="end")
    assert followed.take() == {}
    assert followed.streams == (str(tmp_path / "conn.log"),)
    assert followed.streams[0] == discover([str(tmp_path)]).streams[0].name
    conn.write(3)
    late = ZeekWriter(tmp_path / "weird.log", form="json")
    late.write(4)  # a log that could not be told before
    (tmp_path / "other").mkdir()
    ZeekWriter(tmp_path / "other" / "conn.log").write(5)
    assert followed.take() == {"conn.log": [3, 5], "weird.log": [4]}
    assert followed.problems == {}


def test_a_folder_in_which_the_log_is_just_rotated_away(tmp_path: Path) -> None:
    conn = ZeekWriter(tmp_path / "conn.log")
    conn.write(1)
    conn.rotate()
    followed = Several(tmp_path, start="end")
    assert followed.take() == {}
    conn.write(2)
    conn.rotate()
    conn.write(3)
    assert followed.take() == {"conn.log": [2, 3]}


def test_zeekctl_s_folder(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    kept = tmp_path / "logs"
    spool.mkdir()
    (kept / "2026-11-22").mkdir(parents=True)
    (kept / "current").symlink_to(spool)
    ZeekWriter(kept / "2026-11-22" / "conn.10:00:00-11:00:00.log").write(9)
    conn = ZeekWriter(spool / "conn.log")
    conn.write(1)
    followed = Several(kept)
    assert followed.take() == {"conn.log": [9, 1]}
    assert followed.streams == (str(kept / "conn.log"),)
    assert spool in {folder.resolve() for folder in followed.folders()}


def test_positions_of_logs_that_are_not_followed_now_are_kept(tmp_path: Path) -> None:
    gone = Position(inode=7, offset=9)
    followed = Several(tmp_path / "conn.log", positions={"elsewhere/conn.log": gone})
    assert followed.positions["elsewhere/conn.log"] == gone


def test_a_log_under_two_spellings_is_followed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    ZeekWriter(tmp_path / "logs" / "conn.log").write(1, 2, 3)
    logs = Several(Path("logs/conn.log"), tmp_path / "logs" / "conn.log", Path("logs"))
    assert list(logs.streams) == ["logs/conn.log"]
    assert logs.take() == {"conn.log": [1, 2, 3]}


@pytest.mark.parametrize("written_before", [True, False])
def test_a_log_behind_a_link_is_followed_once(tmp_path: Path, *, written_before: bool) -> None:
    """zeekctl's layout: logs/current leads to the spool, and both may be named."""
    (tmp_path / "spool").mkdir()
    (tmp_path / "logs").mkdir()
    writer = ZeekWriter(tmp_path / "spool" / "conn.log")
    (tmp_path / "logs" / "current").symlink_to(tmp_path / "spool")
    if written_before:
        writer.write(1, 2, 3)
    logs = Several(tmp_path / "logs" / "current" / "conn.log", tmp_path / "spool" / "conn.log")
    if not written_before:
        writer.write(1, 2, 3)
    assert logs.take() == {"conn.log": [1, 2, 3]}
    writer.write(4, 5)
    assert logs.take() == {"conn.log": [4, 5]}


def test_of_two_sensors_one_was_rotated_away_while_zeekml_was_down(tmp_path: Path) -> None:
    """Zeek has no log for seconds after a rotation: what is known of the sensor stays true meanwhile."""
    writers = []
    for name in "ab":
        (tmp_path / name).mkdir()
        writers.append(ZeekWriter(tmp_path / name / "conn.log"))
        writers[-1].write(1, 2)
    before = Several(tmp_path)
    assert before.take_by_stream() == {"a": [1, 2], "b": [1, 2]}
    writers[0].write(3, 4)
    writers[0].rotate()
    again = Several(tmp_path, positions=before.positions, start="end")
    assert again.take_by_stream() == {"a": [3, 4]}
