"""Outputs that grow as long as a watch runs: notice.log, zeekml.log and rejects.log.

They are appended to, and what stands in them is never changed: first it is asked what is to follow
(`LiveOutputs.pending`), that goes into the journal, and only then into the files (`LiveOutputs.append`).
After a crash `complete` appends what is missing.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from zeekml.drift import file as drift_file
from zeekml.drift.report import DriftReport
from zeekml.errors import OutputError
from zeekml.journal.rotation import OutputRotation
from zeekml.journal.step import Append
from zeekml.sinks import notice_log, rejects_log, zeekml_log
from zeekml.sinks.escapes import Format
from zeekml.sinks.folder import Folder, failures
from zeekml.sinks.former import written_by_zeekml
from zeekml.sinks.outputs import DRIFT, NOTICE, REJECTS, ZEEKML
from zeekml.sinks.zeek_log import close_mark, header

_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE_MODE: Final = 0o640
_LOOK: Final = 64 << 10
"""Bytes at the beginning of a notice.log that tell whose it is."""
_OWN: Final = (f"\t{notice_log.PEER}\t".encode(), f'"peer_descr":"{notice_log.PEER}"'.encode())
_FIELDS: Final = {NOTICE: notice_log.FIELDS, ZEEKML: zeekml_log.FIELDS, REJECTS: rejects_log.FIELDS}

COLUMNS: Final = {name: [column for column, _ in fields] for name, fields in _FIELDS.items()}
"""The columns of each output: a file that was begun with others is not gone on with."""

_log = logging.getLogger(__name__)


class LiveOutputs:
    """The outputs of a watch in one folder, which nobody else writes to meanwhile."""

    def __init__(
        self,
        folder: Path,
        fmt: Format,
        *,
        model: str,
        classes: Sequence[str],
        rotation: OutputRotation,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make the folder if there is none and hold it; files are opened with their first lines.

        ``clock``: epoch seconds, for the marks of opening and closing and for rotation. Raises OutputError.
        """
        self.path = folder
        self._folder = Folder(folder)
        self._format: Format = fmt
        self._rotation = rotation
        self._model = model
        self._clock = clock
        self._waiting: dict[str, list[bytes]] = {name: [] for name in _FIELDS}
        self._files: dict[str, _File] = {}
        self._known: dict[str, Known] = {}
        self.notice_log = notice_log.NoticeLog(self._waiting[NOTICE].append, fmt, model=model)
        self.zeekml_log = zeekml_log.ZeekmlLog(
            lambda lines: self._waiting[ZEEKML].append(bytes(lines)), fmt, model=model, classes=classes
        )
        self.rejects_log = rejects_log.RejectsLog(self._waiting[REJECTS].append, fmt)

    def remember(self, known: Mapping[str, Sequence[Any]]) -> None:
        """Files that an earlier run began: they are gone on with, without another header."""
        self._known = {name: Known(*each) for name, each in known.items()}

    @property
    def known(self) -> dict[str, tuple[int, int, float]]:
        """The files begun and not rotated, for `remember`."""
        known = self._known | {name: file.known for name, file in self._files.items()}
        return {name: (each.device, each.inode, each.opened) for name, each in known.items()}

    def pending(self) -> list[Append]:
        """What is to be appended: all that was written to the logs since the last call, with headers where files
        begin. Files are opened, and made if absent, but not written to."""
        self.rejects_log.flush()
        appends = []
        for name, parts in self._waiting.items():
            if parts:
                file = self._file(name)
                appends.append(file.append_of(b"".join([*self._lead(file), *parts])))
                parts.clear()
        return appends

    def append(self, appends: Iterable[Append]) -> None:
        """Append what `pending` or `due_rotations` gave, each in one write; OutputError when that fails."""
        for each in appends:
            file = self._files[each.output]
            file.write(each.data)
            if each.rename_to is not None:
                self._rename(each.output, each.rename_to)

    def due_rotations(self, *, every_one: bool = False) -> list[Append]:
        """The close marks and new names of the files whose time or size has come, or of all."""
        now = self._clock()
        appends = []
        for name in list(self.known):
            file = self._reopened(name)
            if file is None:
                continue
            if not (every_one or self._rotation.is_due(file.known.opened, file.length, now)):
                continue
            target = self._rotation.name_for(
                name, file.known.opened, lambda taken: (self.path / taken).exists()
            )
            appends.append(file.append_of(self._close_mark(now), rename_to=target))
        return appends

    def reopen(self) -> None:
        """Let go of the files: what was renamed from outside stays as it is, the names are opened anew."""
        self._known |= {name: file.known for name, file in self._files.items()}
        for file in self._files.values():
            file.sync()
            file.close()
        self._files = {}

    def sync_later(self) -> Callable[[], None]:
        """A function that waits until all that was appended so far is on the disk; for another thread."""
        copies = [(file.path, os.dup(file.descriptor)) for file in self._files.values()]

        def sync() -> None:
            for path, descriptor in copies:
                try:
                    with failures(path):
                        os.fsync(descriptor)
                finally:
                    os.close(descriptor)

        return sync

    def write_drift(self, reports: Mapping[str, DriftReport]) -> None:
        """Replace drift.json, which tells how each log stands and holds nothing that is not told elsewhere: where that
        fails, it is said and the watch goes on."""
        path = self.path / DRIFT
        if not reports:
            return
        try:
            start = self._folder.start(DRIFT, len(drift_file.BEGINNING))
            if start is not None and not written_by_zeekml(DRIFT, start, None):
                raise OutputError(
                    f"{path}: is not a file that zeekml wrote, and would be replaced: move it away"
                )
            content = drift_file.encode(drift_file.DriftFile(self._model, self._clock(), reports))
            self._folder.replace(DRIFT, content)
        except OutputError as error:
            _log.warning("drift is not written: %s", error)

    def close(self) -> None:
        """Close all files and let the folder go; nothing is written."""
        for file in self._files.values():
            file.close()
        self._files = {}
        self._folder.release()

    def add_raw(self, output: str, data: bytes) -> None:
        """Lines that were made before."""
        self._waiting[output].append(data)

    def _lead(self, file: _File) -> list[bytes]:
        """What goes before the first lines: the end of somebody else's half line, and a header."""
        if not file.begins:
            return []
        file.begins = False
        if file.name == NOTICE and file.is_of_others():
            raise OutputError(
                f"{file.path} was written by another program, such as Zeek; name another folder with --out"
            )
        return [
            b"\n" if file.ends_in_half_a_line() else b"",
            header(
                file.name.removesuffix(".log"),
                _FIELDS[file.name],
                self._local(file.known.opened),
                self._format,
            ),
        ]

    def _file(self, name: str) -> _File:
        file = self._files.get(name)
        if file is not None and file.is_removed():
            _log.warning("%s was removed; it is begun anew", file.path)
            file.close()
            del self._files[name]
            file = None
        if file is None:
            file = self._files[name] = _File(self.path / name, self._known.pop(name, None), self._clock())
        if file.length == 0:
            file.begins = True
        return file

    def _reopened(self, name: str) -> _File | None:
        """The open file, or the one that an earlier run began when it is still in its place."""
        if name not in self._files and not self._known[name].is_at(self.path / name):
            del self._known[name]
            return None
        return self._file(name)

    def _rename(self, name: str, target: str) -> None:
        file = self._files.pop(name)
        with failures(file.path):
            file.sync()
            file.close()
            if file.known.is_at(file.path):
                file.path.rename(self.path / target)
            self._folder.sync()

    def _close_mark(self, now: float) -> bytes:
        return close_mark(self._local(now), self._format)

    def _local(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment)


class Known(NamedTuple):
    """A file and when it was begun (epoch s)."""

    device: int
    inode: int
    opened: float

    def is_at(self, path: Path) -> bool:
        """Whether this file stands there."""
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == (self.device, self.inode)


class _File:
    """One output file, open for appending."""

    def __init__(self, path: Path, known: Known | None, now: float) -> None:
        self.path = path
        self.name = path.name
        with failures(path):
            self.descriptor = os.open(path, _OPEN, _FILE_MODE)
        found = os.fstat(self.descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise OutputError(f"{path} is no regular file; logs need one: move it away")
        goes_on = known is not None and (found.st_dev, found.st_ino) == (known.device, known.inode)
        self.begins = not goes_on
        self.known = known if known and goes_on else Known(found.st_dev, found.st_ino, now)

    @property
    def length(self) -> int:
        """Bytes that the file holds now."""
        return os.fstat(self.descriptor).st_size

    def is_removed(self) -> bool:
        """Whether the file has no name any more: what is written to it would be lost."""
        return os.fstat(self.descriptor).st_nlink == 0

    def ends_in_half_a_line(self) -> bool:
        """Whether the last byte is no line feed."""
        length = self.length
        return length > 0 and os.pread(self.descriptor, 1, length - 1) != b"\n"

    def is_of_others(self) -> bool:
        """Whether it begins with records and none of them is zeekml's."""
        lines = os.pread(self.descriptor, _LOOK, 0).splitlines()
        found = [line for line in lines if line and not line.startswith(b"#")]
        return bool(found) and not any(mark in line for line in found for mark in _OWN)

    def append_of(self, data: bytes, rename_to: str | None = None) -> Append:
        return Append(self.name, self.known.device, self.known.inode, self.length, data, rename_to)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with failures(self.path):
            while view:
                view = view[os.write(self.descriptor, view) :]

    def sync(self) -> None:
        with failures(self.path):
            os.fsync(self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)
