"""A file of lines with ids that is only ever appended to, and never gets the same id twice.

Who follows the file and holds back what comes after the last line feed reads every line once, whole. After a
crash the last ids of the file tell what is in it already, and half a line is completed, not cut away. A file that was
moved away meanwhile, within its folder, is looked at as well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from zeekml.errors import SinkError

_MODE: Final = 0o640
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LOOK_BACK: Final = 4 << 20  # bytes at the end of the file whose ids are known after a start
_MOST_IDS: Final = 65_536
_MOVED: Final = 2  # files moved away that are looked at after a start, the last ones written

Line = tuple[str, bytes]
"""An id, and the line that has it; the same id always has the same line. Ends in a line feed."""


class AppendedFile:
    """Appends lines to the file at ``path``; where that was renamed or removed, begins it anew."""

    def __init__(self, path: Path, identify: Callable[[bytes], str | None]) -> None:
        """``identify``: the id of a whole line of the file, None where it has none."""
        self.path = path
        self._identify = identify
        self._file = -1
        self._looked_around = False
        self._ids: dict[str, None] = {}  # oldest first
        self._tail = b""  # half a line, at the end of the file

    def append(self, lines: Sequence[Line]) -> None:
        """Append the lines whose ids are not there yet, synced; SinkError when that fails."""
        try:
            self._open()
            new = {key: line for key, line in lines if key not in self._ids}
            if new:
                self._write(self._completed(list(new.values())))
            self._remember(list(new))
        except OSError as error:
            self.close()  # the end of the file is looked at again before the next try
            raise SinkError(f"{self.path}: alerts cannot be appended: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        if self._file >= 0 and self._is_in_place():
            return
        self.close()
        if not self._looked_around:
            for path in self._moved_away():
                self._take_in_moved(path)
            self._looked_around = True
        self._file = os.open(self.path, _OPEN, _MODE)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file; name another place")
        self._look_back()

    def _is_in_place(self) -> bool:
        """Whether the file that is open still has its name: logrotate may have moved it."""
        try:
            found = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(self._file))

    def _look_back(self) -> None:
        """Take in the ids of the last lines, and half a line at the end."""
        whole, self._tail = _last_lines(self._file)
        self._remember([key for key in map(self._identify, whole) if key is not None])

    def _moved_away(self) -> list[Path]:
        """The files that logrotate made of this one and that were written last, the older first."""
        found = []
        with os.scandir(self.path.parent) as entries:
            for entry in entries:
                # alerts.ndjson-20261123, alerts.ndjson.1, or with logrotate's `extension` alerts-20261123.ndjson
                ours = entry.name.startswith(self.path.name) or (
                    entry.name.startswith(self.path.stem) and entry.name.endswith(self.path.suffix)
                )
                if ours and entry.name != self.path.name and entry.is_file(follow_symlinks=False):
                    with contextlib.suppress(FileNotFoundError):
                        state = entry.stat(follow_symlinks=False)
                        if state.st_size:
                            found.append((state.st_mtime_ns, Path(entry.path)))
        return [path for _, path in sorted(found)[-_MOVED:]]

    def _take_in_moved(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # gone again, or no longer ours to read
            moved = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                whole, _ = _last_lines(moved)
            finally:
                os.close(moved)
            self._remember([key for key in map(self._identify, whole) if key is not None])

    def _completed(self, lines: list[bytes]) -> bytes:
        """The bytes to append; half a line at the end of the file is completed where it is one of these."""
        tail, self._tail = self._tail, b""
        if not tail:
            return b"".join(lines)
        begun = next((line for line in lines if line.startswith(tail)), None)
        if begun is None:  # not of our making: it stays, on a line of its own
            return b"\n" + b"".join(lines)
        lines.remove(begun)
        return begun[len(tail) :] + b"".join(lines)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fdatasync(self._file)

    def _remember(self, keys: Sequence[str]) -> None:
        self._ids.update(dict.fromkeys(keys))
        for key in list(self._ids)[: max(0, len(self._ids) - _MOST_IDS)]:
            del self._ids[key]


def _last_lines(file: int) -> tuple[list[bytes], bytes]:
    """The last whole lines of a file, without their line feeds, and half a line after them."""
    size = os.fstat(file).st_size
    begin = max(0, size - _LOOK_BACK)
    *whole, tail = _read(file, begin, size - begin).split(b"\n")
    return whole[1:] if begin else whole, tail  # the first may be half a line


def _read(file: int, begin: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.pread(file, size, begin)):
        parts.append(part)
        begin += len(part)
        size -= len(part)
    return b"".join(parts)
