"""A writer that does to its files what a real Zeek does, in Zeek's order of system calls.

One ``write(2)`` a line, eight for a header; no ``O_APPEND``; rotation is ``#close``, close, rename, nothing else; the
new file is opened only with the next line, with ``O_TRUNC``: a log that was left by a crash shrinks in place.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from tests.records import logs

Form = Literal["tsv", "json", "eve"]
FORMS: tuple[Form, ...] = ("tsv", "json", "eve")
FIRST = datetime(2026, 11, 23, 10)


class ZeekWriter:
    """Writes ``logs.connection(number)`` for the numbers given. ``form`` "eve" writes flows, whose id is the number."""

    def __init__(self, path: Path, *, form: Form = "tsv", names: Sequence[str] = logs.FIELDS) -> None:
        self.path = path
        self.form = form
        self.names = tuple(names)
        self.lines_written = 0
        self.rotations = 0
        self._handle: int | None = None
        self._half = b""

    @property
    def is_open(self) -> bool:
        """Whether a log is being written."""
        return self._handle is not None

    def line(self, number: int) -> bytes:
        """The line of a connection, newline included."""
        match self.form:
            case "tsv":
                return logs.line(logs.connection(number), self.names).encode()
            case "json":
                return logs.ndjson([logs.json_object(number)])
            case "eve":
                start = (FIRST + timedelta(seconds=number)).isoformat(timespec="microseconds") + "+0000"
                flow = {**logs.FLOW["flow"], "start": start, "end": start}
                return logs.ndjson([{**logs.FLOW, "flow_id": number, "flow": flow}])

    def write(self, *numbers: int) -> None:
        """Write connections, one system call a line; open the log where none is open."""
        handle = self._opened()
        for number in numbers:
            os.write(handle, self.line(number))
            self.lines_written += 1

    def write_raw(self, data: bytes) -> None:
        """Write anything."""
        os.write(self._opened(), data)

    def write_half(self, number: int, share: float = 0.5) -> None:
        """Write the first part of a line, as a reader may see it at a page's end."""
        line = self.line(number)
        cut = max(1, min(len(line) - 1, int(len(line) * share)))
        os.write(self._opened(), line[:cut])
        self._half = line[cut:]

    def finish_half(self) -> None:
        """Write the rest of that line."""
        os.write(self._opened(), self._half)
        self.lines_written += bool(self._half)
        self._half = b""

    def header(self) -> list[bytes]:
        """The header, one piece a system call."""
        if self.form != "tsv":
            return []
        opened = f"#open\t2026-11-23-10-{self.rotations // 60 % 60:02d}-{self.rotations % 60:02d}\n".encode()
        lines = logs.header(self.names).encode().splitlines(keepends=True)
        return [opened if line.startswith(b"#open") else line for line in lines]

    def rotate(self, moment: datetime | None = None, *, folder: Path | None = None) -> Path | None:
        """``#close``, close, rename; None where nothing was written since the last time.

        ``moment`` is the nominal start of the interval; without it, one minute after that of the last rotation.
        """
        if self._handle is None:
            return None
        self.close()
        moment = moment or FIRST + timedelta(minutes=self.rotations)
        self.rotations += 1
        name = f"{self.path.stem}.{moment:%Y-%m-%d-%H-%M-%S}{self.path.suffix}"
        target = (folder or self.path.parent) / name
        self.path.rename(target)
        return target

    def close(self) -> None:
        """``#close`` and close, as at the end of a run without rotation."""
        if self._handle is None:
            return
        if self._half:
            self.finish_half()
        if self.form == "tsv":
            os.write(self._handle, b"#close\t2026-11-23-11-00-00\n")
        os.close(self._handle)
        self._handle = None

    def crash(self, *, half: int | None = None) -> None:
        """SIGKILL, or the disk is full: maybe half a line, no ``#close``. The next line truncates the log in place."""
        if half is not None:
            self.write_half(half)
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None
        self._half = b""
        self.rotations += 1  # the next header says another time

    def terminate(self, moment: datetime | None = None, last: Sequence[int] = ()) -> Path | None:
        """SIGTERM: rotate, then write the connections still open to a new log, closed and not renamed."""
        target = self.rotate(moment)
        if last:
            self.write(*last)
            self.close()
        return target

    def reopen(self) -> None:
        """What Suricata does by SIGHUP: close, and open what is at the path now, at its end."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _opened(self) -> int:
        if self._handle is None:
            self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            for piece in self.header():
                os.write(self._handle, piece)
        return self._handle
