"""Alerts on disk for the optional sinks: a sink that is down costs disk, never memory, and loses nothing.

Alerts stand one JSON line each in files of bounded size, each alert once. Every sink follows them with a
cursor of its own, a small file beside them; what all cursors have passed is removed. The folder belongs to
zeekml alone: half a line at the end, left by a crash, is cut off.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from zeekml.errors import OutputError
from zeekml.sinks.alert import AlertRecord

_FILE: Final = re.compile(r"alerts\.(\d{16})")
_ID: Final = re.compile(rb'\{"id":"([0-9a-f]{32})"')
_FILE_BYTES: Final = 16 << 20
_FILES_KEPT: Final = 2  # even when all sinks have passed them: a replay is recognised by the ids in them
_MOST_IDS: Final = 131_072
_MOST_LINE: Final = 1 << 20  # bytes
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place among the alerts: number of the file, bytes into it."""

    file: int
    offset: int


class Outbox:
    """The alerts in a folder; one writer, any number of readers in other threads."""

    def __init__(self, folder: Path, *, file_bytes: int = _FILE_BYTES) -> None:
        """Make the folder if there is none. ``file_bytes``: size at which the next file is begun. OutputError."""
        self.folder = folder
        self._file_bytes = file_bytes
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}  # oldest first
        self._damaged = False
        with _failures(folder):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._number = max(self._numbers(), default=1)
            self._file = os.open(self._path(self._number), _OPEN, _MODE)
            self._size = self._mend()
            self._take_in_ids()

    def append(self, records: Sequence[AlertRecord]) -> None:
        """Add the records that are not there yet, synced; OutputError, and then none of them is there."""
        with self._lock, _failures(self.folder):
            new = {record.id: record for record in records if record.id not in self._ids}
            if not new:
                return
            if self._damaged or self._size >= self._file_bytes:
                self._begin_next()
            data = b"".join(record.to_json() + b"\n" for record in new.values())
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._file, view) :]
                os.fdatasync(self._file)
            except OSError:
                self._undo()
                raise
            self._size += len(data)
            self._remember(new)

    def end(self) -> Cursor:
        """The place after the last alert."""
        with self._lock:
            return Cursor(self._number, self._size)

    def read(self, cursor: Cursor, most: int) -> tuple[list[AlertRecord], Cursor]:
        """At most so many records from ``cursor`` on, and the place after them; OutputError.

        A line that holds no alert, as after damage of the disk, is passed over.
        """
        end = self.end()
        records: list[AlertRecord] = []
        with _failures(self.folder):
            while cursor < end:
                last = cursor.file == end.file
                stop = end.offset if last else self._path(cursor.file).stat().st_size
                for line in self._lines(cursor, stop, most - len(records)):
                    cursor = Cursor(cursor.file, cursor.offset + len(line))
                    with contextlib.suppress(ValueError, TypeError):
                        records.append(AlertRecord.from_json(line))
                if len(records) >= most or last:
                    break
                if cursor.offset >= stop:
                    cursor = Cursor(self._after(cursor.file), 0)
        return records, cursor

    def waiting(self, cursor: Cursor) -> int:
        """Bytes from ``cursor`` to the end."""
        end = self.end()
        whole = 0
        for number in self._numbers():
            if cursor.file <= number < end.file:
                with contextlib.suppress(FileNotFoundError):
                    whole += self._path(number).stat().st_size
        return max(0, whole + end.offset - cursor.offset)

    def cursor(self, name: str) -> Cursor | None:
        """Where the sink of that name stands; None when it is new here. OutputError."""
        try:
            with _failures(self.folder):
                place = json.loads(self._cursor_path(name).read_bytes())
            cursor = Cursor(int(place["file"]), int(place["offset"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"{self._cursor_path(name)}: damaged ({error}); remove it, and the sink begins with new alerts"
            ) from error
        oldest = min(self._numbers(), default=self._number)
        return max(cursor, Cursor(oldest, 0))

    def move(self, name: str, cursor: Cursor) -> None:
        """Remember where the sink of that name stands; OutputError."""
        path = self._cursor_path(name)
        part = path.with_name(f".{path.name}.part")
        with _failures(self.folder):
            part.unlink(missing_ok=True)
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE), "wb"
            ) as file:
                file.write(json.dumps({"file": cursor.file, "offset": cursor.offset}).encode())
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave an empty file under the name
            part.replace(path)

    def tidy(self, names: Sequence[str]) -> None:
        """Remove the cursors of other sinks than these, and the files that all of these have passed."""
        with _failures(self.folder):
            for path in self.folder.glob("cursor.*"):
                if path.name.removeprefix("cursor.") not in names:
                    path.unlink(missing_ok=True)
            places = [place.file for name in names if (place := self.cursor(name)) is not None]
            first = min([*places, self.end().file - _FILES_KEPT + 1])
            for number in self._numbers():
                if number < first:
                    self._path(number).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def _lines(self, cursor: Cursor, stop: int, most: int) -> list[bytes]:
        """At most so many whole lines between two offsets of a file."""
        lines: list[bytes] = []
        with self._path(cursor.file).open("rb") as file:
            file.seek(cursor.offset)
            while len(lines) < most and file.tell() < stop and (line := file.readline(_MOST_LINE)):
                lines.append(line)
        return lines

    def _after(self, number: int) -> int:
        return min(other for other in self._numbers() if other > number)

    def _begin_next(self) -> None:
        file = os.open(self._path(self._number + 1), _OPEN | os.O_EXCL, _MODE)
        os.close(self._file)
        self._file, self._size, self._damaged = file, 0, False
        self._number += 1

    def _undo(self) -> None:
        """Take away what a failed write left; where even that fails, go on in the next file."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._damaged = True

    def _mend(self) -> int:
        """Cut off half a line at the end; returns the size."""
        size = os.fstat(self._file).st_size
        begin = max(0, size - _MOST_LINE)
        end = os.pread(self._file, size - begin, begin).rfind(b"\n") + 1
        whole = begin + end if end else 0
        if whole < size:
            os.ftruncate(self._file, whole)
        return whole

    def _take_in_ids(self) -> None:
        for number in sorted(self._numbers())[-4:]:
            with self._path(number).open("rb") as file:
                found = (_ID.match(line) for line in file)
                self._remember({match[1].decode(): None for match in found if match is not None})

    def _remember(self, ids: Iterator[str] | dict[str, AlertRecord] | dict[str, None]) -> None:
        self._ids.update(dict.fromkeys(ids))
        for old in list(islice(self._ids, max(0, len(self._ids) - _MOST_IDS))):
            del self._ids[old]

    def _numbers(self) -> list[int]:
        return [int(found[1]) for path in self.folder.iterdir() if (found := _FILE.fullmatch(path.name))]

    def _path(self, number: int) -> Path:
        return self.folder / f"alerts.{number:016d}"

    def _cursor_path(self, name: str) -> Path:
        return self.folder / f"cursor.{name}"


@contextlib.contextmanager
def _failures(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputError(
            f"{folder}: alerts cannot be kept for the sinks: {error.strerror or error}"
        ) from error
