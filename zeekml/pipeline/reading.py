"""The logs of one run read ahead, which begins while the model is still loaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from zeekml.errors import InputError
from zeekml.pipeline.readahead import ReadAhead
from zeekml.records import Batch, LogFile, Reject, Rejects, Stream, discover, read_batches

_AHEAD: Final = 8
"""Batches: what is read while the rest is loaded."""

_HEAD_START: Final = 0.1
"""Seconds that the first batch gets before anything else is loaded; a slow source may take longer."""


@dataclass(frozen=True, slots=True)
class FileEnd:
    """A log was read to its end, or up to ``error``."""

    log: LogFile
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """No further log belongs to this stream."""

    stream: str


Event: TypeAlias = Batch | FileEnd | StreamEnd


class Reading:
    """The logs under ``paths``, found at once and read from now on by a thread of its own; to be closed.

    What it reads comes by iteration; ``started`` is when it began, in seconds of the monotonic clock. Nothing more is
    read after the first reject until somebody takes them.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.started = time.monotonic()
        self.discovery = discover(paths)
        self._told: Callable[[Reject], None] = lambda _: None
        self._takes = threading.Event()
        self.rejects = Rejects(self._tell)
        self._events = ReadAhead(read_streams(self.discovery.streams, self.rejects), _AHEAD)
        # What reading takes is loaded first: then it needs Python's lock no more, and goes on beside all other loading.
        self._events.wait(_HEAD_START)

    def __iter__(self) -> Iterator[Event]:
        return self._events

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rejects_to(self, told: Callable[[Reject], None]) -> None:
        """Let ``told`` be called with every reject, in order, by the thread that reads."""
        self._told = told
        self._takes.set()

    def close(self) -> None:
        """Reads no further."""
        self._takes.set()
        self._events.close()

    def _tell(self, reject: Reject) -> None:
        self._takes.wait()
        self._told(reject)


def read_streams(
    streams: Sequence[Stream],
    rejects: Rejects,
    read: Callable[..., Iterator[Batch]] = read_batches,
) -> Iterator[Event]:
    """The batches of every log in order, with the ends of logs and streams between them.

    A log that cannot be read, or not to its end, gives the batches before the damage and a FileEnd with the
    error; the next log follows.
    """
    for stream in streams:
        for log in stream.files:
            error = None
            try:
                yield from read(log, stream.name, rejects=rejects)
            except InputError as problem:
                error = problem
            yield FileEnd(log, error)
        yield StreamEnd(stream.name)
