"""A crash in the middle: from the n-th system call on, nothing of this process reaches the disk any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Any
from unittest.mock import patch

_CALLS = ("write", "fsync", "fdatasync", "rename", "replace", "unlink", "open", "mkdir")


class Killed(BaseException):
    """The process is gone."""


class Crash:
    """Counts the calls that change files or make sure of them; the one numbered ``at`` and all after it fail.

    A write that is hit puts ``share`` of its bytes into the file. ``name``: the call that was hit.
    """

    def __init__(self, at: int | None, share: float = 0.5) -> None:
        self.calls = 0
        self.name = ""
        self._at = at
        self._share = share

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call`` as it behaves in a process that is killed."""

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return call(*arguments, **named)
            if self.name:
                raise Killed
            self.calls += 1
            if self.calls != self._at:
                return call(*arguments, **named)
            self.name = name
            if name in ("write", "FileIO.write"):
                data = memoryview(arguments[-1]).cast("B")
                call(*arguments[:-1], data[: int(len(data) * self._share)])
            raise Killed

        return wrapped


@contextmanager
def crashing(crash: Crash) -> Iterator[Crash]:
    """Inside, the process is killed when ``crash`` says so: `Killed` is raised."""
    wrapped_write = crash.wrap("FileIO.write", FileIO.write)

    class Watched(FileIO):
        def write(self, data: Any, /) -> int:
            written: int = wrapped_write(self, data)
            return written

    patches = [patch.object(os, name, crash.wrap(name, getattr(os, name))) for name in _CALLS]
    patches.append(patch("zeekml.journal.snapshot.FileIO", Watched))
    # What a kernel is kept by is no part of the work: which ones are new depends on the tests before.
    patches.append(patch("zeekml.compiled.store.write", lambda *_: None))
    for each in patches:
        each.start()
    try:
        yield crash
    finally:
        for each in patches:
            each.stop()
