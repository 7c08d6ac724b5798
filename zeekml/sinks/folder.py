"""A folder of outputs that appear together when all is done, or not at all.

Files are written under hidden names beside their places and renamed into them at the end. What links in the
folder point to is never touched. One run at a time writes to a folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from pathlib import Path

from zeekml.errors import OutputError

_FILE_MODE = 0o640  # logs name people's machines: for the owner and the group
_FOLDER_MODE = 0o750
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PART = re.compile(r"\.[a-z-]+\.(?:csv|html|json|log)\.[0-9a-f]{16}\.part")

_CURES = {
    errno.ENOSPC: "the disk is full; free some space or name a folder on another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or name a folder on another disk",
    errno.EFBIG: "the file grew beyond the allowed size; raise the limit or log fewer connections",
    errno.EACCES: "permission denied; name a folder that you may write to, or change its owner or mode",
    errno.EPERM: "not permitted; name a folder that you may write to",
    errno.EROFS: "the file system is read-only; name a folder elsewhere",
    errno.ENOTDIR: "a part of the path is no folder; name another folder",
    errno.ELOOP: "it is a link, and links are not followed; move it away",
    errno.ENAMETOOLONG: "the name is too long; name another folder",
}


class Folder:
    """An output folder, held for one run; create `part` files in it, then `commit` or `abort`."""

    def __init__(self, path: Path) -> None:
        """Make the folder if there is none and hold it; OutputError when it cannot be written to."""
        self.path = path
        self._parts: dict[str, _Part] = {}
        self._made: list[Path] = []
        self._fd = -1
        try:
            with failures(path):
                self._make()
                self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                if self._hold():
                    self._sweep()
        except BaseException:
            self.abort()
            raise

    def start(self, name: str, size: int) -> bytes | None:
        """The first bytes of a file in the folder, at most ``size``; None where there is none, or a link.

        OutputError when something else has that name.
        """
        with failures(self.path / name):
            kind = self._kind(name)
            if kind is None or stat.S_ISLNK(kind):
                return None
            if not stat.S_ISREG(kind):
                what = "a folder" if stat.S_ISDIR(kind) else "no ordinary file"
                raise OutputError(f"{self.path / name} is {what}; it must give way to the log: move it")
            with FileIO(os.open(name, _READ, dir_fd=self._fd), "rb") as file:
                return file.read(size)

    def part(self, name: str) -> Callable[[bytes | memoryview], None]:
        """Begin the file that is to be called ``name``; returns the function that appends to it."""
        with failures(self.path / name):
            hidden = f".{name}.{secrets.token_hex(8)}.part"
            descriptor = os.open(hidden, _CREATE, _FILE_MODE, dir_fd=self._fd)
        part = _Part(self.path / name, hidden, descriptor)
        self._parts[name] = part
        return part.write

    def replace(self, name: str, content: bytes) -> None:
        """Put a file of this content into the place of ``name``, whole, without waiting for a commit; OutputError."""
        self.part(name)
        part = self._parts.pop(name)
        try:
            part.write(content)
            part.finish()
            with failures(self.path / name):
                os.rename(part.hidden, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except BaseException:
            part.discard()
            with contextlib.suppress(OSError):
                os.unlink(part.hidden, dir_fd=self._fd)
            raise

    def commit(self, last: str, stale: Sequence[str]) -> dict[str, Path]:
        """Move all parts into place, ``last`` last; remove files of these ``stale`` names from former runs.

        Returns the files by name. Content reaches the disk before the names do.
        """
        for part in self._parts.values():
            part.finish()
        done = {}
        with failures(self.path):
            for name in sorted(self._parts, key=lambda each: each == last):
                if name == last:
                    for old in stale:
                        with contextlib.suppress(FileNotFoundError):
                            os.unlink(old, dir_fd=self._fd)
                os.rename(self._parts[name].hidden, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
                done[name] = self.path / name
            self._parts.clear()
            self._made.clear()
            self.sync()
        self.release()
        return done

    def abort(self) -> None:
        """Remove what was written, and the folders that were made for it; no harm when there is nothing."""
        for part in self._parts.values():
            part.discard()
            with contextlib.suppress(OSError):
                os.unlink(part.hidden, dir_fd=self._fd)
        self._parts.clear()
        self.release()
        for made in reversed(self._made):
            with contextlib.suppress(OSError):  # others have put files there meanwhile
                made.rmdir()
        self._made.clear()

    def _make(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path} is a file; results need a folder: name another, or move it away")
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by another run at this moment
                folder.mkdir(mode=_FOLDER_MODE)
                self._made.append(folder)

    def _hold(self) -> bool:
        """Lock the folder; False on file systems that have no locks."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"{self.path}: another run is writing there; wait for it or name another folder"
            ) from None
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Remove the parts that a killed run left behind: nobody else holds the folder now."""
        for entry in self.path.iterdir():
            if _PART.fullmatch(entry.name):
                os.unlink(entry.name, dir_fd=self._fd)

    def _kind(self, name: str) -> int | None:
        """The mode of what has this name in the folder, links not followed; None where there is nothing."""
        try:
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None

    def sync(self) -> None:
        """Wait until the names in the folder are on the disk."""
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            os.fsync(self._fd)

    def release(self) -> None:
        """Let the folder go as it is; no harm when that is done."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Part:
    """A file being written under its hidden name."""

    def __init__(self, target: Path, hidden: str, descriptor: int) -> None:
        self.hidden = hidden
        self._target = target
        self._file = FileIO(descriptor, "wb")

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        with failures(self._target):
            while view:
                view = view[self._file.write(view) :]

    def finish(self) -> None:
        with failures(self._target):
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # it is removed anyway
            self._file.close()


@contextlib.contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turns the system's errors into OutputError, saying what to do; ``path`` is what was being written."""
    try:
        yield
    except OSError as error:
        why = _CURES.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"{path} cannot be written: {why}") from error
