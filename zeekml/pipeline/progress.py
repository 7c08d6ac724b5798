"""How a run shows that it goes on: a bar on a terminal, a plain line now and then elsewhere, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from zeekml.errors import ZeekMLError
    from zeekml.records import LogFile

_LINE_EVERY: Final = 10.0
"""Seconds between two plain lines."""


class Progress(Protocol):
    """What a driver tells while it runs."""

    def begin(self, logs: Sequence[LogFile]) -> None:
        """These logs will be read, in this order."""

    def connections(self, source: str, count: int) -> None:
        """``count`` connections of the log ``source`` were scored."""

    def file_end(self, log: LogFile) -> None:
        """This log is done."""

    def problem(self, error: ZeekMLError) -> None:
        """A log could not be read, or not to its end."""


class Silent:
    """Shows nothing but problems."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, logs: Sequence[LogFile]) -> None:
        """See Progress."""

    def connections(self, source: str, count: int) -> None:
        """See Progress."""

    def file_end(self, log: LogFile) -> None:
        """See Progress."""

    def problem(self, error: ZeekMLError) -> None:
        """See Progress."""
        self._stream.write(f"zeekml: {error}\n")
        self._stream.flush()


class Lines(Silent):
    """A plain line every ten seconds, for log files and pipes; ``clock`` counts seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._started = self._told = clock()
        self._count = 0

    def connections(self, source: str, count: int) -> None:
        """See Progress."""
        self._count += count
        now = self._clock()
        if now - self._told >= _LINE_EVERY:
            self._told = now
            rate = self._count / (now - self._started)
            self._stream.write(f"zeekml: {self._count:,} connections, {rate:,.0f}/s, now in {source}\n")
            self._stream.flush()


class Bar(Silent):
    """A bar on a terminal: the share of the logs that are done, by size on disk, beside count and rate."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._rich = RichProgress(
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

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()

    def begin(self, logs: Sequence[LogFile]) -> None:
        """See Progress. With standard input, or one log alone, nothing says how much is still to come."""
        sizes = [_size(log) for log in logs]
        if len(logs) > 1 and None not in sizes:
            self._rich.update(self._task, total=float(sum(size or 0 for size in sizes)))

    def connections(self, source: str, count: int) -> None:
        """See Progress."""
        self._count += count
        rate = self._count / max(time.monotonic() - self._started, 1e-9)
        self._rich.update(self._task, description=source, count=self._count, rate=rate)

    def file_end(self, log: LogFile) -> None:
        """See Progress."""
        self._rich.update(self._task, advance=_size(log) or 0)

    def problem(self, error: ZeekMLError) -> None:
        """See Progress; above the bar."""
        self._rich.console.print(f"zeekml: {error}", markup=False, highlight=False, soft_wrap=True)


def progress_on(stream: TextIO, *, quiet: bool) -> Silent:
    """What suits the stream: a bar on a terminal, lines otherwise; problems are told in any case."""
    if quiet:
        return Silent(stream)
    return Bar(stream) if stream.isatty() else Lines(stream)


def _size(log: LogFile) -> int | None:
    """Bytes on disk; None for standard input and for a log that has gone."""
    try:
        return None if log.path is None else log.path.stat().st_size
    except OSError:
        return None
