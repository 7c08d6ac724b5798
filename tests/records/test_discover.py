"""Logs found by files, globs and folders, and put together into streams."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.records.logs import FLOW, gzipped, header, json_object, ndjson, tsv
from zeekml.errors import FormatError, InputError, MissingColumnError, TruncatedError
from zeekml.records import Discovery, LogFile, Rejects, discover, read_batches

DNS = "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tquery\n1.0\tC\texample\n"


def put(folder: Path, **contents: str | bytes) -> None:
    for name, content in contents.items():
        write(folder / name, content)


def write(path: Path, content: str | bytes = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content or tsv(3)
    path.write_bytes(
        gzipped(content)
        if path.suffix == ".gz"
        else content.encode()
        if isinstance(content, str)
        else content
    )
    return path


def streams(found: Discovery, folder: Path) -> dict[str, list[str]]:
    """Names of streams and their files, from ``folder`` on."""
    prefix = f"{folder}/"
    return {
        stream.name.removeprefix(prefix): [log.name.removeprefix(prefix) for log in stream.files]
        for stream in found.streams
    }


def test_an_archive_tree_of_zeekctl_is_one_stream_in_the_order_of_dates(tmp_path: Path) -> None:
    for name in (
        "2026-11-24/conn.00:00:00-01:00:00.log.gz",
        "2026-11-23/conn.23:00:00-00:00:00.log.gz",
        "2026-11-23/conn.09:00:00-10:00:00.log.gz",
    ):
        write(tmp_path / "logs" / name)
    write(tmp_path / "spool" / "zeek" / "conn.log")
    write(tmp_path / "spool" / "zeek" / ".shadow.conn.log", "x")
    (tmp_path / "logs" / "current").symlink_to(tmp_path / "spool" / "zeek")
    write(tmp_path / "logs" / "2026-11-23" / "dns.09:00:00-10:00:00.log.gz", DNS)
    write(tmp_path / "logs" / "2026-11-23" / "notes.txt", "nothing")
    found = discover([str(tmp_path / "logs")])
    assert streams(found, tmp_path) == {
        "logs/conn.log": [
            "logs/2026-11-23/conn.09:00:00-10:00:00.log.gz",
            "logs/2026-11-23/conn.23:00:00-00:00:00.log.gz",
            "logs/2026-11-24/conn.00:00:00-01:00:00.log.gz",
            "logs/current/conn.log",
        ]
    }
    assert [Path(name).name for name in found.passed_over] == ["dns.09:00:00-10:00:00.log.gz", "notes.txt"]
    assert found.problems == []


def test_names_of_other_tools(tmp_path: Path) -> None:
    eve = ndjson([FLOW])
    objects = ndjson([json_object()])
    write(tmp_path / "eve.json", eve)
    write(tmp_path / "eve.json.1", eve)
    write(tmp_path / "eve.json.2.gz", eve)
    write(tmp_path / "conn_20200816_07:00:00-08:00:00+0000.log.gz", objects)
    write(tmp_path / "conn_20200816_06:00:00-07:00:00+0000.log.gz", objects)
    write(tmp_path / "json_streaming_conn.log", objects)
    write(tmp_path / "sensor-b" / "conn.log", objects)
    assert streams(discover([str(tmp_path)]), tmp_path) == {
        "conn.log": [
            "conn_20200816_06:00:00-07:00:00+0000.log.gz",
            "conn_20200816_07:00:00-08:00:00+0000.log.gz",
        ],
        "eve.json": ["eve.json.2.gz", "eve.json.1", "eve.json"],
        "json_streaming_conn.log": ["json_streaming_conn.log"],
        "sensor-b/conn.log": ["sensor-b/conn.log"],
    }


def test_without_dates_the_header_and_the_first_connection_tell_the_order(tmp_path: Path) -> None:
    put(tmp_path, **{"conn.log": tsv(2).replace("2026-11-23-10", "2026-11-23-12"), "conn.log.gz": tsv(2)})
    assert streams(discover([str(tmp_path)]), tmp_path) == {"conn.log": ["conn.log.gz", "conn.log"]}
    put(tmp_path, **{"conn.log": ndjson([json_object(5)]), "conn.log.gz": ndjson([json_object(9)])})
    assert streams(discover([str(tmp_path)]), tmp_path) == {"conn.log": ["conn.log", "conn.log.gz"]}


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "conn.log")
    (tmp_path / "again.log").symlink_to(path)
    os.link(path, tmp_path / "hard.log")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = discover([str(tmp_path), str(path), str(tmp_path / "*.log")])
    assert sum(len(stream.files) for stream in found.streams) == 1
    assert found.passed_over == [str(tmp_path / "dangling")]


def test_a_file_named_by_hand_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "dns.log", DNS)
    found = discover([str(path)])
    log = found.streams[0].files[0]
    with pytest.raises(MissingColumnError):
        list(read_batches(log, "s", rejects=Rejects()))


def test_what_cannot_be_found_is_a_problem(tmp_path: Path) -> None:
    found = discover(
        [str(tmp_path / "none.log"), str(tmp_path / "*.log"), str(write(tmp_path / "sub" / "conn.log"))]
    )
    assert [type(problem) for problem in found.problems] == [InputError, InputError]
    assert "no such file" in str(found.problems[0])
    assert "nothing matches" in str(found.problems[1])
    assert len(found.streams) == 1


def test_a_broken_connection_log_in_a_folder_is_a_problem_and_no_other(tmp_path: Path) -> None:
    write(tmp_path / "conn.a.log", header(["ts", "uid"]))
    write(tmp_path / "conn.b.log", gzipped(tsv(3))[:12])
    write(tmp_path / "http.log", gzipped(DNS)[:12])
    write(tmp_path / "picture", b"\x89PNG\r\n\x1a\n\0\0")
    write(tmp_path / "conn.log")
    found = discover([str(tmp_path)])
    assert [type(problem) for problem in found.problems] == [MissingColumnError, TruncatedError]
    assert len(found.passed_over) == 2
    assert list(streams(found, tmp_path)) == ["conn.log"]


def test_a_long_first_line_takes_a_second_look(tmp_path: Path) -> None:
    write(tmp_path / "conn.log", ndjson([{**json_object(), "note": "x" * 50_000}] * 3))
    assert len(discover([str(tmp_path)]).streams) == 1


def test_a_folder_that_is_named_as_an_object_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be"):
        list(read_batches(LogFile(tmp_path, "folder"), "s", rejects=Rejects()))


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discover(["-", "-"])
    assert [(stream.name, stream.files) for stream in found.streams] == [("-", (LogFile(None, "-"),))]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzipped(tsv(5)))))
    batches = list(read_batches(LogFile(None, "-"), "-", rejects=Rejects()))
    assert sum(len(batch.frame) for batch in batches) == 5


def test_a_fifo_named_by_hand_is_not_opened_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert len(discover([str(tmp_path / "pipe")]).streams) == 1
    assert discover([str(tmp_path)]).passed_over == [str(tmp_path / "pipe")]


def test_names_that_are_no_text_are_shown_escaped(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/conn\xff\n.log"
    with open(path, "wb") as log:  # noqa: PTH123  (a name in bytes)
        log.write(tsv(1).encode())
    found = discover([str(tmp_path)])
    assert found.streams[0].files[0].name.endswith("/conn\\xff\\x0a.log")
    assert isinstance(discover([str(write(tmp_path / "x.bin", b"\0\1"))]).streams[0].files[0], LogFile)
    with pytest.raises(FormatError):
        list(read_batches(LogFile(tmp_path / "x.bin", "x"), "s", rejects=Rejects()))
