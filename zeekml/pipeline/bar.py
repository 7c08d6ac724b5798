"""A run's bar on a terminal."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from zeekml.errors import InputError
from zeekml.pipeline.progress import Silent
from zeekml.records import LogFile
from zeekml.records.compression import content

_HEAD: Final = 256 << 10
"""Bytes of a log by which its lines are estimated."""


class Bar(Silent):
    """A bar on a terminal, beside count and rate: how many bytes of the logs are done.

    Within a log that is estimated by its lines. Standard input has no size; then the bar only moves.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._rich = Progress(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]:,} connections, {task.fields[rate]:,.0f}/s"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self._rich.add_task("", total=None, count=0, rate=0.0)
        self._count = 0
        self._started = time.monotonic()
        self._logs: dict[str, LogFile] = {}
        self._done = 0  # bytes of the logs that ended
        self._expected: float | None = None  # lines of the log that is being read

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()

    def begin(self, logs: Sequence[LogFile]) -> None:
        """See Progress."""
        self._logs = {log.name: log for log in logs}
        if all(log.path is not None for log in logs):
            self._rich.update(self._task, total=float(sum(_size(log) for log in logs)))

    def connections(self, source: str, count: int, line: int) -> None:
        """See Progress."""
        self._count += count
        rate = self._count / max(time.monotonic() - self._started, 1e-9)
        log = self._logs[source]
        if self._expected is None:
            self._expected = _expected_lines(log)
        here = _size(log) * min(line / self._expected, 0.99)
        self._rich.update(
            self._task, description=source, count=self._count, rate=rate, completed=self._done + here
        )

    def file_end(self, log: LogFile) -> None:
        """See Progress."""
        self._done += _size(log)
        self._expected = None
        self._rich.update(self._task, completed=self._done)

    def _tell(self, text: str) -> None:
        """Above the bar."""
        self._rich.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _size(log: LogFile) -> int:
    """Bytes on disk; 0 for standard input and for a log that has gone."""
    try:
        return 0 if log.path is None else log.path.stat().st_size
    except OSError:
        return 0


def _expected_lines(log: LogFile) -> float:
    """About how many lines a log has, judged by its beginning; 1 or more."""
    if log.path is None:
        return 1.0
    lines = 0
    with contextlib.suppress(InputError, OSError):  # a beginning alone is a compressed stream that is cut
        with log.path.open("rb") as raw:
            head = raw.read(_HEAD)
        for piece in content(io.BytesIO(head), log.name):
            lines += piece.count(b"\n")
    return max(lines * _size(log) / _HEAD, lines, 1.0)
