"""What tasks on one machine leave for each other in files, so that Java need not carry it.

To carry a connection through Java and back costs as much as to score it. On one machine Spark is handed where it lies
instead. Every attempt of a task writes a file of its own: what a task that failed has left is referred to by nobody.
The driver makes the folder, and takes it away when all is done.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa

Buffer: TypeAlias = bytes | memoryview
_AS_IT_IS: Final = pa.ipc.IpcWriteOptions(use_threads=False)
_LARGE: Final = 1 << 20
_TRIES: Final = 20
_BETWEEN_S: Final = 0.1
_ALIGNED: Final = 64
"""Bytes: tables begin at multiples, so that their columns can be looked at where they lie."""


class Lying(NamedTuple):
    """Where bytes lie: ``size`` of them from ``at`` on in the file ``path``."""

    path: str
    at: int
    size: int

    def part(self, start: int, stop: int) -> Lying:
        """The bytes from ``start`` to ``stop`` of these."""
        return Lying(self.path, self.at + start, stop - start)

    def read(self) -> bytes:
        """The bytes. Raises OSError, also where the file is shorter."""
        with self._opened() as file:
            data = os.pread(file, self.size, self.at)
            while len(data) < self.size:
                more = os.pread(file, self.size - len(data), self.at + len(data))
                if not more:
                    raise self._too_short(self.at + len(data))
                data += more
        return data

    def mapped(self) -> memoryview:
        """The bytes where they lie, read when they are looked at. Raises as `read` does."""
        if not self.size:
            return memoryview(b"")
        before = self.at % mmap.ALLOCATIONGRANULARITY
        with self._opened() as file:
            if (end := os.fstat(file).st_size) < self.at + self.size:
                raise self._too_short(end)
            memory = mmap.mmap(file, before + self.size, access=mmap.ACCESS_READ, offset=self.at - before)
        return memoryview(memory)[before:]

    @contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _too_short(self, end: int) -> OSError:
        return OSError(f"{self.path}: ends at byte {end} of {self.at + self.size}")


def taken(data: Any) -> Any:
    """The bytes themselves, wherever they lie. Raises OSError."""
    if not isinstance(data, Lying):
        return data
    # As long as bytes are mapped they hold the file open, and there may be a thousand files at a time.
    return data.read() if data.size < _LARGE else data.mapped()


class Aside:
    """Puts bytes of one attempt of a task aside; without a folder they stay as they are."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self.moves = folder is None
        """Whether the bytes are moved by Spark: then they had better be few."""
        self._path = ""

    def put(self, *pieces: Buffer) -> Any:
        """The bytes of all pieces, or where they lie now. Raises OSError where the disk is full."""
        if self._folder is None:
            return b"".join(pieces)
        with self._file() as file:
            at = file.tell()
            for piece in pieces:
                file.write(piece)
            return Lying(self._path, at, file.tell() - at)

    def put_table(self, table: pa.Table) -> Lying:
        """Where a table lies now, as a stream of Arrow's; only with a folder. Raises as `put` does."""
        with self._file() as file:
            file.write(bytes(-file.tell() % _ALIGNED))
            at = file.tell()
            with pa.ipc.new_stream(file, table.schema, options=_AS_IT_IS) as stream:
                stream.write_table(table.combine_chunks())
            return Lying(self._path, at, file.tell() - at)

    def _file(self) -> pa.OSFile:
        """The file of this attempt, opened at its end."""
        if not self._path:
            descriptor, self._path = tempfile.mkstemp(prefix="part-", dir=self._folder)
            os.close(descriptor)
        return pa.OSFile(self._path, "ab")


def local_folder() -> str | None:
    """Where Spark keeps what does not fit into memory; None: where this system does."""
    folders = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
    return next((folder for folder in folders if os.path.isdir(folder)), None)  # noqa: PTH112


@contextmanager
def folder_for(master: str) -> Iterator[str | None]:
    """A folder for what tasks leave for each other, where they all run on this machine; else None."""
    if not master.startswith("local"):
        yield None
        return
    folder = tempfile.mkdtemp(prefix="zeekml-", dir=local_folder())
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: str) -> None:
    """Take the folder away. A task of a run that was given up may go on for a moment, and put something there."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            break
        time.sleep(_BETWEEN_S)
