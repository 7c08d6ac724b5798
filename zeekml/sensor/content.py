"""An open log file as a run of uncompressed bytes that can be read at any offset, while it grows or is packed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zeekml.errors import InputError, TruncatedError
from zeekml.records import compression

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_FORBIDDEN = "cannot be opened"
_STEP = 1 << 20  # bytes looked through at a time
_BOM = b"\xef\xbb\xbf"


class Content:
    """A plain file. It keeps its hold on the file whatever becomes of the name."""

    packed = False
    failure: TruncatedError | None = None  # why a compressed file ended too early, once read to its end

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self.path = path
        self._raw = raw
        found = os.fstat(raw.fileno())
        self.identity = (found.st_dev, found.st_ino)

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes at ``offset``, fewer at the end. Raises OSError."""
        return os.pread(self._raw.fileno(), size, offset)

    def size(self) -> int:
        """Bytes on disk, compressed where the file is."""
        return os.fstat(self._raw.fileno()).st_size

    def modified(self) -> float:
        """When the file was last written (epoch seconds)."""
        return os.fstat(self._raw.fileno()).st_mtime

    def read_again(self) -> bool:
        """Whether a file that ended too early has grown since; it is then read once more."""
        return False

    def begin(self) -> int | None:
        """Where the first line starts: NUL bytes and a byte order mark are passed over. None: nowhere yet."""
        offset = self._first_data()
        while data := self.read(offset, _STEP):
            rest = data.lstrip(b"\0")
            offset += len(data) - len(rest)
            if rest:
                start = self.read(offset, len(_BOM))
                if start == _BOM[: len(start)] and start != _BOM:
                    return None
                return offset + len(_BOM) if start == _BOM else offset
        return None

    def _first_data(self) -> int:
        # An outside truncation of an open log leaves a hole up to the writer's offset, maybe of gigabytes.
        try:
            return os.lseek(self._raw.fileno(), 0, os.SEEK_DATA)
        except OSError:
            return 0

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()


class PackedContent(Content):
    """A gzip or zstd file, read forward; going back starts it again."""

    packed = True

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        super().__init__(path, raw)
        self._restart()

    def read(self, offset: int, size: int) -> bytes:
        """As of a plain file, of the decompressed content."""
        if offset < self._base:
            self._restart()
        while self._base + len(self._held) < offset + size:
            piece = self._next()
            if not piece:
                break
            spare = min(len(self._held), max(0, offset - self._base - _STEP))
            if spare:
                # What was read lately stays: fingerprints look back a little.
                del self._held[:spare]
                self._base += spare
            self._held += piece
        start = offset - self._base
        return bytes(self._held[start : start + size])

    def read_again(self) -> bool:
        """As of any file."""
        if self.size() == self._size_read:
            return False
        self._restart()
        return True

    def _first_data(self) -> int:
        return 0

    def _restart(self) -> None:
        self._raw.seek(0)
        self._size_read = self.size()
        self._pieces: Iterator[bytes] = compression.content(self._raw, str(self.path))
        self._held = bytearray()
        self._base = 0
        self.failure = None

    def _next(self) -> bytes:
        if self.failure is not None:
            return b""
        try:
            return next(self._pieces, b"")
        except TruncatedError as error:
            self.failure = error
            return b""


def open_content(path: Path) -> Content:
    """Open a log, compressed or not, as its content tells.

    Raises InputError for what cannot be opened or is no file, FileNotFoundError where there is none.
    """
    try:
        # A named pipe must not hold everything up.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(
            f"{path}: {_FORBIDDEN}: {error.strerror or error}. Give zeekml's user the right to read it, "
            "and to enter the folders above it."
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError(f"{path}: no regular file; expected a log or a folder of logs.")
    raw = os.fdopen(handle, "rb")
    try:
        packed = os.pread(handle, 4, 0).startswith(_PACKED)
        return PackedContent(path, raw) if packed else Content(path, raw)
    except OSError as error:
        raw.close()
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error
