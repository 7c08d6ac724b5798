"""The two logs, read back as they were written, in both forms."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.logs import START, notice, scored, write
from zeekml.errors import FormatError, TruncatedError
from zeekml.report.reading import LogReader
from zeekml.sinks.escapes import Format


def read(content: bytes, name: str = "some.log") -> tuple[pd.DataFrame, LogReader]:
    reader = LogReader(name)
    frames = list(reader.frames(io.BytesIO(content)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), reader


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


@pytest.mark.parametrize(("name", "lines"), [("notice.log", 6), ("zeekml.log", 11)])
def test_both_forms_of_the_golden_logs_read_alike(root: Path, name: str, lines: int) -> None:
    golden = root / "tests" / "data" / "sinks"
    tsv, of_tsv = read((golden / "tsv" / name).read_bytes())
    as_json, of_json = read((golden / "json" / name).read_bytes())
    assert len(tsv) == lines
    assert of_tsv.rejected == of_json.rejected == 0
    assert of_tsv.wanted is of_json.wanted
    assert of_tsv.wanted is not None
    assert of_tsv.wanted.kind == name
    # TSV tells a control character from the text "\x1b", JSON does not: but for that they are the same.
    columns = [column for column in tsv if column not in ("uid", "service")]
    assert plain(tsv[columns]) == plain(as_json[columns])


def test_what_is_unset_is_missing_and_what_is_empty_is_not() -> None:
    lines = [scored(service=None), scored(service=""), scored(service="-"), scored(service="(empty)")]
    with tempfile.TemporaryDirectory() as folder:
        for fmt in ("tsv", "json"):
            frame, _ = read(write(Path(folder, "zeekml.log"), lines, fmt).read_bytes())
            assert [None if pd.isna(each) else each for each in frame["service"]] == [
                None,
                "",
                "-",
                "(empty)",
            ]


# Texts without controls: JSON as Zeek writes it tells them from their escapes no more.
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)
LINES = st.lists(
    st.builds(lambda uid, why: notice(uid=uid or None, why=why), TEXTS, TEXTS), min_size=1, max_size=5
)


@given(lines=LINES, fmt=st.sampled_from(["tsv", "json"]))
def test_texts_come_back_as_they_were(lines: list[dict[str, Any]], fmt: Format) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame, reader = read(write(Path(folder, "notice.log"), lines, fmt).read_bytes())
    assert reader.rejected == 0
    for name in ("uid", "sub", "id.orig_h", "note"):
        assert [None if pd.isna(each) else each for each in frame[name]] == [line[name] for line in lines]


@given(
    content=st.binary(max_size=300),
    begins=st.sampled_from([b"", b"#fields\tts\tid.orig_h\tnote\n", b'{"note":"x"}\n']),
)
def test_any_bytes_are_lines_or_an_error_of_ours(content: bytes, begins: bytes) -> None:
    with contextlib.suppress(FormatError, TruncatedError):
        read(begins + content)


def test_headers_may_stand_anywhere_and_change_the_columns() -> None:
    first = (
        "#separator \\x09\n#fields\tts\tid.orig_h\tnote\tn\n"
        "1700000000.5\t10.0.0.1\tZeekML::Botnet_Host\t3\n#close\tx\n"
    )
    again = (
        "#separator \\x09\n#fields\tnote\tts\tuid\tid.orig_h\nZeekML::Botnet_Host\t1700000001\tC1\t10.0.0.2\n"
    )
    frame, reader = read((first + again).encode())
    assert frame["id.orig_h"].tolist() == ["10.0.0.1", "10.0.0.2"]
    assert frame["ts"].tolist() == [START + 0.5, START + 1]
    assert [None if pd.isna(each) else each for each in frame["n"]] == [3, None]
    assert reader.rejected == 0


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    whole = write(
        tmp_path / "zeekml.log", [scored(0), scored(1, score=7.0), scored(2, **{"id.orig_h": None})]
    )
    lines = (
        whole.read_bytes()
        + b"1700000003.0\tC3\t10.0.0.1\n"
        + b"x\tC\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\t-\t0.9\tA\t0.9\t-\tm\n"
    )
    frame, reader = read(lines)
    assert len(frame) == 1
    assert reader.rejected == 4


def test_damaged_json_lines_are_counted() -> None:
    good = (
        b'{"ts":1700000000,"id.orig_h":"10.0.0.1","note":"ZeekML::Botnet_Host","id.resp_p":99999,"n":true}\n'
    )
    iso = b'{"ts":"2023-11-14T22:13:20Z","id.orig_h":"10.0.0.1","note":"ZeekML::Botnet_Host"}\n'
    frame, reader = read(good + iso + b'[1]\nnonsense\n{"ts":"never","id.orig_h":"a","note":"b"}\n\n')
    assert frame["ts"].tolist() == [START, START]
    assert frame["id.resp_p"].tolist() == [-1, -1]
    assert frame["n"].isna().all()
    assert reader.rejected == 3


def test_large_logs_are_read_piece_by_piece(tmp_path: Path) -> None:
    lines = [scored(at, **{"id.resp_h": f"198.51.{at // 250 % 250}.{at % 250}"}) for at in range(60_000)]
    for fmt in ("tsv", "json"):
        raw = write(tmp_path / f"zeekml.{fmt}", lines, fmt).read_bytes()
        reader = LogReader("zeekml.log")
        frames = list(reader.frames(io.BytesIO(gzip.compress(raw))))
        assert len(frames) > 1
        assert sum(map(len, frames)) == 60_000
        assert pd.concat(frames)["ts"].is_monotonic_increasing


def test_a_truncated_log_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    packed = gzip.compress(write(tmp_path / "notice.log", [notice(at) for at in range(500)]).read_bytes())
    reader = LogReader("notice.log.gz")
    frames = reader.frames(io.BytesIO(packed[: len(packed) // 2]))
    assert 0 < len(next(frames)) < 500
    with pytest.raises(TruncatedError, match=r"^notice\.log\.gz: "):
        next(frames)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#separator \\x09\n#fields\tts\tuid\tid.orig_h\tconn_state\n1.0\tC\t10.0.0.1\tSF\n",
        b'{"ts":1,"id.orig_h":"10.0.0.1","conn_state":"SF"}\n',
        b"\x00\x01\x02\x03",
        b"one\ttwo\n",
    ],
    ids=["empty", "conn.log", "conn.json", "binary", "no header"],
)
def test_other_logs_are_refused_by_name(content: bytes) -> None:
    with pytest.raises(FormatError, match=r"^conn\.log: .*expected a notice\.log or zeekml\.log"):
        read(content, "conn.log")
