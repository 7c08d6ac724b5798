"""A log read in parts gives what it gives as a whole, wherever it is cut."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from tests.made import GOLDEN, LOGS, ROW, conn_log, row
from tests.records.logs import FLOW, json_object, ndjson
from zeekml.errors import FormatError, TruncatedError
from zeekml.records import LogFile, Reject, Rejects, parts, read_batches
from zeekml.records.parts import PartEnd, cut, read_part


def whole(path: Path) -> tuple[pd.DataFrame, list[int], list[Reject], list[str]]:
    rejects: list[Reject] = []
    told = Rejects(rejects.append)
    batches = list(read_batches(LogFile(path, str(path)), "s", rejects=told))
    lines = [line for batch in batches for line in batch.lines.tolist()]
    return _joined([batch.frame for batch in batches]), lines, rejects, told.without_flows


def in_parts(path: Path, size: int) -> tuple[pd.DataFrame, list[int], list[Reject], int]:
    frames, lines, rejects, before = [], [], list[Reject](), 0
    parts = cut(LogFile(path, str(path)), size)
    for part in parts:
        end, told = PartEnd(), list[Reject]()
        for batch in read_part(part, "s", Rejects(told.append), end, batch_rows=50):
            if batch is not None:
                frames.append(batch.frame)
                lines += (batch.lines + before).tolist()
        rejects += [Reject(each.source, each.line + before, each.reason, each.text) for each in told]
        before += end.lines
    return _joined(frames), lines, rejects, len(parts)


def the_same(path: Path, size: int) -> tuple[pd.DataFrame, list[Reject], int]:
    """The connections and rejects of a log, which are those of its parts, and how many parts there are."""
    frame, lines, rejects, _ = whole(path)
    parted, their_lines, their_rejects, count = in_parts(path, size)
    pd.testing.assert_frame_equal(parted, frame)
    assert (their_lines, their_rejects) == (lines, rejects)
    return frame, rejects, count


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    plain = [frame.astype(dict.fromkeys(frame.select_dtypes("category"), object)) for frame in frames]
    return pd.concat(plain, ignore_index=True)


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN if name != "dns.log"))
@pytest.mark.parametrize("size", [300, 4000])
def test_the_parts_hold_what_the_whole_holds(name: str, size: int) -> None:
    _, _, count = the_same(LOGS / name, size)
    assert count > 1


def test_broken_lines_and_made_up_uids_are_the_same(tmp_path: Path) -> None:
    rows = [
        row(uid="-" if number % 3 else f"C{number}", ts=str(1_700_000_000 + number)) for number in range(200)
    ]
    rows[70] = row(ts="yesterday")
    rows[150] = row(id_resp_p="port")
    path = tmp_path / "conn.log"
    path.write_text(conn_log(rows))
    _, rejects, count = the_same(path, 1000)
    assert count > 10
    assert [reject.line for reject in rejects] == [79, 159]


def test_a_log_with_a_second_header_is_one_part(tmp_path: Path) -> None:
    fields = [name for name in ROW if name != "service"]
    path = tmp_path / "conn.log"
    path.write_text(conn_log([row()] * 50) + conn_log([row()] * 50, fields=fields))
    _, lines, _, count = in_parts(path, 500)
    assert count == 1
    assert len(lines) == 100


@pytest.mark.parametrize("between", [b"", b"#fields\tts\n", b"\0#close\n", b"#close\n#open\n"])
def test_a_header_is_seen_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: bytes
) -> None:
    monkeypatch.setattr(parts, "_LOOKED_AT", 512)
    rows = conn_log([row()] * 10, close=False).encode()
    path = tmp_path / "conn.log"
    for rest in range(520):
        path.write_bytes(rows + b"x" * rest + b"\n" + between + b"x\n" * 500)
        assert (len(cut(LogFile(path, "x"), 800)) > 1) == (not between)


def test_rows_below_an_object_are_those_of_one_log(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(b"{}\n" * 3 + conn_log([row()] * 200).encode())
    frame, rejects, _ = the_same(path, 1000)
    assert (len(frame), len(rejects)) == (200, 3)


@pytest.mark.parametrize("first", [b"#x", b"# a comment\n"])
def test_what_stands_above_objects_is_no_header_of_every_part(tmp_path: Path, first: bytes) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(first + ndjson([FLOW] * 300))
    _, rejects, count = the_same(path, 10_000)
    assert count > 3
    assert len(rejects) == 1


@pytest.mark.parametrize("left", [0, 5000])
def test_a_log_that_shrinks_while_it_is_cut_is_read_as_far_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    path = tmp_path / "conn.log"
    path.write_text(conn_log([row()] * 2000))
    beginning = parts._beginning

    def then_shrink(start: bytes, name: str) -> parts.Beginning:
        os.truncate(path, left)
        return beginning(start, name)

    monkeypatch.setattr(parts, "_beginning", then_shrink)
    found = cut(LogFile(path, "x"), 1000)
    if not left:
        with pytest.raises(FormatError, match="empty"):
            list(read_part(found[0], "s", Rejects(), PartEnd(), batch_rows=50))
        return
    monkeypatch.setattr(parts, "_beginning", beginning)
    frame, *_ = whole(path)
    read = [
        len(batch)
        for part in found
        for batch in read_part(part, "s", Rejects(), PartEnd(), batch_rows=50)
        if batch is not None
    ]
    assert sum(read) == len(frame) > 10


def test_a_part_of_nothing_but_lines_that_are_too_long_is_no_empty_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "conn.log"
    rows = conn_log([row()] * 20, close=False)
    path.write_text(rows + "x" * (3 << 20) + "\n" + "".join(rows.splitlines(keepends=True)[8:]))
    frame, rejects, count = the_same(path, 1500)
    assert count > 2
    assert (len(frame), len(rejects)) == (40, 1)


def test_parts_of_an_event_log_without_flows_say_so_even_where_no_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    event = '{"timestamp":"2026-01-01T00:00:00.000000+0000","event_type":"dns"}\n'
    path.write_text(event * 20 + "x" * (3 << 20) + "\n" + event * 20)
    found = cut(LogFile(path, str(path)), 500)
    assert len(found) > 3
    for part in found:
        told, end = Rejects(), PartEnd()
        list(read_part(part, "s", told, end, batch_rows=50))
        assert told.without_flows == [str(path)]
    told = Rejects()
    assert not list(read_batches(LogFile(path, str(path)), "s", rejects=told))
    assert told.without_flows == [str(path)]


@pytest.mark.parametrize("looked_at", [2, 7, 100, 1 << 18])
def test_no_part_begins_with_what_is_left_out_at_the_start_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(parts, "_LOOKED_AT", looked_at)
    path = tmp_path / "conn.log"
    first, *rest = ndjson(json_object(number) for number in range(60)).decode().splitlines()
    lines = [
        first,
        *(mark + one for one, mark in zip(rest, ("", "\0", "\ufeff", "", "\0\0") * 12, strict=False)),
    ]
    path.write_text("".join(line + "\n" for line in lines))
    _, _, count = the_same(path, 700)
    assert count > 5


def test_other_marks_do_not_keep_a_log_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LOOKED_AT", 100)
    path = tmp_path / "conn.log"
    path.write_text(conn_log([row(uid=f"C#{number}") for number in range(100)]))
    _, _, count = the_same(path, 1000)
    assert count > 5


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\0\0\0"])
def test_a_log_with_marks_before_its_first_line_is_one_part(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(mark + conn_log([row()] * 50).encode())
    _, lines, rejects, count = in_parts(path, 500)
    assert (count, len(lines), rejects) == (1, 50, [])


def test_a_compressed_log_is_one_part_and_its_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "conn.log.gz"
    path.write_bytes(gzip.compress((LOGS / "zeek7.conn.log").read_bytes())[:-20])
    (part,) = cut(LogFile(path, "x"), 100)
    with pytest.raises(TruncatedError):
        list(read_part(part, "s", Rejects(), PartEnd(), batch_rows=100))


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "conn.log").touch()
    (part,) = cut(LogFile(tmp_path / "conn.log", "x"), 100)
    with pytest.raises(FormatError, match="empty"):
        list(read_part(part, "s", Rejects(), PartEnd(), batch_rows=100))


def test_lines_beyond_the_limit_are_rejected_in_their_part(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    text = conn_log([row()] * 30, close=False)
    path.write_text(
        text + "x" * (2 << 20) + "\n" + "".join(conn_log([row()] * 30).splitlines(keepends=True)[8:])
    )
    frame, _, count = the_same(path, 1 << 20)
    assert count > 1
    assert len(frame) == 60


def test_every_part_tells_the_format_as_the_whole_does(tmp_path: Path) -> None:
    """The hundred objects that decide are more than the first piece of a file has, and flows come late."""
    path = tmp_path / "eve.json"
    other = {"event_type": "dns", "dns": {"rrname": "x" * 900}}
    path.write_bytes(ndjson([other] * 90 + [FLOW] * 300))
    frame, _, count = the_same(path, 40_000)
    assert count > 3
    assert len(frame) == 300
