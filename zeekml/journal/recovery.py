"""What a crash left undone in the outputs is done: missing bytes appended, rotations finished.

Only what is known to be missing is appended. A file is known by device and inode, also when it was renamed
within its folder meanwhile; the bytes that stand where a step's bytes belong must be the beginning of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zeekml.errors import OutputError
from zeekml.journal.journal import sync_folder
from zeekml.journal.step import Append
from zeekml.sinks.folder import failures

_OPEN: Final = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Completion:
    """Goes through the appends since the snapshot in their order; `finish` makes sure of what they wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, int], int] = {}

    def complete(self, appends: Iterable[Append]) -> list[Append]:
        """Do what is missing of the appends of the next step.

        Returns those whose file is no longer there as it was: whether their bytes were written is not known.
        Raises OutputError when an output cannot be written.
        """
        return [each for each in appends if not self._complete(each)]

    def finish(self) -> None:
        """Wait until all is on the disk."""
        with failures(self._folder):
            for descriptor in self._open.values():
                os.fsync(descriptor)
            if self._open:
                sync_folder(self._folder)
        self.close()

    def close(self) -> None:
        """Close the files."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _complete(self, append: Append) -> bool:
        descriptor = self._descriptor(append)
        if descriptor is None:
            return False
        with failures(self._folder / append.output):
            length = os.fstat(descriptor).st_size
            if length < append.before:
                return False
            missing = append.data[length - append.before :]
            if missing:
                have = len(append.data) - len(missing)
                if os.pread(descriptor, have, append.before) != append.data[:have]:
                    return False
                view = memoryview(missing)
                while view:
                    view = view[os.write(descriptor, view) :]
            if append.rename_to is not None:
                self._rename(append, append.rename_to)
        return True

    def _rename(self, append: Append, name: str) -> None:
        path, target = self._folder / append.output, self._folder / name
        if not _is(path, append):
            return
        if os.path.lexists(target):
            raise OutputError(f"{target} is in the way of a rotation that was begun: move it away")
        path.rename(target)

    def _descriptor(self, append: Append) -> int | None:
        key = (append.device, append.inode)
        if key not in self._open:
            with failures(self._folder / append.output):
                path = self._place(append)
                if path is None:
                    return None
                self._open[key] = os.open(path, _OPEN)
        return self._open[key]

    def _place(self, append: Append) -> Path | None:
        """Where the file of an append stands now."""
        named = self._folder / append.output
        if _is(named, append):
            return named
        if not self._folder.is_dir():
            return None
        return next((path for path in sorted(self._folder.iterdir()) if _is(path, append)), None)


def _is(path: Path, append: Append) -> bool:
    """Whether the regular file of an append stands there."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) == (append.device, append.inode)
