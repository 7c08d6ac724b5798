"""From its start a log is read as ``zeekml score`` reads it: all its files that are on disk, in one order."""

from __future__ import annotations

import gzip
import random
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import logs
from tests.sensor import outsiders
from tests.sensor.following import Following, numbers
from tests.sensor.several import Several
from tests.sensor.zeek_writer import ZeekWriter
from zeekml.records import Rejects, discover, read_batches

DATED = [f"conn.2026-11-23-{hour:02d}-00-00.log" for hour in range(3)]
ARCHIVED = [
    f"2026-11-2{day}/conn.{hour:02d}:00:00-{hour + 1:02d}:00:00.log" for day in (2, 3) for hour in range(3)
]
DAILY = [f"conn.log-2026112{day}" for day in (1, 2, 4)]
NUMBERED = [f"conn.log.{number}" for number in (1, 2, 3, 10, 11)]
NAMES = [*DATED, *ARCHIVED, *DAILY, *NUMBERED]


def content(opened: int, count: int) -> bytes:
    """A log that was opened at that minute, with connections of its own."""
    text = logs.tsv(count, start=opened * 10).replace(
        "2026-11-23-10-00-00", f"2026-11-23-10-{opened:02d}-00", 1
    )
    return text.encode()


def put(path: Path, data: bytes, packing: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if packing == ".gz":
        data = gzip.compress(data, 1)
    elif packing == ".zst":
        data = zstandard.compress(data, 1)
    path.with_name(path.name + packing).write_bytes(data)


def batch_order(folder: Path) -> list[int]:
    (stream,) = discover([str(folder)]).streams
    return [
        number
        for file in stream.files
        for batch in read_batches(file, stream.name, rejects=Rejects())
        for number in numbers([batch])
    ]


@settings(max_examples=60, deadline=None)
@given(
    files=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["", ".gz", ".zst"])),
        min_size=1, max_size=8, unique_by=lambda file: file[0],
    ),
    written=st.randoms(use_true_random=False),
    live=st.booleans(),
    most_rows=st.sampled_from([1, 3, 100]),
)  # fmt: skip
def test_the_files_of_a_folder_are_read_in_the_order_of_score(
    files: list[tuple[str, str]], written: random.Random, live: bool, most_rows: int
) -> None:
    opened = list(range(len(files)))
    written.shuffle(opened)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for (file, packing), minute in zip(files, opened, strict=True):
            put(folder / file, content(minute, minute % 3 + 1), packing)
        if live:
            put(folder / "conn.log", content(50, 2), "")
        followed = Several(folder, start="start")
        taken = followed.take(most_rows)["conn.log"]
        followed.close()
        assert taken == batch_order(folder)


def test_a_log_that_was_compressed_in_place_comes_before_what_was_opened_later(tmp_path: Path) -> None:
    put(tmp_path / "conn.log", content(0, 1), ".gz")
    put(tmp_path / DATED[0], content(1, 1), "")
    assert Several(tmp_path).take() == {"conn.log": [0, 10]}
    put(tmp_path / "conn.log", content(2, 1), "")
    assert Several(tmp_path).take() == {"conn.log": [0, 10, 20]}
    assert batch_order(tmp_path) == [0, 10, 20]


def test_two_files_of_one_age_are_both_read(tmp_path: Path) -> None:
    """A restart of Zeek within the interval: the archive has the first part, the spool the second."""
    put(tmp_path / "2026-11-23" / "conn.00:00:00-00:20:00.log", content(1, 2), ".gz")
    put(tmp_path / "2026-11-23" / "conn.00:00:00-01:00:00.log", content(2, 1), ".gz")
    put(tmp_path / DATED[0], content(3, 1), "")
    put(tmp_path / "conn.log", content(4, 1), "")
    following = Following(tmp_path / "conn.log")
    assert following.drain(1) == [10, 11, 20, 30, 40] == batch_order(tmp_path)


def test_a_copy_that_is_being_compressed_is_no_second_file(tmp_path: Path) -> None:
    for packing, size in ((".gz", 40), (".zst", 0)):
        put(tmp_path / DATED[0], content(0, 50), packing)
        packed = tmp_path / (DATED[0] + packing)
        packed.write_bytes(packed.read_bytes()[:size])
    put(tmp_path / DATED[0], content(0, 50), "")
    put(tmp_path / "conn.log", content(9, 1), "")
    assert Following(tmp_path / "conn.log").drain() == [*range(50), 90]


@pytest.mark.parametrize("restarted", [False, True])
def test_rotation_while_the_first_files_are_read(tmp_path: Path, restarted: bool) -> None:
    path = tmp_path / "conn.log"
    writer = ZeekWriter(path, form="json")
    for number in range(4):
        writer.write(10 * number, 10 * number + 1)
        outsiders.logrotate(path)
        writer.close()
    following = Following(path)
    for number in range(4, 9):
        following.poll(1)
        writer.write(10 * number, 10 * number + 1)
        outsiders.logrotate(path, packed=True, delayed=number % 2 == 0)
        writer.close()
        if restarted:
            following.restart()
    writer.write(99)
    following.drain(1)
    assert following.taken == [number for turn in range(9) for number in (10 * turn, 10 * turn + 1)] + [99]


def test_nothing_taken_yet_is_gone_on_from_after_a_restart(tmp_path: Path) -> None:
    following = Following(tmp_path / "conn.log")
    following.poll()
    following.stop()
    writer = ZeekWriter(tmp_path / "conn.log")
    for number in range(3):
        writer.write(number)
        writer.rotate()
    following.restart()
    assert following.drain() == [0, 1, 2]


def test_a_folder_by_date_without_a_live_log(tmp_path: Path) -> None:
    """zeekctl's archive, copied to another machine."""
    for day in (22, 23):
        put(tmp_path / f"2026-11-{day}" / "conn.00:00:00-01:00:00.log", content(day, 2), ".gz")
        put(tmp_path / f"2026-11-{day}" / "dns.00:00:00-01:00:00.log", b"#fields\tts\n1\n", ".gz")
    followed = Several(tmp_path)
    assert followed.take() == {"conn.log": [220, 221, 230, 231]}
    assert followed.streams == (str(tmp_path / "conn.log"),)
    (tmp_path / "2026-11-24").mkdir()
    put(tmp_path / "2026-11-24" / "conn.00:00:00-01:00:00.log", content(24, 1), ".gz")
    assert followed.take() == {"conn.log": [240]}
    ended = Several(tmp_path, start="end")
    assert ended.take() == {}
    put(tmp_path / "2026-11-24" / "conn.01:00:00-02:00:00.log", content(25, 1), ".gz")
    assert ended.take() == {"conn.log": [250]}


@pytest.mark.parametrize("start", ["start", "end"])
def test_a_log_whose_newest_file_has_a_date_and_grows(tmp_path: Path, start: str) -> None:
    """Suricata's ``filename: eve-%Y-%m-%d-%H:%M.json``: there is never an eve.json."""
    first, second = (
        ZeekWriter(tmp_path / f"eve-2026-11-23-10:{minute}.json", form="eve") for minute in (10, 20)
    )
    first.write(1, 2)
    followed = Several(tmp_path, start="start" if start == "start" else "end")
    assert followed.take() == ({"eve.json": [1, 2]} if start == "start" else {})
    first.write(3)
    assert followed.take() == {"eve.json": [3]}
    first.close()
    second.write(4)
    assert followed.take() == {"eve.json": [4]}
    again = Several(tmp_path, positions=followed.positions)
    second.write(5)
    assert again.take() == {"eve.json": [5]}
