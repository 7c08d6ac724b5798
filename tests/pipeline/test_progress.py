"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from zeekml.errors import FormatError
from zeekml.pipeline.bar import Bar
from zeekml.pipeline.progress import Lines, Silent, progress_on
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
            progress.connections("conn.log", 1000, 1)
    assert stream.getvalue().splitlines() == [
        "zeekml: 10,000 connections, 1,000/s, now in conn.log",
        "zeekml: 20,000 connections, 1,000/s, now in conn.log",
    ]


def test_problems_are_told_even_when_quiet() -> None:
    stream = io.StringIO()
    with Silent(stream) as progress:
        progress.connections("conn.log", 1, 1)
        progress.problem(FormatError("x.log: [binary]"))
    assert stream.getvalue() == "zeekml: x.log: [binary]\n"


def shown_share(bar: Bar) -> float | None:
    """What the bar shows, 0 to 1."""
    (task,) = bar._rich.tasks
    return None if task.total is None else task.completed / task.total


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_bar_follows_a_log_by_its_lines(ending: str, tmp_path: Path) -> None:
    text = b"".join(b"%d\t10.0.0.1\t443\n" % (number * 7919) for number in range(400_000))
    path = tmp_path / f"conn.log{ending}"
    path.write_bytes(gzip.compress(text, 1) if ending else text)
    log = LogFile(path, "conn.log")
    with Bar(Terminal()) as progress:
        progress.begin([log])
        progress.connections("conn.log", 1, 200_000)
        assert shown_share(progress) == pytest.approx(0.5, abs=0.1)
        progress.connections("conn.log", 1, 4_000_000)
        assert shown_share(progress) == pytest.approx(0.99)
        progress.file_end(log)
        assert shown_share(progress) == 1


def test_standard_input_has_no_share() -> None:
    log = LogFile(None, "-")
    with Bar(Terminal()) as progress:
        progress.begin([log])
        progress.connections("-", 5, 5)
        progress.file_end(log)
        assert shown_share(progress) is None


def test_the_bar_survives_markup_and_logs_that_have_gone(tmp_path: Path) -> None:
    stream = Terminal()
    there, gone = LogFile(tmp_path / "there", "[/bold] there"), LogFile(tmp_path / "gone", "[gone")
    (tmp_path / "there").write_bytes(bytes(100))
    with Bar(stream) as progress:
        progress.begin([there, gone])
        progress.connections("[/bold] there", 5, 5)
        progress.problem(FormatError("x.log: [/binary]"))
        progress.file_end(there)
        progress.connections("[gone", 5, 5)
        progress.file_end(gone)
    assert "x.log: [/binary]" in stream.getvalue()
