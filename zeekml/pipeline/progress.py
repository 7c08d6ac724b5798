"""How a run shows that it goes on: a bar on a terminal, a plain line now and then elsewhere, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

if TYPE_CHECKING:
    from zeekml.errors import ZeekMLError
    from zeekml.records import LogFile

_LINE_EVERY: Final = 10.0
"""Seconds between two plain lines."""


class Progress(Protocol):
    """What a driver tells while it runs."""

    def begin(self, logs: Sequence[LogFile]) -> None:
        """These logs will be read, in this order."""

    def connections(self, source: str, count: int, line: int) -> None:
        """``count`` connections of the log ``source`` were scored, up to this line."""

    def file_end(self, log: LogFile) -> None:
        """This log is done."""

    def problem(self, error: ZeekMLError) -> None:
        """A log could not be read, or not to its end."""

    def warning(self, text: str) -> None:
        """Something about a log that was read is to be looked at."""


class Silent:
    """Shows nothing but problems and warnings."""

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

    def connections(self, source: str, count: int, line: int) -> None:
        """See Progress."""

    def file_end(self, log: LogFile) -> None:
        """See Progress."""

    def problem(self, error: ZeekMLError) -> None:
        """See Progress."""
        self._tell(f"zeekml: {error}")

    def warning(self, text: str) -> None:
        """See Progress."""
        self._tell(f"zeekml: warning: {text}")

    def _tell(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class Lines(Silent):
    """A plain line every ten seconds, for log files and pipes; ``clock`` counts seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._started = self._told = clock()
        self._count = 0

    def connections(self, source: str, count: int, line: int) -> None:  # noqa: ARG002  a part of Progress
        """See Progress."""
        self._count += count
        now = self._clock()
        if now - self._told >= _LINE_EVERY:
            self._told = now
            rate = self._count / (now - self._started)
            self._tell(f"zeekml: {self._count:,} connections, {rate:,.0f}/s, now in {source}")


def progress_on(stream: TextIO, *, quiet: bool) -> Silent:
    """What suits the stream: a bar on a terminal, lines otherwise; problems and warnings are told in any case."""
    if quiet:
        return Silent(stream)
    if not stream.isatty():
        return Lines(stream)
    from zeekml.pipeline.bar import Bar  # noqa: PLC0415 - brings rich

    return Bar(stream)
