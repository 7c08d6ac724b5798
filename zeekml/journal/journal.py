"""The journal: records that are on the disk before anything follows from them.

A file is its mark and then records; a record is a mark, the length of its payload, a checksum of both, and
the payload. A record is written whole and synced before `Journal.append` returns, so that only the last one
can be torn; a torn one never had consequences and is passed over by `records`.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from zeekml.errors import StateError
from zeekml.sinks.folder import failures

_FILE_MARK: Final = b"zeekml journal 1\n"
_MARK: Final = b"\xf5\x00\xfaREC"
_HEAD: Final = struct.Struct("<6sQI")  # mark, bytes of payload, CRC-32 of the length and the payload
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE: Final = 0o600


class Journal:
    """A journal being written."""

    def __init__(self, path: Path) -> None:
        """Begin a journal where there is no file yet; OutputError when it cannot be written."""
        self.path = path
        self.size = 0
        with failures(path):
            self._fd = os.open(path, _CREATE, _FILE_MODE)
            try:
                self._write(_FILE_MARK)
                os.fsync(self._fd)
                sync_folder(path.parent)
            except BaseException:
                self.close()
                raise

    def append(self, payload: bytes) -> None:
        """Write a record and wait until it is on the disk; OutputError when that fails.

        After a failure the journal must be left as it is: its last record may be torn.
        """
        length = struct.pack("<Q", len(payload))
        head = _HEAD.pack(_MARK, len(payload), zlib.crc32(payload, zlib.crc32(length)))
        with failures(self.path):
            self._write(head + payload)
            os.fdatasync(self._fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        self.size += len(data)


def records(path: Path) -> Iterator[bytes]:
    """The payloads of a journal in order, without a torn last one.

    Raises StateError for what is no journal, for one that cannot be read, and where whole records follow a
    damaged one: what they stand for has happened, and what the damaged one held is not known.
    """
    try:
        with path.open("rb") as file:
            mark = file.read(len(_FILE_MARK))
            if mark != _FILE_MARK:
                if _FILE_MARK.startswith(mark):  # it was being begun
                    return
                raise StateError(f"{path} is no journal of this version of zeekml; {_CURE}")
            size = os.fstat(file.fileno()).st_size
            while (at := file.tell()) < size:
                payload = _record(file.read(_HEAD.size), size - at - _HEAD.size, file.read)
                if payload is None:
                    file.seek(at + 1)
                    _refuse_what_follows(path, at, file.read())
                    return
                yield payload
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or error}; {_CURE}") from error


_CURE: Final = (
    "put back a copy of the state folder, or name a new one with --state "
    "(it begins without what is remembered of hosts, at the end of the logs unless --from-start is given)"
)


def _record(head: bytes, left: int, read: Callable[[int], bytes]) -> bytes | None:
    """The payload behind a head, None when it is not whole."""
    if len(head) < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack(head)
    if mark != _MARK or length > left:
        return None
    payload = read(length)
    whole = zlib.crc32(payload, zlib.crc32(struct.pack("<Q", length))) == checksum
    return payload if whole else None


def _part(data: bytes, at: int, length: int) -> bytes:
    return data[at : at + length]


def _refuse_what_follows(path: Path, damaged: int, rest: bytes) -> None:
    at = rest.find(_MARK)
    while at >= 0:
        body = at + _HEAD.size
        if _record(rest[at:body], len(rest) - body, partial(_part, rest, body)) is not None:
            raise StateError(
                f"{path} is damaged at byte {damaged:,}, and whole records follow at byte "
                f"{damaged + 1 + at:,}; {_CURE}"
            )
        at = rest.find(_MARK, at + 1)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
