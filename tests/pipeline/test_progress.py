"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

from zeekml.errors import FormatError
from zeekml.pipeline.progress import Bar, Lines, Silent, progress_on
from zeekml.records import LogFile


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_stream_decides() -> None:
    assert type(progress_on(io.StringIO(), quiet=False)) is Lines
    assert type(progress_on(Terminal(), quiet=False)) is Bar
    assert type(progress_on(Terminal(), quiet=True)) is Silent


def test_a_plain_line_comes_every_ten_seconds() -> None:
    now = 0.0
    stream = io.StringIO()
    with Lines(stream, clock=lambda: now) as progress:
        for second in range(1, 26):
            now = float(second)
            progress.connections("conn.log", 1000)
    assert stream.getvalue().splitlines() == [
        "zeekml: 10,000 connections, 1,000/s, now in conn.log",
        "zeekml: 20,000 connections, 1,000/s, now in conn.log",
    ]


def test_problems_are_told_even_when_quiet() -> None:
    stream = io.StringIO()
    with Silent(stream) as progress:
        progress.connections("conn.log", 1)
        progress.problem(FormatError("x.log: [binary]"))
    assert stream.getvalue() == "zeekml: x.log: [binary]\n"


def test_the_bar_survives_markup_and_logs_that_have_gone(tmp_path: Path) -> None:
    stream = Terminal()
    there, gone = LogFile(tmp_path / "there", "there"), LogFile(tmp_path / "gone", "[gone")
    (tmp_path / "there").write_bytes(bytes(100))
    with Bar(stream) as progress:
        progress.begin([there, there])
        progress.connections("[/bold] conn.log", 5)
        progress.problem(FormatError("x.log: [/binary]"))
        progress.file_end(there)
        progress.file_end(gone)
        progress.begin([there, gone, LogFile(None, "-")])
    assert "x.log: [/binary]" in stream.getvalue()
